"""The provider's side of a task, top to bottom: a call is heard, weighed, bid for, checked, worked on, delivered.

Bidding, signing, delivering and being paid are the market's machines (:mod:`market.auction.bidder`,
:mod:`market.settlement.provider`); here is what they ask of the world. Each step may be asked for again, after a restart
too: what is under way is not begun twice, and what is done is answered again.
"""

import logging
import secrets
from collections.abc import Mapping
from typing import Any, Final, Protocol

import msgspec
import trio

from chain.errors import ChainError, UnavailableError
from market.auction import bidder
from market.auction.bidder import evidence_of
from market.auction.effects import TranscriptReceived
from market.auction.facts import Facts
from market.auction.verify import verify_transcript
from market.cases import CaseKey
from market.envelope import Opened, reopen
from market.errors import MarketError, PeerError
from market.hashing import AuctionId, MessageId
from market.identity import AccountId
from market.messages import Ask, Blob, Cfp, Commitment, Progress, TaskAsk, Transcript
from market.messages.fields import MAX_SLOTS
from market.settlement import provider as serving
from market.settlement.effects import InputChecked, WorkDone, WorkFailed, WorkStarted
from market.units import PPM, BlockNumber, Planck, Ppm, block_after
from node.agents.schemas import Judge
from node.agents.specs import Offer
from node.drive import Runner
from node.executor.errors import ExecutorError
from node.p2p.blobs import Blobs
from node.p2p.errors import NetworkError
from node.trade.gate import Gate, Load, Refusal, Workload
from node.trade.results import Results
from node.trade.running import Running
from node.trade.slots import slots_of

__all__ = ["Performer", "Provider"]

_LOG: Final = logging.getLogger("ainur.provider")
PROGRESS_SECONDS: Final = 0.5
"""Between two reports to a requester, at least."""
PROGRESS_LIFETIME: Final = 20
"""Blocks for which a report is valid."""
NOTHING: Final = Planck(0)
LOOK_AHEAD: Final = 3
"""Blocks by which a call's facts block may be ahead of our head."""


class Performer(Protocol):
    """Port: an agent that runs; :class:`node.executor.running.RunningAgent` is one."""

    offer: Offer

    async def perform(self, given: Any, deadline: float, progress: Any = None) -> Any:
        """Do a task; the deadline is on trio's clock.

        Raises:
            ExecutorError: it could not be done.
        """
        ...


