"""The directory against a list that is gone through from end to end, over random lives of agents."""

import hashlib
from typing import Any

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from market.errors import EnvelopeError
from market.identity import AccountId, Identity
from routing.directory.book import Limits
from routing.directory.query import ByName, ByPrefix, ByText, Filter
from routing.directory.reconcile import Digests
from routing.directory.why import why_not_found
from routing.moment import Millis
from tests.support.announced import AGENTS, announce, at, capability, directory

pytestmark = pytest.mark.property

NAMES = ("text", "text.summarize", "text.summarize.long", "textile.dye", "image.resize")
PEOPLE = AGENTS[:5]
CAPACITY, PER_PEER = 4, 2


@attrs.frozen
class Said:
    """What an agent last said, and when it was made by the machine's clock, in milliseconds."""

    sequence: int
    names: tuple[str, ...]
    slots: int
    made: int
    ttl: int
    issued: int
    expires: int
    transport: Identity


class Agents(RuleBasedStateMachine):
    """Agents announce, fall silent, leave and are forged, while both clocks move."""

    def __init__(self) -> None:
        super().__init__()
        self.weights: dict[AccountId, float] = {}
        self.book = directory(
            evidence=self, limits=Limits(agents=CAPACITY, accounts_per_peer=PER_PEER)
        )
        self.millis, self.block = 0, 100
        self.newest: dict[AccountId, Said] = {}
        self.listed: set[AccountId] = set()
        """Who the model has on the shelf, alive or not."""
        self.order: list[AccountId] = []
        """By last renewal."""
        self.old: list[bytes] = []

    def weight(self, account: AccountId) -> float:
        return self.weights.get(account, 0.0)

    @property
    def now(self) -> Any:
        return at(self.millis / 1000, self.block)

    def is_live(self, account: AccountId) -> bool:
        said = self.newest[account]
        return self.millis < said.made + 1000 * said.ttl and self.block <= said.expires

    def bury_the_dead(self) -> None:
        self.listed = {account for account in self.listed if self.is_live(account)}

    @rule(
        agent=st.sampled_from(PEOPLE), transport=st.sampled_from([None, *PEOPLE[:2]]),
        names=st.sets(st.sampled_from(NAMES), max_size=3), slots=st.sampled_from([0, 1]),
        step=st.sampled_from([-2, -1, 0, 1, 2]), ttl=st.sampled_from([1, 2, 10, 600]),
        lives=st.sampled_from([0, 1, 10, 100]), age=st.sampled_from([0, 0, 999, 1_000, 1_001]),
        weight=st.sampled_from([0.0, 0.0, 0.5, 1.0]),
    )  # fmt: skip
    def announces(
        self, agent: Identity, transport: Identity | None, names: set[str], slots: int, step: int,
        ttl: int, lives: int, age: int, weight: float,
    ) -> None:  # fmt: skip
        account = agent.account
        before = self.newest.get(account)
        sequence = max(0, (before.sequence if before else 5) + step)
        # An honest agent counts upwards; what it numbered lower was made earlier.
        older = before is not None and sequence <= before.sequence
        issued = before.issued if before is not None and older else self.block
        raw = announce(
            agent, [capability(name, free_slots=slots) for name in names], transport=transport,
            sequence=sequence, issued=issued, lives=lives, ttl=ttl,
        )  # fmt: skip
        self.old.append(raw)
        if self.book.get(account, self.now) is None or before is None or sequence > before.sequence:
            self.weights[account] = weight
            self.book.reweigh(account)
        result = self.admit(raw, age)
        if older:
            assert result in ("stale", "duplicate", "equivocation", "expired")
            return
        self.bury_the_dead()
        was_listed = account in self.listed
        said = Said(sequence, tuple(sorted(names)), slots, self.millis - age, ttl,
                    self.block, self.block + lives, transport or agent)  # fmt: skip
        self.newest[account] = said
        self.listed.discard(account)
        if account in self.order:
            self.order.remove(account)
        if not names or not self.is_live(account):
            assert result == ("expired" if names else "withdrawn")
            return
        self.listed.add(account)
        self.order.append(account)
        self.make_room(said.transport)
        if account in self.listed:
            assert result == ("renewed" if was_listed else "new")
        else:
            assert result == "full"

    def admit(self, raw: bytes, age: int = 0) -> str:
        try:
            return self.book.admit(raw, self.now, age=Millis(age))
        except EnvelopeError as error:
            return error.reason

    def make_room(self, transport: Identity) -> None:
        siblings = [
            a for a in self.order
            if a in self.listed and self.newest[a].transport.key == transport.key
        ]  # fmt: skip
        if len(siblings) > PER_PEER:
            self.listed.discard(siblings[0])
        while len(self.listed) > CAPACITY:
            self.listed.remove(min(self.listed, key=self.rank_key))

    def rank_key(self, account: AccountId) -> tuple[float, int]:
        tie = hashlib.blake2b(account, digest_size=8, key=b"s").digest()
        return (self.weight(account), int.from_bytes(tie, "big"))

    @precondition(lambda self: self.old)
    @rule(data=st.data())
    def somebody_replays(self, data: Any) -> None:
        raw = data.draw(st.sampled_from(self.old))
        before = len(self.book)
        assert self.admit(raw) in ("duplicate", "stale", "expired", "equivocation")
        assert len(self.book) == before

    @rule(agent=st.sampled_from(PEOPLE), forger=st.sampled_from(AGENTS[5:7]))
    def somebody_forges(self, agent: Identity, forger: Identity) -> None:
        raw = announce(
            attrs.evolve(forger, account=agent.account), sequence=2**62, issued=self.block
        )
        with pytest.raises(EnvelopeError):
            self.book.admit(raw, self.now)

    @rule(millis=st.sampled_from([1, 999, 1_000, 1_001, 10_000, 600_000]))
    def time_passes(self, millis: int) -> None:
        self.millis += millis

    @rule(blocks=st.sampled_from([1, 2, 10, 101]))
    def blocks_pass(self, blocks: int) -> None:
        self.block += blocks

    @rule()
    def the_dead_are_swept(self) -> None:
        self.book.expire(self.now)
        self.bury_the_dead()
        assert len(self.book) == len(self.listed)

    @invariant()
    def queries_find_exactly_who_is_alive(self) -> None:
        alive = [account for account in self.listed if self.is_live(account)]
        assert {entry.account for entry in self.book.entries(self.now)} == set(alive)
        for asked in NAMES:
            for query, fits in (
                (ByName(asked), lambda name, asked=asked: name == asked),
                (ByPrefix(asked), lambda name, asked=asked: name == asked or name.startswith(asked + ".")),
                (ByName(asked, Filter(free_slot=True)), lambda name, asked=asked: name == asked),
            ):  # fmt: skip
                expected = [
                    (account, name)
                    for account in alive
                    for name in self.newest[account].names
                    if fits(name) and (query.filter == Filter() or self.newest[account].slots)
                ]
                found = [
                    (m.entry.account, m.capability.name) for m in self.book.find(query, self.now)
                ]
                assert sorted(found) == sorted(expected)
                weights = [self.weight(account) for account, _ in found]
                assert weights == sorted(weights, reverse=True)
        texts = {m.entry.account for m in self.book.find(ByText("resize image"), self.now)}
        assert texts == {a for a in alive if "image.resize" in self.newest[a].names}

    @invariant()
    def every_agent_that_is_missing_has_a_reason(self) -> None:
        alive = {account for account in self.listed if self.is_live(account)}
        for agent in PEOPLE:
            told = why_not_found(self.book, ByPrefix("text"), self.now, agent.account)
            found = "found" in [each.reason for each in told]
            names = self.newest[agent.account].names if agent.account in alive else ()
            assert found == any(n == "text" or n.startswith("text.") for n in names)
            assert told

    @invariant()
    def digests_are_of_what_is_listed(self) -> None:
        fresh = Digests()
        for bucket in range(256):
            for account, sequence in self.book.digests.members(bucket).items():
                assert self.newest[account].sequence == sequence
                fresh.put(account, sequence)
        assert fresh.encode() == self.book.digests.encode()


TestAgents = Agents.TestCase
TestAgents.settings = settings(stateful_step_count=25)
