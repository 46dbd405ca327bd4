"""Escrows, bonds and reports on one ledger, under any calls: what must be true between any two."""

import attrs
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from market import mirror
from market.errors import RefusedError
from market.escrow.calls import LEGAL
from market.escrow.entries import open_escrow
from market.escrow.machine import step
from market.escrow.record import TERMINAL, Chain, Escrow, State
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
BOND = 150 * AINU


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
        self.score = self.book.record(PROVIDER).score

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

    @rule(amounts=st.lists(st.sampled_from(AMOUNTS), min_size=1, max_size=3), named=st.booleans())
    def open(self, amounts: list[int], named: bool) -> None:
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

    @rule(
        which=st.integers(0, 99),
        what=st.integers(0, 99),
        when=st.integers(-1, 1),
        bps=st.sampled_from([0, 1, 2_000, 2_001, 7_999, 8_000, 10_000]),
    )
    def call(self, which: int, what: int, when: int, bps: int) -> None:
        if not self.escrows:
            return
        number = sorted(self.escrows)[which % len(self.escrows)]
        escrow = self.escrows[number]
        labels = [
            label for label in LABELS if type(escrow_call(label, escrow)) in LEGAL[escrow.state]
        ]
        label = labels[what % len(labels)]
        if label in {"claim_timeout", "prune"} and when == 1:
            until = (
                escrow.deadline if label == "claim_timeout" else self.now + CHAIN.params.retention
            )
            self.now = BlockNumber(max(self.now, until + 1))
        try:
            following, effects = step(escrow, escrow_call(label, escrow, bps), self.chain)
        except RefusedError:
            return
        self.book = mirror.carry_out(self.book, effects, self.view)
        if following is None:
            del self.escrows[number]
        else:
            self.escrows[number] = following

    @rule(blocks=st.sampled_from([1, 5, 20]))
    def wait(self, blocks: int) -> None:
        self.now = block_after(self.now, blocks)

    @rule(amount=st.sampled_from([0, 1, AINU, 100 * AINU]), is_out=st.booleans())
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

    @rule(number=st.integers(0, 5), what=st.sampled_from(["apply", "cancel", "poke", "reinstate"]))
    def judge(self, number: int, what: str) -> None:
        report = standing.ReportId(number)
        try:
            match what:
                case "apply":
                    self.book = offences.apply_slash(self.book, STRANGER, report, self.view)
                case "cancel":
                    self.book = offences.cancel_slash(self.book, None, report, self.view)
                case "poke":
                    self.book = offences.poke(self.book, STRANGER, PROVIDER, self.view)
                case _:
                    self.book = offences.reinstate(self.book, None, PROVIDER, self.view)
        except RefusedError:
            return

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
