"""The requester's side of a task, top to bottom: it is taken in, called for, cleared, awarded, checked, and told.

The auction and the settlement are the market's machines (:mod:`market.auction.requester`,
:mod:`market.settlement.requester`); here is what they ask of the world, and what users ask of them. A task that was taken
in is not forgotten: one that waits is called for after a restart, one that is under way goes on from the journal, and
one that came to nothing because we were away is called for again.
"""

import functools
import logging
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

import attrs
import trio

from chain.errors import ChainError, HistoryError
from market.auction import requester as auctioning
from market.auction.effects import Conclude
from market.auction.funds import compute_funds_needed
from market.cases import CaseKey, is_over
from market.drive import Drive
from market.envelope import Opened, expect, reopen
from market.errors import MarketError, UsageError
from market.hashing import AuctionId, Hash, TaskId, audience_of_topic
from market.identity import AccountId
from market.messages import Award, Cfp, Progress, Transcript
from market.messages.fields import MAX_BIDDERS
from market.settlement import requester as buying
from market.settlement.effects import CancelWanted, Ending, Outcome, ResultChecked
from market.units import Planck, block_after, format_amount
from node.drive import Runner
from node.p2p.blobs import Blobs
from node.p2p.gossip import cfp_topic
from node.trade.calls import Windows, build_call, require_possible
from node.trade.endings import sum_up, why_nobody
from node.trade.examining import Check, Examiner, Programs
from node.trade.gathering import Gathering
from node.trade.intake import Intake, NewTask
from node.trade.life import Life
from node.trade.purchases import Purchases, is_reopened
from node.trade.replicas import Turns
from node.trade.running import Running, StoppingError
from node.trade.tasks import Copy, Tasks

__all__ = ["CALL_AUDIENCE", "Check", "Requester", "Router", "Terms"]

_LOG: Final = logging.getLogger("ainur.requester")
CALL_AUDIENCE: Final = audience_of_topic(cfp_topic(0))
"""What calls are addressed to; everybody who sells listens to it."""
AGAIN: Final = 0.5
"""Seconds before the chain is asked again."""
_UNCALLED: Final = ("cancelled", "cancelled before anybody was called")


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


