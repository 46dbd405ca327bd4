"""Whatever comes, goes or is built: the pool's rules hold after every step."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chain.devchain.errors import RefusedError
from chain.devchain.pool import Pool, PoolLimits, Status, Watch
from chain.devchain.validity import Validity

pytestmark = pytest.mark.property

TAGS = st.frozensets(st.sampled_from([b"1", b"2", b"3", b"4", b"5"]), max_size=2)
LIMITS = PoolLimits(ready_count=4, ready_bytes=40, future_count=3, future_bytes=25)


class Rules(RuleBasedStateMachine):
    """Random transactions over five tags, in a pool with room for few."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = Pool(LIMITS, self._tell)
        self.height = 0
        self.count = 0
        self.told: dict[bytes, list[str]] = {}

    @staticmethod
    def _tell(watch: Watch | None, status: Status) -> None:
        assert watch is not None
        watch(status)

    @rule(
        requires=TAGS,
        provides=TAGS,
        priority=st.sampled_from([0, 1, 1, 2, 5]),
        longevity=st.sampled_from([1, 3, 1000]),
        size=st.sampled_from([1, 10, 20]),
    )
    def add(
        self,
        requires: frozenset[bytes],
        provides: frozenset[bytes],
        priority: int,
        longevity: int,
        size: int,
    ) -> None:
        self.count += 1
        hash_ = self.count.to_bytes(32, "big")
        tags = tuple(sorted(requires - provides)), tuple(sorted(provides)) or (hash_,)
        validity = Validity(priority, *tags, longevity, True)
        told = self.told.setdefault(hash_, [])
        before = {h: list(t) for h, t in self.told.items()}
        try:
            self.pool.add(hash_, bytes(size), validity, self.height, lambda s: told.append(s.kind))
        except RefusedError as error:
            if error.code in {1014, 1015} or not told:
                assert self.told == before
                del self.told[hash_]

    @rule(limit=st.integers(0, 4))
    def build(self, limit: int) -> None:
        self.height += 1
        chosen = list(self.pool.in_order())[:limit]
        self.pool.included(chosen, self.height)
        for transaction in chosen:
            self.told[transaction.hash].append("included")

    @rule(index=st.integers(0, 6))
    def reject(self, index: int) -> None:
        hashes = sorted([*self.pool.ready, *self.pool.future])
        if hashes:
            self.pool.reject(hashes[index % len(hashes)])

    @invariant()
    def limits_hold(self) -> None:
        ready, future = self.pool.ready.values(), self.pool.future.values()
        assert len(ready) <= LIMITS.ready_count
        assert len(future) <= LIMITS.future_count
        assert sum(len(t.raw) for t in ready) <= LIMITS.ready_bytes
        assert sum(len(t.raw) for t in future) <= LIMITS.future_bytes

    @invariant()
    def no_tag_is_provided_twice(self) -> None:
        tags = [tag for t in self.pool.ready.values() for tag in t.validity.provides]
        assert len(tags) == len(set(tags))

    @invariant()
    def what_is_ready_has_all_that_it_requires_and_what_waits_has_not(self) -> None:
        for transaction in self.pool.ready.values():
            assert all(self.pool.provides(tag) for tag in transaction.validity.requires)
        for transaction in self.pool.future.values():
            assert not all(self.pool.provides(tag) for tag in transaction.validity.requires)

    @invariant()
    def the_order_holds_every_ready_transaction_behind_what_it_requires(self) -> None:
        order = list(self.pool.in_order())
        assert {t.hash for t in order} == set(self.pool.ready)
        provided: set[bytes] = set()
        inside = {tag for t in order for tag in t.validity.provides}
        for transaction in order:
            needed = {t for t in transaction.validity.requires if not self.pool.is_on_chain(t)}
            assert needed & inside <= provided
            provided.update(transaction.validity.provides)

    @invariant()
    def everybody_was_told_where_their_transaction_is(self) -> None:
        for hash_, told in self.told.items():
            where = (
                "ready"
                if hash_ in self.pool.ready
                else "future"
                if hash_ in self.pool.future
                else None
            )
            if where is None:
                assert told[-1] in {"usurped", "dropped", "invalid", "included"}
            else:
                assert told[-1] == where


TestRules = Rules.TestCase
TestRules.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
