"""The requester's side of a task, top to bottom: it is taken in, called for, cleared, checked, paid, and told.

The auction and the settlement are the market's machines (:mod:`market.auction.requester`,
:mod:`market.settlement.requester`); here is what they ask of the world, and what users ask of them. A task that was taken
in is not forgotten: one that waits is called for after a restart, one that is under way goes on from the journal.
"""

import functools
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

import attrs
import msgspec
import trio

from chain.errors import ChainError, HistoryError, UnavailableError
from market.auction import requester as auctioning
from market.auction.effects import Conclude
from market.auction.file import AuctionFile, encode_auction_file
from market.auction.funds import compute_funds_needed
from market.cases import CaseKey, is_over
from market.drive import Drive
from market.envelope import Opened, expect, reopen
from market.errors import MarketError, UsageError
from market.hashing import AuctionId, Hash, TaskId, audience_of_topic
from market.identity import AccountId, PeerId
from market.messages import Award, Blob, Cfp, Progress, Transcript
from market.messages.fields import MAX_BIDDERS, MAX_TASKS
from market.settlement import requester as buying
from market.settlement.effects import CancelWanted, Ending, Outcome, ResultChecked
from market.units import Planck, block_after, format_amount
from node.agents.schemas import Judge
from node.drive import Runner
from node.p2p.blobs import Blobs
from node.p2p.errors import BlobError, NetworkError
from node.p2p.gossip import cfp_topic
from node.trade.calls import Windows, build_call, require_possible
from node.trade.gathering import Gathering
from node.trade.life import Life
from node.trade.running import Running, StoppingError
from node.trade.tasks import Kept, Tasks, TaskSpec

__all__ = ["CALL_AUDIENCE", "Check", "NewTask", "Requester", "Router", "Terms"]

_LOG: Final = logging.getLogger("ainur.requester")
CALL_AUDIENCE: Final = audience_of_topic(cfp_topic(0))
"""What calls are addressed to; everybody who sells listens to it."""
PAUSES: Final = (0.02, 0.05, 0.1)
"""Seconds before a result that is not shown to us yet is asked for again; then at the next head."""
AGAIN: Final = 0.5
"""Seconds before the chain is asked again."""

Check = Callable[[TaskSpec, Any], Awaitable[str | None]]
"""Given a task and the decoded result, says what is wrong with it; None when nothing is."""


class Router(Protocol):
    """Port: who hears a call."""

    def pick(self, capability: str, version: int) -> frozenset[AccountId]:
        """Return whom to invite."""
        ...


@attrs.frozen(kw_only=True)
class Terms:
    """What a requester decides for all of its tasks."""

    windows: Windows = attrs.field(factory=Windows)
    gather_seconds: float = 0.05
    """Tasks that come within this time are cleared together."""
    arbiter: AccountId | None = None
    """Who rules on disputes; the chain's own if None."""
    drift: float = 0.5
    """Share by which the chain's blocks may take longer or shorter than it says before deadlines mean nothing."""


@attrs.frozen(kw_only=True)
class NewTask:
    """A task as it is handed in."""

    capability: str
    given: bytes
    """The input, JSON."""
    budget: Planck
    """The most that its provider is paid."""
    deadline_ms: int
    """From the opening of its escrow to the result on chain."""
    version: int = 1
    """Of the capability."""
    output_schema: dict[str, Any] | None = None
    """What a result must fit."""
    check: str | None = None
    """Name of a check of ours."""


