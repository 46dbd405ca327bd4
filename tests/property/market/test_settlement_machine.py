"""One task between two machines, with everything in any order: what must hold throughout."""

from random import Random
from typing import Any

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from market.cases import CaseKey
from market.envelope import expect, open_untrusted
from market.errors import RefusedError
from market.escrow.calls import Rule
from market.escrow.record import TERMINAL, State
from market.journal import Row, read_row, row_of
from market.messages import Agreement, Receipt
from market.settlement import provider, requester
from market.settlement.effects import (
    AgreementReceived,
    CallRefused,
    CancelWanted,
    ChainSeen,
    Effect,
    InputChecked,
    ProviderEvent,
    ReceiptReceived,
    RequesterEvent,
    ResultChecked,
    Submit,
    WasAway,
    WorkDone,
    WorkFailed,
    WorkStarted,
)
from market.steps import Opening, Send, Step
from market.units import BlockNumber
from tests.support.samples import ALICE, BOB, CAROL, GENESIS, OwnKeys
from tests.support.settlements import JUNK, POLICY, RESULT, Pair

pytestmark = [pytest.mark.property, pytest.mark.timeout(600)]  # a busy machine is no failure


class Task(RuleBasedStateMachine):
    """Hypothesis is the network, the chain's pool, both agents, the arbiter and the clock."""

    pair: Pair

    @initialize(milestones=st.integers(1, 3), proposes=st.booleans())
    def draft(self, milestones: int, proposes: bool) -> None:
        policy = attrs.evolve(POLICY, opening="proposal") if proposes else POLICY
        self.pair = Pair(milestones, policy)
        self.first = self.pair.asked
        self.messages: list[bytes] = []
        self.wanted: dict[str, object] = {}
        """What is submitted, by key."""
        self.done: set[str] = set()
        self.rows: list[Row] = []
        self.made_rows: list[Row] = []
        self.began: provider.Provider | None = None
        self.ask(Opening())

    # Telling, as the drive does: what changes a state is kept.

    def ask(self, event: RequesterEvent) -> None:
        at = self.pair.at(ALICE)
        after, effects = requester.step(self.pair.asked, event, at)
        if after is not self.pair.asked or at.said:
            self.rows.append(row_of(CaseKey("buy", bytes(32)), len(self.rows), event, at))
        self.pair.asked = after
        self.keep(effects)

    def make(self, event: ProviderEvent) -> None:
        if self.pair.made is None or type(event) not in provider.LEGAL[self.pair.made.phase]:
            return
        at = self.pair.at(BOB)
        after, effects = provider.step(self.pair.made, event, at)
        if after is not self.pair.made or at.said:
            row = row_of(CaseKey("serve", bytes(32)), len(self.made_rows), event, at)
            self.made_rows.append(row)
        self.pair.made = after
        self.keep(effects)

    def keep(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(_, raw) if raw != b"transcript" and raw not in self.messages:
                    self.messages.append(raw)
                case Submit(key, what):
                    name = f"{what}" if "timeout" in key else key  # both sides claim it
                    assert self.wanted.setdefault(name, what) == what, "one key, two calls"
                case _:
                    pass  # who fetches, checks and works is Hypothesis

    # The world.

    @precondition(lambda self: self.messages)
    @rule(which=st.integers(0, 9))
    def deliver(self, which: int) -> None:
        raw = self.messages[which % len(self.messages)]
        message = open_untrusted(raw, genesis=GENESIS, keys=OwnKeys())
        if isinstance(message.body, Receipt):
            self.ask(ReceiptReceived(expect(message, Receipt)))
        elif message.sender == BOB.account:
            self.ask(AgreementReceived(expect(message, Agreement)))
        elif self.pair.made is None:
            self.pair.consider()
            self.began = self.pair.made
        else:
            self.make(AgreementReceived(expect(message, Agreement)))

    @rule(is_good=st.booleans())
    def fetch(self, is_good: bool) -> None:
        self.make(InputChecked(self.pair.terms.input.hash, is_good or self.pair.made is None))

    @rule(milestone=st.integers(0, 2), how=st.sampled_from(["start", "good", "bad", "fail"]))
    def work(self, milestone: int, how: str) -> None:
        events: dict[str, ProviderEvent] = {
            "start": WorkStarted(milestone),
            "good": WorkDone(milestone, RESULT),
            "bad": WorkDone(milestone, JUNK),
            "fail": WorkFailed(milestone, "it broke"),
        }
        self.make(events[how])

    @rule(milestone=st.integers(0, 2), result=st.sampled_from([RESULT, JUNK]))
    def check(self, milestone: int, result: Any) -> None:
        event = ResultChecked(milestone, result.hash, is_good=result is RESULT)
        if ResultChecked in requester.LEGAL[self.pair.asked.phase]:
            self.ask(event)

    @rule()
    def cancel(self) -> None:
        if self.pair.sequence % 5 == 0:
            self.ask(CancelWanted())

    @rule()
    def be_away(self) -> None:
        self.ask(WasAway())

    @precondition(lambda self: self.wanted.keys() - self.done)
    @rule(which=st.integers(0, 9))
    def include(self, which: int) -> None:
        """Let the chain carry out one of the submissions, once."""
        waiting = sorted(self.wanted.keys() - self.done)
        name = waiting[which % len(waiting)]
        self.done.add(name)
        try:
            self.pair.carry_out(self.wanted[name])  # type: ignore[arg-type]
        except RefusedError as error:
            if CallRefused in requester.LEGAL[self.pair.asked.phase]:
                self.ask(CallRefused(name, error.pallet, error.variant))
            self.make(CallRefused(name, error.pallet, error.variant))

    @rule(bps=st.sampled_from([0, 5_000, 10_000]))
    def arbitrate(self, bps: int) -> None:
        escrow = self.pair.escrow
        if escrow is not None and escrow.state in (State.DISPUTED, State.ESCALATED):
            by = escrow.arbiter if escrow.state is State.DISPUTED else None
            self.pair.call(Rule(CAROL.account if by else None, bps))

    @rule(blocks=st.sampled_from([1, 1, 3, 9]))
    def wait(self, blocks: int) -> None:
        self.pair.wait(blocks)

    @rule(who=st.sampled_from(["requester", "provider", "both"]))
    def look(self, who: str) -> None:
        if who != "provider":
            self.ask(ChainSeen(self.pair.found))
        if who != "requester":
            self.make(ChainSeen(self.pair.found))

    # What must hold.

    @invariant()
    def nobody_is_done_before_the_chain_is(self) -> None:
        if not hasattr(self, "pair"):
            return
        escrow = self.pair.escrow
        for state in (self.pair.asked, self.pair.made):
            if state is None or state.outcome is None:
                continue
            if isinstance(state.outcome.state, State):
                assert escrow is not None
                assert escrow.state in TERMINAL
                assert state.outcome.paid == escrow.paid

    @invariant()
    def a_replayed_journal_gives_the_same_state(self) -> None:
        if not hasattr(self, "pair"):
            return
        state = self.first
        for row in self.rows:
            entry = read_row(row)
            at = Step(entry.block, ALICE, GENESIS, entry.sequence, entry.said)
            state, _ = requester.step(state, entry.event, at)  # type: ignore[arg-type]
        assert state == self.pair.asked
        made = self.began
        for row in self.made_rows:
            entry = read_row(row)
            at = Step(entry.block, BOB, GENESIS, entry.sequence, entry.said)
            assert made is not None
            made, _ = provider.step(made, entry.event, at)  # type: ignore[arg-type]
        assert made == self.pair.made

    def teardown(self) -> None:
        """However it went: both sides look on, time passes, and it ends."""
        if not hasattr(self, "pair"):
            return
        rng = Random(0)
        for _ in range(120):
            self.look("both")
            for name in sorted(self.wanted.keys() - self.done):
                self.done.add(name)
                try:
                    self.pair.carry_out(self.wanted[name])  # type: ignore[arg-type]
                except RefusedError as error:
                    if CallRefused in requester.LEGAL[self.pair.asked.phase]:
                        self.ask(CallRefused(name, error.pallet, error.variant))
            self.pair.now = BlockNumber(self.pair.now + rng.randint(1, 3))
        self.look("both")
        assert self.pair.escrow is None or self.pair.escrow.state in TERMINAL
        assert self.pair.asked.phase is requester.Phase.OVER
        assert self.pair.made is None or self.pair.made.phase is provider.Phase.OVER


Task.TestCase.settings = settings(stateful_step_count=40)
TestTask = Task.TestCase
