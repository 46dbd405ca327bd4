import pytest

from chain.devchain.errors import RefusedError
from chain.devchain.pool import Pool, PoolLimits, Status, Watch
from chain.devchain.validity import Validity

FOREVER = 2**64 - 1
A, B, C, D = (bytes([i]) * 32 for i in range(1, 5))


class Seen:
    """What each transaction's watcher was told."""

    def __init__(self, limits: PoolLimits | None = None) -> None:
        self.told: dict[bytes, list[str]] = {}
        self.pool = Pool(limits or PoolLimits(), self._tell)

    @staticmethod
    def _tell(watch: Watch | None, status: Status) -> None:
        if watch is not None:
            watch(status)

    def add(
        self,
        hash_: bytes,
        provides: str,
        requires: str = "",
        priority: int = 0,
        longevity: int = FOREVER,
        size: int = 10,
    ) -> None:
        """Add one whose tags are single letters, at height 10."""
        tags = [tuple(t.encode() for t in text) for text in (requires, provides)]
        validity = Validity(priority, tags[0], tags[1], longevity, True)
        told = self.told.setdefault(hash_, [])
        self.pool.add(hash_, bytes(size), validity, 10, lambda s: told.append(s.kind))

    def order(self) -> list[bytes]:
        return [t.hash for t in self.pool.in_order()]


def test_what_requires_nothing_is_ready_and_the_rest_waits() -> None:
    seen = Seen()
    seen.add(B, provides="2", requires="1")
    assert seen.told[B] == ["future"]
    assert seen.order() == []
    seen.add(A, provides="1")
    assert seen.told == {A: ["ready"], B: ["future", "ready"]}
    assert seen.order() == [A, B]


def test_a_chain_of_waiting_transactions_becomes_ready_at_once() -> None:
    seen = Seen()
    seen.add(D, provides="4", requires="3")
    seen.add(C, provides="3", requires="2")
    seen.add(B, provides="2", requires="1")
    seen.add(A, provides="1")
    assert seen.order() == [A, B, C, D]


def test_the_order_is_by_priority_then_expiry_then_arrival_and_keeps_what_is_required_first() -> (
    None
):
    seen = Seen()
    seen.add(A, provides="1", priority=1)
    seen.add(B, provides="2", requires="1", priority=9)
    seen.add(C, provides="3", priority=5, longevity=100)
    seen.add(D, provides="4", priority=5, longevity=50)
    assert seen.order() == [D, C, A, B]


def test_a_newcomer_replaces_only_with_a_higher_priority() -> None:
    seen = Seen()
    seen.add(A, provides="1", priority=5)
    with pytest.raises(RefusedError) as refused:
        seen.add(B, provides="1", priority=5)
    assert refused.value.code == 1014
    seen.add(B, provides="1", priority=6)
    assert seen.told[A] == ["ready", "usurped"]
    assert seen.order() == [B]


def test_a_newcomer_must_outbid_all_that_it_replaces_together() -> None:
    seen = Seen()
    seen.add(A, provides="1", priority=5)
    seen.add(B, provides="2", priority=5)
    with pytest.raises(RefusedError):
        seen.add(C, provides="12", priority=10)
    seen.add(D, provides="12", priority=11)
    assert seen.order() == [D]


def test_what_stood_on_a_replaced_transaction_waits_again() -> None:
    seen = Seen()
    seen.add(A, provides="1x", priority=1)
    seen.add(B, provides="2", requires="x")
    seen.add(C, provides="1", priority=2)
    assert seen.told == {A: ["ready", "usurped"], B: ["ready", "future"], C: ["ready"]}


def test_the_same_transaction_twice_is_refused() -> None:
    seen = Seen()
    seen.add(A, provides="1")
    with pytest.raises(RefusedError) as refused:
        seen.add(A, provides="1")
    assert refused.value.code == 1013


def test_what_a_block_provided_makes_others_ready_also_much_later() -> None:
    seen = Seen()
    seen.add(A, provides="1")
    seen.add(B, provides="2", requires="1")
    first = seen.pool.get(A)
    assert first is not None
    seen.pool.included([first], 11)
    for height in range(12, 20):
        seen.pool.included([], height)
    assert seen.order() == [B]
    seen.add(C, provides="3", requires="2")
    assert seen.order() == [B, C]