class Requester:
    """Buys what its users want done."""

    def __init__(
        self,
        runner: Runner,
        router: Router,
        blobs: Blobs,
        life: Life,
        tasks: Tasks,
        *,
        terms: Terms | None = None,
        checks: Mapping[str, Check] | None = None,
        programs: Programs | None = None,
    ) -> None:
        """Make one; nothing happens before :meth:`run`.

        Args:
            runner: of the node's market.
            router: says who hears a call.
            blobs: the node's.
            life: told what becomes of tasks.
            tasks: the node's.
            terms: ours in all tasks.
            checks: of results, by name.
            programs: runs programs that check results; without it none are taken.
        """
        self._runner, self._router, self._blobs, self._life = runner, router, blobs, life
        self._terms = terms or Terms()
        checks = dict(checks or {})
        self._tasks = tasks
        self._purchases = Purchases(runner, blobs, tasks)
        self._examiner = Examiner(
            runner, blobs, tasks, self._purchases, checks=checks, programs=programs
        )
        self._running = Running()
        self._gathering = Gathering(self._terms.gather_seconds)
        self._turns = Turns(tasks, self._purchases)
        self._intake = Intake(blobs, checks, programs)
        # What users ask to see.
        self.task, self.tasks = tasks.get, tasks.newest
        self.purchase = self._purchases.of_task
        self.result, self.auction_file = self._purchases.result, self._purchases.auction_file

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Buy until cancelled; what waited before a restart is called for."""
        async with trio.open_nursery() as nursery:
            await nursery.start(self._running.run)
            for copy in self._tasks.waiting():
                kept = self._tasks.get(copy.task)
                if kept is not None and kept.is_cancelled:
                    self._end(copy.id, *_UNCALLED)
                else:
                    self._wait(copy)
            nursery.start_soon(self._gather)
            task_status.started()

    def _wait(self, *copies: Copy) -> None:
        self._gathering.put([*self._turns.release(), *copies])

    # 1. A user submits a task.

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
            DatabaseError: the disk has failed or is full.
        """
        with self._gathering.coming():
            specs = [await self._intake.spec_of(task) for task in tasks]
            observed = await self._runner.chain.millis_per_block()
            for spec in specs:
                require_possible(spec, self._runner.params, observed, self._terms.drift)
            named = [(TaskId(secrets.token_bytes(32)), spec) for spec in specs]
            await self._tasks.add(named)
            for name, spec in named:
                fields = {
                    "capability": spec.capability,
                    "budget": str(spec.budget),
                    "deadline_ms": spec.deadline_ms,
                }
                self._life.tell(name, "submitted", self._runner.head, fields)
                self._wait(*self._tasks.copies(name))
        return [name for name, _ in named]

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
        for copy in [*self._gathering.drop(task), *self._turns.drop(task)]:
            self._end(copy.id, *_UNCALLED)

    async def _withdraw(self, task: bytes) -> None:
        copies = {copy.id for copy in self._tasks.copies(task)}

        def act(drive: Drive) -> None:
            self._tasks.cancel(task)
            for key, state in list(drive.cases.items()):
                if key.kind == "buy" and key.id in copies and not is_over(state):
                    drive.tell(key, CancelWanted())

        await self._runner.wish(act)

    # 2, 3. Tasks that came together are called for together, and whoever can do one of them hears it.

    async def _gather(self) -> None:
        await self._runner.is_present.wait()
        while True:
            for batch in self._turns.take(await self._gathering.take()):
                with suppress(StoppingError):  # what waits is called for when the node runs again
                    await self._call(batch)

    async def _call(self, copies: list[Copy]) -> None:
        """Call for some tasks; those that nobody offers, or that we cannot pay for, end here."""
        wanted: list[Copy] = []
        invited: set[AccountId] = set()
        barred = self._runner.barred.at(self._runner.head) | {self._runner.identity.account}
        for copy in copies:
            found = self._router.pick(copy.spec.capability, copy.spec.version) - barred
            found -= self._turns.who_has(copy)
            if found:
                wanted.append(copy)
                invited |= found
            else:
                name = f"{copy.spec.capability} version {copy.spec.version}"
                else_ = " besides those who do it already" if copy.replica else ""
                self._end(copy.id, "no-provider", f"nobody is known who offers {name}{else_}")
        if not wanted:
            return
        hearing = frozenset(sorted(invited)[:MAX_BIDDERS])
        try:
            short = await self._short_of(self._build(wanted, hearing))
            if short:
                for copy in wanted:
                    self._end(copy.id, "no-funds", short)
                return
            cfp = await self._runner.wish(lambda drive: self._announce(drive, wanted, hearing))
        except (MarketError, ChainError) as error:
            for copy in wanted:
                self._end(copy.id, "not-called", str(error))
            return
        # Facts never change: read before they are needed, they cost the auction nothing.
        self._running.start(("facts", cfp.facts_block), lambda: self._prefetch(cfp))

    def _build(self, wanted: list[Copy], hearing: frozenset[AccountId]) -> Cfp:
        return build_call(
            [(copy.id, copy.spec) for copy in wanted],
            now=self._runner.head,
            params=self._runner.params,
            windows=self._terms.windows,
            invited=hearing,
            arbiter=self._terms.arbiter,
        )

    def _announce(self, drive: Drive, wanted: list[Copy], hearing: frozenset[AccountId]) -> Cfp:
        cfp = self._build(wanted, hearing)
        key = drive.announce(cfp, CALL_AUDIENCE, self._runner.barred.at(self._runner.head))
        for copy in wanted:
            self._tasks.called(copy.id, AuctionId(key.id))
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

    # 5. The bids are open: the chain says who counts for how much.

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

    # 6. The tasks are awarded, or nobody was found for them.

    def concluded(self, case: CaseKey, conclusion: Conclude) -> None:
        """An auction is over: tasks that nobody was found for have ended, the others are bought."""
        state = self._runner.cases.get(case)
        if not isinstance(state, auctioning.Requester):
            return
        was_here = state.cfp.facts_block >= self._runner.returned_at
        if was_here:
            look = functools.partial(self._note_defaults, state)
            self._running.start(("defaults", state.auction), look)
        awarded: set[int] = set()
        if conclusion.is_awarded:
            award = expect(reopen(state.rounds[-1].award), Award).body
            awarded = {line.task for line in award.lines}
        for index, task in enumerate(state.cfp.tasks):
            copy = self._tasks.copy(task.task_id)
            if index in awarded:
                kept = None if copy is None else self._tasks.get(copy.task)
                if kept is not None and kept.is_cancelled:
                    withdraw = functools.partial(self._withdraw, kept.id)
                    self._running.start(("cancel", kept.id), withdraw)
            elif not self._purchases.is_live(task.task_id):
                how, why = why_nobody(state)
                if was_here or state.phase is not auctioning.Phase.VOID:
                    self._end(task.task_id, how, why)
                else:  # it came to nothing because we were away
                    self._call_again(task.task_id, how, why)
        self._wait()  # a task's next replica may be called for

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

    def _call_again(self, copy: bytes, how: str, why: str) -> None:
        again = functools.partial(self._renew, copy, how, why)
        self._running.start(("end", copy), again)

    async def _renew(self, copy: bytes, how: str, why: str) -> None:
        """Call for a task anew, since nobody but we ourselves kept it from being done; not for ever."""
        found = self._tasks.copy(copy)
        if found is None:
            return
        new = await self._tasks.renew(found, f"{how}: {why}")
        if new is None:
            await self._finish(copy, how, why)
        else:
            self._wait(new)

    # 7. The work is going on.

    def heard_progress(self, message: Opened[Progress]) -> None:
        """Tell how far the work is, if it is the provider's word."""
        body = message.body
        state = self._purchases.of_copy(body.task_id)
        if state is not None and state.task.provider == message.sender and not is_over(state):
            fields = {"milestone": body.milestone, "done_ppm": body.done, "note": body.note}
            self._life.tell(
                self._tasks.task_of(body.task_id), "progress", self._runner.head, fields
            )

    # 8. The result is on chain: get it, check it, and release or dispute.

    def examine(self, case: CaseKey, source: AccountId, milestone: int, result: Hash) -> None:
        """Get a result, compare it with its hash, check it."""
        del source  # the case's own provider
        self._running.start(("examine", case), lambda: self._examine(case, milestone, result))

    async def _examine(self, case: CaseKey, milestone: int, result: Hash) -> None:
        state, runner = self._runner.cases.get(case), self._runner
        if not isinstance(state, buying.Requester) or milestone not in state.receipts:
            return  # its receipt is on the way, and says how large it is
        if state.receipts[milestone].body.result.hash != result:
            return  # two results were signed: the case disputes without looking
        copy = self._tasks.copy(case.id)
        found = await self._examiner.examine(copy, state, milestone)
        if found is None:
            return
        finding = found.finding
        if finding.verdict != "passed":
            kind = "wrong-result" if finding.verdict == "failed" else "unchecked"
            fields = {"milestone": milestone, "check": finding.check, "fault": finding.evidence}
            self._life.tell(self._tasks.task_of(case.id), kind, runner.head, fields)
        is_good = finding.verdict != "failed"
        await runner.tell(case, ResultChecked(milestone, result, is_good, found.evidence))

    # 9, 10. The escrow has ended, and the user is told.

    def settled(self, case: CaseKey, outcome: Outcome) -> None:
        """A task has ended at one provider; where that kept its escrow from being opened, its auction goes on."""
        state = self._runner.cases.get(case)
        if not isinstance(state, buying.Requester):
            return
        how, why = outcome.state.value.lower(), _paid(outcome)
        if is_reopened(state) and outcome.at_fault == "provider" and state.terms is not None:
            auction = self._runner.cases.get(CaseKey("auction", state.terms.auction))
            if isinstance(auction, auctioning.Requester):
                if auction.phase is not auctioning.Phase.VOID:
                    return
                how, why = why_nobody(auction)
        was_away = outcome.state in (Ending.UNSIGNED, Ending.UNOPENED)
        if was_away and outcome.at_fault == "requester":
            self._call_again(case.id, how, why)
        else:
            self._end(case.id, how, why)

    def _end(self, copy: bytes, how: str, why: str) -> None:
        self._running.start(("end", copy), functools.partial(self._finish, copy, how, why))

    async def _finish(self, copy: bytes, how: str, why: str) -> None:
        """Note that a copy has ended, and with the last one its task."""
        await self._tasks.end_copy(copy, f"{how}: {why}")
        task = self._tasks.task_of(copy)
        copies = self._tasks.copies(task)
        if any(each.ended is None for each in copies):
            self._wait()  # the next replica need not wait for this one any more
            return
        if copies and copies[0].spec.replicas > 1:
            agreement = await self._examiner.agreement(task)
            how, why = sum_up(copies, self._purchases.all_of(task), agreement)
        if await self._tasks.end(task, f"{how}: {why}"):
            self._life.tell(task, "ended", self._runner.head, {"how": how, "why": why})


def _paid(outcome: Outcome) -> str:
    paid = f"paid {format_amount(outcome.paid)}" if outcome.paid else "nothing was paid"
    return f"{paid} ({outcome.reason})" if outcome.reason else paid