class Provider:
    """Sells what its agents can do."""

    def __init__(
        self,
        runner: Runner,
        agents: Mapping[str, Performer],
        gate: Gate,
        blobs: Blobs,
        *,
        slots: int = 1,
        least: Planck = NOTHING,
    ) -> None:
        """Make one; nothing happens before :meth:`run`.

        Args:
            runner: of the node's market.
            agents: by capability.
            gate: asked before each bid.
            blobs: the node's.
            slots: tasks that each agent works on side by side.
            least: what the chain pays at least; who asks less wins an escrow that cannot be opened.
        """
        self._runner, self._agents, self._gate, self._blobs = runner, dict(agents), gate, blobs
        self._slots, self._least = slots, least
        self._results = Results(runner.database)
        self._running = Running()
        self._judges = {
            name: Judge(agent.offer.input_schema, f"the input of {name}")
            for name, agent in self._agents.items()
        }

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Work until cancelled."""
        await self._running.run(task_status=task_status)

    # A call is heard: weigh it, and bid at cost.

    def heard(self, call: Opened[Cfp]) -> None:
        """Answer a call for proposals, or do not."""
        if CaseKey("bid", call.id) not in self._runner.cases:
            self._running.start(("bid", call.id), lambda: self._bid(call))

    async def _bid(self, call: Opened[Cfp]) -> None:
        cfp, runner = call.body, self._runner
        if cfp.facts_block > runner.head + LOOK_AHEAD:
            _LOG.info("auction %s lies ahead of our head", call.id.hex()[:12])
            return
        await runner.wait_for_head(cfp.facts_block)
        ask = self._ask(cfp)
        if ask is None:
            return
        try:
            facts = await runner.facts.read(cfp.facts_block, frozenset({call.sender}))
            nonce = secrets.token_bytes(32)
            await runner.wish(lambda drive: drive.bid(call, ask, nonce, facts))
        except (MarketError, ChainError) as error:
            _LOG.info("no bid in auction %s: %s", call.id.hex()[:12], error)

    def _ask(self, cfp: Cfp) -> Ask | None:
        """Return what we ask: each task's cost, for as many as the gate lets in; None for no bid.

        Under these auctions asking the cost is best whatever others do, so there is nothing to add.
        """
        prices: list[TaskAsk] = []
        slots = 0
        for name, agent in self._agents.items():
            offer = agent.offer
            cost = Planck(-(-max(offer.price, self._least) // cfp.tick) * cfp.tick)
            mine = [
                (index, task)
                for index, task in enumerate(cfp.tasks)
                if (task.capability, task.capability_version) == (name, offer.version)
                and cost <= task.reserve
            ]
            if not mine:
                continue
            within = min(task.deliver_within for _, task in mine)
            millis = float(within * self._runner.params.millis_per_block)
            workload = Workload(capability=name, tasks=len(mine), within_millis=millis)
            answer = self._gate.request(workload, Load(slots=self._slots, taken=self.taken(name)))
            if isinstance(answer, Refusal):
                _LOG.info("the gate %r is shut: %s", answer.gate, answer.reason)
                continue
            slots += answer.slots
            prices += [TaskAsk(task=index, price=cost) for index, _ in mine]
        if not prices:
            return None
        surcharge = (Planck(0),) * min(slots, len(prices), MAX_SLOTS)
        ordered = tuple(sorted(prices, key=lambda price: price.task))
        return Ask(prices=ordered, slot_surcharge=surcharge, bundles=())

    def taken(self, capability: str) -> int:
        """Return how many slots are bound: bids that may still win, awards, and work that is not delivered."""
        return sum(slots_of(state, capability) for state in self._runner.cases.values())

    # The auction is over: believe its transcript only after computing it again.

    def audit(self, case: CaseKey, transcript: Opened[Transcript]) -> None:
        """Verify a transcript, and tell the case if no fault is in it."""
        self._running.start(("audit", transcript.id), lambda: self._audit(case, transcript))

    async def wait_for_audit(self, transcript: MessageId) -> None:
        """Return once a transcript is not being verified any more."""
        await self._running.wait(("audit", transcript))

    async def _audit(self, case: CaseKey, transcript: Opened[Transcript]) -> None:
        state = self._runner.cases.get(case)
        if not isinstance(state, bidder.Bidder):
            return
        body, cfp = transcript.body, state.call.body
        if any(not record.ack for record in body.reveals):
            await self._runner.wait_for_head(BlockNumber(cfp.reveal_by + 1))
        try:
            accounts = {state.call.sender, self._runner.identity.account}
            accounts |= {_sender(record.commitment) for record in body.commitments}
            auction = AuctionId(case.id)
            facts = await self._runner.facts.read(
                cfp.facts_block, frozenset(accounts), auction=auction, until=cfp.reveal_by
            )
        except (PeerError, ChainError) as error:
            _LOG.warning("the transcript of %s is not verified: %s", case.id.hex()[:12], error)
            return
        faults = await trio.to_thread.run_sync(_verify, transcript, facts, evidence_of(state))
        if faults:
            _LOG.error("auction %s is faulty, no work for it: %s", case.id.hex()[:12], faults)
            return
        until = block_after(cfp.reveal_by, self._runner.params.retention)
        self._runner.barred.note(transcript, facts, until)
        await self._runner.tell(case, TranscriptReceived(transcript))

    # The task is ours: get the input, and sign only what can be worked on.

    def fetch_input(self, case: CaseKey, source: AccountId, blob: Blob) -> None:
        """Get an input and look whether it can be worked on."""
        self._running.start(("input", case), lambda: self._fetch_input(case, source, blob))

    async def _fetch_input(self, case: CaseKey, source: AccountId, blob: Blob) -> None:
        state = self._runner.cases.get(case)
        if not isinstance(state, serving.Provider) or state.terms is None:
            return
        try:
            peer = await self._runner.where.peer_of(source, self._runner.head)
            if peer is None:
                return
            data = await self._blobs.fetch(blob, peer)
        except (NetworkError, UnavailableError) as error:
            _LOG.info("the input of %s has not come: %s", case.id.hex()[:12], error)
            return
        is_good = self._fault(state.terms.capability, data) is None
        await self._runner.tell(case, InputChecked(blob.hash, is_good))

    def _fault(self, capability: str, data: bytes) -> str | None:
        """Return what is wrong with an input; None when nothing is."""
        judge = self._judges.get(capability)
        if judge is None:
            return f"nobody here does {capability}"
        try:
            return judge.fault(msgspec.json.decode(data))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            return f"no JSON: {error}"

    # The escrow is open: work, keep the result, and only then say so.

    def perform(self, case: CaseKey, milestone: int) -> None:
        """Work on a milestone, unless that is under way."""
        self._running.start(("work", case), lambda: self._perform(case, milestone))

    async def _perform(self, case: CaseKey, milestone: int) -> None:
        state, runner = self._runner.cases.get(case), self._runner
        if not isinstance(state, serving.Provider) or state.terms is None or state.found is None:
            return
        made = await self._results.load(case, milestone)
        if made is None:
            terms, escrow = state.terms, state.found.escrow
            await runner.tell(case, WorkStarted(milestone))
            margin = serving_margin(state)
            blocks = max(escrow.deadline - margin - runner.head, 0)
            seconds = blocks * runner.params.millis_per_block / 1_000
            try:
                made = await self._work(terms.capability, terms.input, state, milestone, seconds)
            except (ExecutorError, NetworkError) as error:
                _LOG.warning("the work on %s failed: %s", case.id.hex()[:12], error)
                await runner.tell(case, WorkFailed(milestone, str(error)[:256]))
                return
            await self._results.save(case, milestone, made)
        await runner.tell(case, WorkDone(milestone, made))

    async def _work(
        self,
        capability: str,
        given: Blob,
        state: serving.Provider,
        milestone: int,
        seconds: float,
    ) -> Blob:
        agent = self._agents[capability]
        value = msgspec.json.decode(await self._blobs.get(given))
        began = trio.current_time()
        reports = _Reports(self, state, milestone)
        output = await agent.perform(value, began + seconds, reports.note)
        self._gate.measured(capability, (trio.current_time() - began) * 1_000)
        return await self._blobs.put(msgspec.json.encode(output), "application/json")

    def stop(self, case: CaseKey) -> None:
        """Stop working on a task."""
        self._running.stop(("work", case))

    def report(self, state: serving.Provider, milestone: int, done: float, note: str) -> None:
        """Tell the requester how far the work is."""
        task = state.task
        body = Progress(
            task_id=task.task_id,
            attempt=task.attempt,
            milestone=milestone,
            done=Ppm(round(min(max(done, 0.0), 1.0) * PPM)),
            note=note[:256],
        )

        async def say() -> None:
            await self._runner.say(task.requester, body, PROGRESS_LIFETIME)

        self._running.start(("progress", task.task_id), say)


class _Reports:
    """An agent's reports, thinned out."""

    def __init__(self, provider: Provider, state: serving.Provider, milestone: int) -> None:
        self._provider, self._state, self._milestone = provider, state, milestone
        self._next = 0.0

    def note(self, done: float, note: str) -> None:
        now = trio.current_time()
        if now >= self._next:
            self._next = now + PROGRESS_SECONDS
            self._provider.report(self._state, self._milestone, done, note)


def serving_margin(state: serving.Provider) -> int:
    """Return the blocks before its deadline at which work that is not done is given back."""
    return state.policy.margin_of(state.found.escrow.deliver_within) if state.found else 0


def _sender(raw: bytes) -> AccountId:
    message = reopen(raw)
    if not isinstance(message.body, Commitment):
        raise PeerError("a transcript lists something else among its commitments")
    return message.sender


def _verify(transcript: Opened[Transcript], facts: Facts, evidence: tuple[bytes, ...]) -> list[str]:
    return [f"{f.kind}: {f.about}" for f in verify_transcript(transcript, facts, evidence)]
