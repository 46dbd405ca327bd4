"""Escrows, bonds and reports on one ledger, under any calls: what must be true between any two."""

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from market import mirror
from market.errors import RefusedError
from market.escrow.calls import Effect
from market.escrow.entries import open_escrow
from market.escrow.machine import step
from market.escrow.record import TERMINAL, Chain, Escrow, State
from market.escrow.turns import kept_until
from market.hashing import Hash, TaskId
from market.identity import AccountId
from market.ledger import HoldReason
from market.reputation import bond, offences
from market.reputation import book as standing
from market.reputation.params import CI
from market.reputation.score import MAX_GAIN_PER_EPOCH, MAX_SCORE
from market.reputation.settlement import take_on
from market.standing import EscrowId
from market.units import AINU, BlockNumber, Planck, block_after
from tests.support.mirror import CHAIN, ESCROW, LABELS, PARTIES, escrow_call, ledger, offer_from

pytestmark = [pytest.mark.property, pytest.mark.timeout(600)]  # a busy machine is no failure

OFFER = offer_from(ESCROW["sequences"][0]["offer"])
PROVIDER, REQUESTER = PARTIES["provider"], PARTIES["requester"]
STRANGER, TREASURY = PARTIES["stranger"], PARTIES["treasury"]
AMOUNTS = [10**9, 10**9 + 7, AINU // 3, AINU, 9 * AINU + 1, 60 * AINU]
BOND = 400 * AINU


class Market(RuleBasedStateMachine):
    """One provider and one requester; the treasury and the arbiter start with nothing."""

    @initialize(rich=st.booleans())
    def bond(self, rich: bool) -> None:
        books = ledger()
        free = {**books.free, PARTIES["arbiter"]: Planck(0)}
        free[TREASURY] = Planck(AINU if rich else 0)
        books = attrs.evolve(books, free=free, issued=Planck(sum(free.values())))
        self.now = BlockNumber(1)
        self.escrows: dict[EscrowId, Escrow] = {}
        self.opened = 0
        self.book = bond.bond(standing.Book(ledger=books), PROVIDER, BOND, self.view)

    @property
    def view(self) -> standing.Chain:
        """The chain as bonds and scores read it."""
        ended = {
            number: standing.Ended(escrow.provider, escrow.deadline)
            for number, escrow in self.escrows.items()
            if escrow.state in TERMINAL - {State.CANCELLED}
        }
        return standing.Chain(now=self.now, params=CI, genesis=CHAIN.genesis, ended=ended)

    @property
    def chain(self) -> Chain:
        """The chain as escrows read it."""

        def answer(provider: AccountId, amount: Planck) -> Planck:
            return take_on(self.book, provider, amount, self.view)[1]

        return attrs.evolve(CHAIN, now=self.now, take_on=answer)

    @rule(
        amounts=st.lists(st.sampled_from(AMOUNTS), min_size=1, max_size=3),
        named=st.booleans(),
        is_taken=st.booleans(),
    )
    def open(self, amounts: list[int], named: bool, is_taken: bool) -> None:
        offer = attrs.evolve(
            OFFER,
            task_id=TaskId(self.opened.to_bytes(32, "big")),
            milestones=tuple(map(Planck, amounts)),
            price=Planck(sum(amounts)),
            arbiter=PARTIES["arbiter"] if named else None,
            valid_until=block_after(self.now, 10),
        )
        escrow, effects = open_escrow(offer, REQUESTER, self.chain)
        self.book = mirror.carry_out(self.book, effects, self.view)
        self.escrows[EscrowId(self.opened)] = escrow
        self.opened += 1
        if is_taken:
            self.call(EscrowId(self.opened - 1), 0, 0, away=set(LABELS) - {"accept"})

    @rule(
        which=st.integers(0, 99),
        what=st.integers(0, 99),
        bps=st.sampled_from([0, 1, 2_000, 2_001, 7_999, 8_000, 10_000]),
    )
    def go_on(self, which: int, what: int, bps: int) -> None:
        """Call what moves a live escrow deeper into its life, or ends it."""
        live = [number for number, e in self.escrows.items() if e.state not in TERMINAL]
        if live:
            self.call(live[which % len(live)], what, bps, away={"cancel", "decline"})

    @rule(which=st.integers(0, 99), what=st.integers(0, 99), late=st.booleans())
    def call_any(self, which: int, what: int, late: bool) -> None:
        if not self.escrows:
            return
        number = sorted(self.escrows)[which % len(self.escrows)]
        if late:
            escrow = self.escrows[number]
            ended = escrow.state in TERMINAL
            until = kept_until(escrow, CHAIN.params) if ended else escrow.deadline
            self.now = max(self.now, block_after(until, 1))
        self.call(number, what, 5_000, away=set())

    def call(self, number: EscrowId, what: int, bps: int, away: set[str]) -> None:
        """Make one of the calls that are not refused just now."""
        escrow, allowed = self.escrows[number], list[tuple[Escrow | None, list[Effect]]]()
        before = attrs.asdict(escrow)
        for label in sorted(set(LABELS) - away):
            try:
                allowed.append(step(escrow, escrow_call(label, escrow, bps), self.chain))
            except RefusedError:
                assert attrs.asdict(escrow) == before
        if not allowed:
            return
        following, effects = allowed[what % len(allowed)]
        self.book = mirror.carry_out(self.book, effects, self.view)
        if following is None:
            del self.escrows[number]
        else:
            self.escrows[number] = following

    @rule(blocks=st.sampled_from([1, 2, 20]))
    def wait(self, blocks: int) -> None:
        self.now = block_after(self.now, blocks)

    @rule(amount=st.sampled_from([0, 1, AINU, 301 * AINU]), is_out=st.booleans())
    def rebond(self, amount: int, is_out: bool) -> None:
        before = self.book
        move = bond.unbond if is_out else bond.bond_extra
        try:
            self.book = move(self.book, PROVIDER, amount, self.view)
        except RefusedError:
            assert self.book is before

    @rule()
    def withdraw(self) -> None:
        try:
            self.book = bond.withdraw_unbonded(self.book, PROVIDER, self.view)
        except RefusedError:
            return

    @precondition(lambda self: self.opened > 2)  # an agent that was suspended at once does nothing
    @rule(offence=st.sampled_from(standing.Offence), escrow=st.integers(-1, 5))
    def report(self, offence: standing.Offence, escrow: int) -> None:
        number = None if escrow < 0 else EscrowId(escrow)
        evidence = Hash(bytes(32))
        try:
            self.book = offences.report_offence(
                self.book, None, offence, PROVIDER, number, evidence, self.view
            )
        except RefusedError:
            return

    @precondition(lambda self: self.book.reports)
    @rule(is_true=st.booleans())
    def judge(self, is_true: bool) -> None:
        number, report = min(self.book.reports.items())
        if not is_true:
            self.book = offences.cancel_slash(self.book, None, number, self.view)
            return
        self.now = max(self.now, block_after(report.deferred_until, 1))
        self.book = offences.apply_slash(self.book, STRANGER, number, self.view)
        record = self.book.record(PROVIDER)
        assert (record.score, record.suspended_at) == (0, self.now)

    @rule()
    def poke(self) -> None:
        try:
            self.book = offences.poke(self.book, STRANGER, PROVIDER, self.view)
        except RefusedError:
            return

    @precondition(lambda self: self.book.record(PROVIDER).suspended_at is not None)
    @rule()
    def reinstate(self) -> None:
        since = self.book.record(PROVIDER).suspended_at
        assert since is not None
        self.now = max(self.now, block_after(since, CI.reinstate_after))
        self.book = offences.reinstate(self.book, None, PROVIDER, self.view)

    @invariant()
    def holds_are_what_the_records_say(self) -> None:
        books, record = self.book.ledger, self.book.record(PROVIDER)
        held = sum(escrow.held(CHAIN.params) for escrow in self.escrows.values())
        assert books.held_of(HoldReason.ESCROW, REQUESTER) == held
        bonded = record.slashable + record.set_aside
        assert books.held_of(HoldReason.BOND, PROVIDER) == bonded
        pending = sum(report.set_aside for report in self.book.reports.values())
        assert record.set_aside == pending

    @invariant()
    def no_money_is_made_or_lost(self) -> None:
        books = self.book.ledger
        assert sum(books.free.values()) + sum(books.held.values()) == books.issued
        assert all(free == 0 or free >= books.existential_deposit for free in books.free.values())
        assert all(held >= 0 for held in books.held.values())

    @invariant()
    def exposure_and_jobs_are_those_of_the_escrows(self) -> None:
        record = self.book.record(PROVIDER)
        bound = [e for e in self.escrows.values() if e.state not in TERMINAL | {State.OPEN}]
        assert record.exposure == sum(escrow.remaining for escrow in bound)
        assert record.open_jobs == len(bound)

    @invariant()
    def a_record_is_consistent(self) -> None:
        record = self.book.record(PROVIDER)
        assert 0 <= record.score <= MAX_SCORE
        assert (record.bonded_since is not None) == (record.active >= CI.min_bond)
        assert all(chunk.amount > 0 for chunk in record.unlocking)
        blocks = [chunk.at for chunk in record.unlocking]
        assert blocks == sorted(set(blocks))
        assert len(set(record.first_requesters)) == len(record.first_requesters) <= record.settled
        for counters in (record.current, record.previous):
            assert counters.gained <= MAX_GAIN_PER_EPOCH
            assert counters.failures <= counters.terminals
        assert record.current.epoch <= self.view.epoch


TestMarket = Market.TestCase
TestMarket.settings = settings(TestMarket.settings, stateful_step_count=80)