def test_the_tags_of_the_last_two_blocks_count_for_a_newcomer() -> None:
    seen = Seen()
    seen.add(A, provides="1")
    first = seen.pool.get(A)
    assert first is not None
    seen.pool.included([first], 11)
    seen.pool.included([], 12)
    seen.add(B, provides="2", requires="1")
    assert seen.told[B] == ["ready"]
    seen.pool.included([], 13)
    seen.pool.included([], 14)
    seen.add(C, provides="3", requires="1")
    assert seen.told[C] == ["ready"]  # B still requires the tag: it is remembered
    seen.pool.reject(B)
    seen.pool.reject(C)
    seen.pool.included([], 15)
    seen.add(D, provides="4", requires="1")
    assert seen.told[D] == ["future"]


@pytest.mark.parametrize(("height", "gone"), [(14, False), (15, True)])
def test_a_transaction_leaves_with_the_block_at_which_it_expires(height: int, gone: bool) -> None:
    seen = Seen()
    seen.add(A, provides="1", longevity=5)
    seen.pool.included([], height)
    assert seen.told[A] == (["ready", "invalid"] if gone else ["ready"])


def test_what_stands_on_a_rejected_transaction_waits() -> None:
    seen = Seen()
    seen.add(A, provides="1")
    seen.add(B, provides="2", requires="1")
    seen.pool.reject(A)
    assert seen.told == {A: ["ready", "invalid"], B: ["ready", "future"]}


def test_over_the_limit_in_count_the_lowest_priority_goes() -> None:
    seen = Seen(PoolLimits(ready_count=2))
    seen.add(A, provides="1", priority=2)
    seen.add(B, provides="2", priority=1)
    seen.add(C, provides="3", priority=3)
    assert seen.told[B] == ["ready", "dropped"]
    with pytest.raises(RefusedError) as refused:
        seen.add(D, provides="4", priority=1)
    assert refused.value.code == 1016
    assert sorted(seen.order()) == [A, C]


def test_over_the_limit_in_bytes_as_many_go_as_it_takes() -> None:
    seen = Seen(PoolLimits(ready_bytes=100))
    for i, hash_ in enumerate((A, B, C)):
        seen.add(hash_, provides=str(i), priority=i, size=30)
    seen.add(D, provides="9", priority=9, size=70)
    assert seen.order() == [D, C]
    assert seen.told[A][-1] == seen.told[B][-1] == "dropped"


def test_waiting_transactions_have_limits_of_their_own() -> None:
    seen = Seen(PoolLimits(future_count=1))
    seen.add(A, provides="1", requires="x", priority=1)
    with pytest.raises(RefusedError):
        seen.add(B, provides="2", requires="x")
    seen.add(C, provides="3", requires="x", priority=2)
    assert seen.told[A] == ["future", "dropped"]
    seen.add(D, provides="4")
    assert len(seen.pool) == 2


def test_a_refused_newcomer_changes_nothing() -> None:
    seen = Seen(PoolLimits(ready_count=1))
    seen.add(A, provides="1", priority=5)
    before = seen.order(), {h: list(t) for h, t in seen.told.items()}
    for provides, priority in [("1", 5), ("2", 4)]:
        with pytest.raises(RefusedError):
            seen.add(B, provides=provides, priority=priority)
    del seen.told[B]
    assert (seen.order(), seen.told) == before


def test_a_full_pool_makes_room_by_what_is_replaced_anyway() -> None:
    seen = Seen(PoolLimits(ready_count=2))
    seen.add(A, provides="1", priority=1)
    seen.add(B, provides="2", priority=5)
    seen.add(C, provides="1", priority=2)
    assert seen.told[A] == ["ready", "usurped"]
    assert seen.told[B] == ["ready"]


def test_a_newcomer_that_stands_on_what_it_would_replace_is_refused() -> None:
    seen = Seen()
    seen.add(A, provides="1")
    seen.add(B, provides="3", requires="1")
    with pytest.raises(RefusedError) as refused:
        seen.add(C, provides="1", requires="3", priority=9)
    assert refused.value.code == 1015
    assert seen.order() == [A, B]
