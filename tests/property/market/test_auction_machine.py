"""Two to eight parties under arbitrary loss, doubling, reordering and delay: what must hold throughout."""

from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from market.auction import bidder, requester
from market.auction.verify import verify_transcript
from market.messages import MAX_ROUNDS
from node.simulation.auction import AuctionWorld, random_auction

pytestmark = [pytest.mark.property, pytest.mark.timeout(600)]  # a busy machine is no failure

_ORDER = list(requester.Phase)


class Auction(RuleBasedStateMachine):
    """The network is Hypothesis: it decides what is delivered, lost or doubled, and when time passes."""

    world: AuctionWorld

    @initialize(seed=st.integers(0, 2**32), bidders=st.integers(1, 7), tasks=st.integers(1, 3))
    def open(self, seed: int, bidders: int, tasks: int) -> None:
        self.world = random_auction(Random(seed), tasks=tasks, bidders=bidders, misbehaving=0.2)
        self.world.start()
        self.rounds = 0

    def has_messages(self) -> bool:
        return bool(self.world.pool)

    @precondition(has_messages)
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        self.world.hand_over(*self.world.pool.pop(self._any(data)))

    @precondition(has_messages)
    @rule(data=st.data())
    def deliver_twice(self, data: st.DataObject) -> None:
        message = self.world.pool[self._any(data)]
        self.world.hand_over(*message)

    @precondition(has_messages)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        self.world.pool.pop(self._any(data))

    @precondition(has_messages)
    @rule()
    def deliver_all(self) -> None:
        for message in list(self.world.pool):
            self.world.pool.remove(message)
            self.world.hand_over(*message)

    @rule()
    def pass_time(self) -> None:
        self.world.advance()

    def _any(self, data: st.DataObject) -> int:
        return data.draw(st.integers(0, len(self.world.pool) - 1))

    @invariant()
    def no_bid_is_visible_before_the_close(self) -> None:
        if not hasattr(self, "world"):
            return
        before = _ORDER.index(self.world.state.phase) < _ORDER.index(requester.Phase.REVEALING)
        for who in self.world.participants.values():
            if who.state is not None and before:
                assert not who.state.reveal

    @invariant()
    def what_counts_was_acknowledged_or_posted(self) -> None:
        if not hasattr(self, "world"):
            return
        state = self.world.state
        assert state.shown.keys() <= state.taken.keys()
        posted = {p.reveal for p in self.world.posted}
        for shown in state.shown.values():
            assert shown.ack or shown.message.raw in posted

    @invariant()
    def nobody_honest_is_accused(self) -> None:
        if hasattr(self, "world"):
            assert self.world.accused == []

    @invariant()
    def awards_are_at_least_the_asks_and_rounds_are_few(self) -> None:
        if not hasattr(self, "world"):
            return
        state = self.world.state
        assert len(state.rounds) <= MAX_ROUNDS
        for round_ in state.rounds:
            for line in round_.clearing.lines:
                ask = state.shown[line.provider].message.body.ask
                assert line.price >= next(p.price for p in ask.prices if p.task == line.task)

    def teardown(self) -> None:
        """However it went: time alone ends it, and nobody is found at fault."""
        if not hasattr(self, "world"):
            return
        world = self.world
        cfp = world.state.cfp
        for _ in range(cfp.reveal_by + MAX_ROUNDS * (cfp.accept_blocks + 1) + 20 - world.head):
            world.advance()
        assert world.is_over
        assert len(world.concluded) == 1
        outcome = world.outcome()
        assert verify_transcript(outcome.transcript, outcome.facts, outcome.evidence) == []
        for _ in range(20):
            world.advance()
        for who in world.participants.values():
            assert who.state is None or who.state.phase is bidder.Phase.OVER
        for to, raw in world.pool:  # whatever comes after the end is legal, and changes nothing
            phase = world.state.phase
            world.hand_over(to, raw)
            assert world.state.phase is phase


Auction.TestCase.settings = settings(stateful_step_count=40)
TestAuction = Auction.TestCase