class Requester:
    """Buys what its users want done."""

    def __init__(
        self,
        runner: Runner,
        router: Router,
        blobs: Blobs,
        life: Life,
        *,
        terms: Terms | None = None,
        checks: Mapping[str, Check] | None = None,
    ) -> None:
        """Make one; nothing happens before :meth:`run`.

        Args:
            runner: of the node's market.
            router: says who hears a call.
            blobs: the node's.
            life: told what becomes of tasks.
            terms: ours in all tasks.
            checks: of results, by name.
        """
        self._runner, self._router, self._blobs, self._life = runner, router, blobs, life
        self._terms = terms or Terms()
        self._checks = dict(checks or {})
        self._tasks = Tasks(runner.database)
        self._running = Running()
        self._gathering = Gathering(self._terms.gather_seconds)
        self._called: set[AuctionId] = set()
        """Auctions that were called in this run of the node."""

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Buy until cancelled; what waited before a restart is called for."""
        self._gathering.put(kept for kept in self._tasks.open() if kept.auction is None)
        async with trio.open_nursery() as nursery:
            await nursery.start(self._running.run)
            nursery.start_soon(self._gather)
            task_status.started()

    # What users ask.

    async def submit(self, capability: str, given: bytes, **wanted: Any) -> TaskId:
        """Take one task in, as :meth:`submit_all` does several; its fields are those of :class:`NewTask`."""
        [task] = await self.submit_all([NewTask(capability=capability, given=given, **wanted)])
        return task

    async def submit_all(self, tasks: Sequence[NewTask]) -> list[TaskId]:
        """Take tasks in, all or none; when this returns they are not forgotten any more.

        They are called for together, with whatever else comes while their window is open.

        Raises:
            UsageError: one of them is not possible; the message says why.
            NetworkUsageError: an input is too large.
        """
        with self._gathering.coming():
            specs = [await self._spec_of(task) for task in tasks]
            observed = await self._runner.chain.millis_per_block()
            for spec in specs:
                require_possible(spec, self._runner.params, observed, self._terms.drift)
            named = [(TaskId(secrets.token_bytes(32)), spec) for spec in specs]
            for kept in await self._tasks.add(named):
                fields = {
                    "capability": kept.spec.capability,
                    "budget": str(kept.spec.budget),
                    "deadline_ms": kept.spec.deadline_ms,
                }
                self._life.tell(kept.id, "submitted", self._runner.head, fields)
                self._gathering.put([kept])
        return [name for name, _ in named]

    async def _spec_of(self, task: NewTask) -> TaskSpec:
        if task.check is not None and task.check not in self._checks:
            have = ", ".join(sorted(self._checks)) or "none"
            raise UsageError(f"there is no check {task.check!r} at this node (there: {have})")
        try:
            msgspec.json.decode(task.given)
            Judge(task.output_schema, "the wanted result")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
            raise UsageError(f"input and schema are JSON: {error}") from error
        fields = {
            "capability": task.capability,
            "version": task.version,
            "input": await self._blobs.put(task.given, "application/json"),
            "budget": task.budget,
            "deadline_ms": task.deadline_ms,
            "output_schema": task.output_schema,
            "check": task.check,
        }
        try:
            return msgspec.convert(fields, TaskSpec)
        except msgspec.ValidationError as error:
            raise UsageError(f"no such task: {error}") from error

    def task(self, task: bytes) -> Kept | None:
        """Return a task."""
        return self._tasks.get(task)

    def tasks(self, limit: int = 100) -> list[Kept]:
        """Return tasks, the newest first."""
        return self._tasks.newest(limit)

    def purchase(self, task: bytes) -> buying.Requester | None:
        """Return where a task stands with the provider that it was awarded to last; None before that."""
        found = None
        for key, state in self._runner.cases.items():
            if key.kind == "buy" and key.id == task and isinstance(state, buying.Requester):
                found = state
        return found

    async def result(self, task: bytes) -> bytes:
        """Return a task's result, JSON.

        Raises:
            BlobError: it is not here.
            UsageError: there is none.
        """
        state = self.purchase(task)
        if state is None or not state.receipts:
            raise UsageError("there is no result: the task has not been delivered")
        return await self._blobs.get(state.receipts[max(state.receipts)].body.result)

    async def auction_file(self, task: bytes) -> bytes:
        """Return the transcript of a task's auction with the facts it was cleared with, for whoever wants to check it.

        Raises:
            UsageError: it has none, or that auction is not over.
            ChainError: the chain does not say the facts any more.
        """
        kept = self._tasks.get(task)
        state = None
        if kept is not None and kept.auction is not None:
            state = self._runner.cases.get(CaseKey("auction", kept.auction))
        if not isinstance(state, auctioning.Requester) or not state.transcript:
            raise UsageError("there is no transcript: its auction is not over, or never was")
        accounts = frozenset({*state.taken, self._runner.identity.account})
        cfp = state.cfp
        facts = await self._runner.facts.read(
            cfp.facts_block, accounts, auction=state.auction, until=cfp.reveal_by
        )
        transcript = expect(reopen(state.transcript), Transcript)
        return encode_auction_file(AuctionFile(transcript, facts, evidence=()))

    async def cancel(self, task: bytes) -> None:
        """Want a task no more: what is not bound is withdrawn, what is bound is asked back.

        Raises:
            UsageError: there is no such task, or it has ended.
        """
        kept = self._tasks.get(task)
        if kept is None:
            raise UsageError("there is no such task at this node")
        if kept.ended is not None:
            raise UsageError(f"it has ended: {kept.ended}")

        await self._withdraw(task)
        if self._gathering.drop(task):
            self._end(task, "cancelled", "cancelled before anybody was called")

    # Tasks that came together are called for together.

    async def _gather(self) -> None:
        await self._runner.is_present.wait()
        while True:
            waiting = await self._gathering.take()
            for first in range(0, len(waiting), MAX_TASKS):
                with suppress(StoppingError):  # what waits is called for when the node runs again
                    await self._call(waiting[first : first + MAX_TASKS])

    async def _call(self, waiting: list[Kept]) -> None:
        """Call for some tasks; those that nobody offers, or that we cannot pay for, end here."""
        wanted = []
        invited: set[AccountId] = set()
        barred = self._runner.barred.at(self._runner.head)
        for kept in waiting:
            found = self._router.pick(kept.spec.capability, kept.spec.version)
            found -= {self._runner.identity.account} | barred
            if found:
                wanted.append((kept.id, kept.spec))
                invited |= found
            else:
                name = f"{kept.spec.capability} version {kept.spec.version}"
                self._end(kept.id, "no-provider", f"nobody is known who offers {name}")
        if not wanted:
            return
        hearing = frozenset(sorted(invited)[:MAX_BIDDERS])
        try:
            short = await self._short_of(self._build(wanted, hearing))
            if short:
                for task, _ in wanted:
                    self._end(task, "no-funds", short)
                return
            cfp = await self._runner.wish(lambda drive: self._announce(drive, wanted, hearing))
        except (MarketError, ChainError) as error:
            for task, _ in wanted:
                self._end(task, "not-called", str(error))
            return
        # Facts never change: read before they are needed, they cost the auction nothing.
        self._running.start(("facts", cfp.facts_block), lambda: self._prefetch(cfp))

    def _build(self, wanted: list[tuple[TaskId, TaskSpec]], hearing: frozenset[AccountId]) -> Cfp:
        return build_call(
            wanted,
            now=self._runner.head,
            params=self._runner.params,
            windows=self._terms.windows,
            invited=hearing,
            arbiter=self._terms.arbiter,
        )

    def _announce(
        self, drive: Drive, wanted: list[tuple[TaskId, TaskSpec]], hearing: frozenset[AccountId]
    ) -> Cfp:
        cfp = self._build(wanted, hearing)
        key = drive.announce(cfp, CALL_AUDIENCE, self._runner.barred.at(self._runner.head))
        self._called.add(AuctionId(key.id))
        for task, _ in wanted:
            self._tasks.called(task, AuctionId(key.id))
        return cfp

    async def _short_of(self, cfp: Cfp) -> str:
        """Return what we lack to pay for a call, in a sentence; empty when nothing is lacking."""
        runner = self._runner
        needed = compute_funds_needed(cfp, runner.params)
        account = runner.identity.account
        facts = await runner.facts.read(cfp.facts_block, frozenset({account}))
        known = facts.by_account().get(account)
        free = known.free if known is not None else Planck(0)
        if free >= needed:
            return ""
        return (
            f"it may cost {format_amount(needed)} with fees and deposits, and the account has"
            f" {format_amount(free)}: fund it, or lower the budget"
        )

    async def _prefetch(self, cfp: Cfp) -> None:
        try:
            await self._runner.facts.read(cfp.facts_block, frozenset(cfp.invited))
        except ChainError as error:
            _LOG.debug("facts were not read ahead: %s", error)

    # The bids are open: the chain says who counts for how much.

    def read_facts(self, case: CaseKey, accounts: tuple[AccountId, ...]) -> None:
        """Read what the chain says of the bidders, and tell the auction."""
        self._running.start(("clear", case), lambda: self._read_facts(case, accounts))

    async def _read_facts(self, case: CaseKey, accounts: tuple[AccountId, ...]) -> None:
        state, runner = self._runner.cases.get(case), self._runner
        if not isinstance(state, auctioning.Requester):
            return
        everybody = frozenset({*accounts, runner.identity.account})
        is_complete = state.shown.keys() == state.taken.keys()
        while True:
            try:
                facts = await runner.facts.read(
                    state.cfp.facts_block,
                    everybody,
                    auction=None if is_complete else state.auction,
                    until=state.cfp.reveal_by,
                )
                break
            except HistoryError as error:
                _LOG.error("auction %s cannot be cleared: %s", case.id.hex()[:12], error)
                return
            except ChainError as error:
                _LOG.warning("facts for auction %s: %s", case.id.hex()[:12], error)
                await trio.sleep(AGAIN)
        await runner.wish(lambda drive: drive.on_facts(case, facts))

    def concluded(self, case: CaseKey, conclusion: Conclude) -> None:
        """An auction is over: tasks that nobody was found for have ended, the others are bought."""
        state = self._runner.cases.get(case)
        if not isinstance(state, auctioning.Requester):
            return
        if state.auction in self._called:
            look = functools.partial(self._note_defaults, state)
            self._running.start(("defaults", state.auction), look)
        awarded: set[int] = set()
        if conclusion.is_awarded:
            award = expect(reopen(state.rounds[-1].award), Award).body
            awarded = {line.task for line in award.lines}
        for index, task in enumerate(state.cfp.tasks):
            if index in awarded:
                if (kept := self._tasks.get(task.task_id)) is not None and kept.is_cancelled:
                    withdraw = functools.partial(self._withdraw, task.task_id)
                    self._running.start(("cancel", task.task_id), withdraw)
            elif self._has_no_live_purchase(task.task_id):
                is_ours = state.auction in self._called
                if is_ours or state.phase is not auctioning.Phase.VOID:
                    self._end(task.task_id, *_why_nobody(state))
                else:  # it came to nothing because we were away
                    again = functools.partial(self._call_again, task.task_id, state.auction)
                    self._running.start(("again", task.task_id), again)

    async def _note_defaults(self, state: auctioning.Requester) -> None:
        cfp = state.cfp
        accounts = frozenset({*state.taken, self._runner.identity.account})
        try:
            facts = await self._runner.facts.read(cfp.facts_block, accounts)
        except ChainError as error:
            _LOG.info("who let %s down is not known: %s", state.auction.hex()[:12], error)
            return
        until = block_after(cfp.reveal_by, self._runner.params.retention)
        transcript = expect(reopen(state.transcript), Transcript)
        self._runner.barred.note(transcript, facts, until)

    async def _call_again(self, task: bytes, auction: AuctionId) -> None:
        if await self._tasks.requeue(task, auction) and (kept := self._tasks.get(task)) is not None:
            self._gathering.put([kept])

    async def _withdraw(self, task: bytes) -> None:
        def act(drive: Drive) -> None:
            self._tasks.cancel(task)
            for key, state in list(drive.cases.items()):
                if key.kind == "buy" and key.id == task and not is_over(state):
                    drive.tell(key, CancelWanted())

        await self._runner.wish(act)

    def _has_no_live_purchase(self, task: bytes) -> bool:
        state = self.purchase(task)
        return state is None or (state.outcome is not None and _is_reopened(state.outcome))

    # The result is on chain: get it, check it, and release or dispute.

    def examine(self, case: CaseKey, source: AccountId, milestone: int, result: Hash) -> None:
        """Get a result, compare it with its hash, check it."""
        self._running.start(
            ("examine", case), lambda: self._examine(case, source, milestone, result)
        )

    async def _examine(
        self, case: CaseKey, source: AccountId, milestone: int, result: Hash
    ) -> None:
        state, runner = self._runner.cases.get(case), self._runner
        if not isinstance(state, buying.Requester) or milestone not in state.receipts:
            return  # its receipt is on the way, and says how large it is
        blob = state.receipts[milestone].body.result
        if blob.hash != result:
            return  # two results were signed: the case disputes without looking
        try:
            peer = await runner.where.peer_of(source, runner.head)
            if peer is None:
                return
            data = await self._fetch(blob, peer)
        except (NetworkError, UnavailableError) as error:
            _LOG.info("the result of %s has not come: %s", case.id.hex()[:12], error)
            return
        fault = await self._fault(case.id, data)
        if fault is not None:
            fields = {"milestone": milestone, "fault": fault[:512]}
            self._life.tell(case.id, "wrong-result", runner.head, fields)
        await runner.tell(case, ResultChecked(milestone, result, is_good=fault is None))

    async def _fetch(self, blob: Blob, peer: PeerId) -> bytes:
        """Get a result; its provider may learn a moment after us that it is time to show it."""
        for pause in PAUSES:
            try:
                return await self._blobs.fetch(blob, peer)
            except BlobError:
                await trio.sleep(pause)
        return await self._blobs.fetch(blob, peer)

    async def _fault(self, task: bytes, data: bytes) -> str | None:
        """Return what is wrong with a result; None when nothing is."""
        kept = self._tasks.get(task)
        try:
            value = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return f"it is no JSON: {error}"
        if kept is None:
            return None  # the journal was lost, and with it what was wanted: what is JSON is taken
        fault = Judge(kept.spec.output_schema, "the wanted result").fault(value)
        if fault is not None or kept.spec.check is None:
            return fault
        check = self._checks.get(kept.spec.check)
        if check is None:
            return None  # the node was started without it; what cannot be checked is not disputed
        return await check(kept.spec, value)

    def settled(self, case: CaseKey, outcome: Outcome) -> None:
        """A task has ended at one provider; where that kept its escrow from being opened, its auction goes on."""
        state = self._runner.cases.get(case)
        if not isinstance(state, buying.Requester):
            return
        if outcome.at_fault == "provider" and _is_reopened(outcome) and state.terms is not None:
            auction = self._runner.cases.get(CaseKey("auction", state.terms.auction))
            if (
                isinstance(auction, auctioning.Requester)
                and auction.phase is not auctioning.Phase.VOID
            ):
                return
        paid = f"paid {format_amount(outcome.paid)}" if outcome.paid else "nothing was paid"
        reason = f" ({outcome.reason})" if outcome.reason else ""
        self._end(case.id, outcome.state.value.lower(), f"{paid}{reason}")

    def heard_progress(self, message: Opened[Progress]) -> None:
        """Tell how far the work is, if it is the provider's word."""
        state = self.purchase(message.body.task_id)
        if state is not None and state.task.provider == message.sender and not is_over(state):
            body = message.body
            fields = {"milestone": body.milestone, "done_ppm": body.done, "note": body.note}
            self._life.tell(body.task_id, "progress", self._runner.head, fields)

    def _end(self, task: bytes, how: str, why: str) -> None:
        self._running.start(("end", task), functools.partial(self._finish, task, how, why))

    async def _finish(self, task: bytes, how: str, why: str) -> None:
        if await self._tasks.end(task, f"{how}: {why}"):
            self._life.tell(task, "ended", self._runner.head, {"how": how, "why": why})


def _is_reopened(outcome: Outcome) -> bool:
    return outcome.state in (Ending.UNSIGNED, Ending.REFUSED)


def _why_nobody(state: auctioning.Requester) -> tuple[str, str]:
    """Return why a task found nobody: one word, and a sentence."""
    untouched = "your money was not touched"
    if not state.taken:
        return "no-bid", f"{len(state.cfp.invited)} were asked and none bid; {untouched}"
    if not state.rounds:
        return "no-bid", f"none of {len(state.taken)} bids was opened; {untouched}"
    if any(round_.removed for round_ in state.rounds):
        return "refused", f"those who won did not take it on; {untouched}"
    return "over-budget", f"no bid was within the budget; raise it, or ask for less; {untouched}"
