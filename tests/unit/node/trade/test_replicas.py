"""Which replicas are called for when, and who is not asked for them."""

from typing import Any, cast

import attrs
import msgspec

from market.hashing import AuctionId, TaskId
from market.identity import AccountId
from market.messages.fields import MAX_TASKS
from node.trade.purchases import Purchases
from node.trade.replicas import Turns
from node.trade.tasks import Copy, Tasks
from tests.support.samples import BOB
from tests.support.settlements import Pair, hash_of
from tests.unit.node.trade.test_tasks import SPEC

AUCTION = AuctionId(hash_of("auction"))


def copy(task: int, replica: int, replicas: int) -> Copy:
    name = TaskId(bytes([task, replica]) * 16)
    spec = msgspec.structs.replace(SPEC, replicas=replicas)
    whose = TaskId(bytes([task, 0]) * 16)
    return Copy(id=name, task=whose, replica=replica, spec=spec, auction=None, ended=None)


class Store:
    """Tasks and purchases, as a test sets them."""

    def __init__(self, *copies: Copy) -> None:
        self.all = {each.id: each for each in copies}
        self.bought: dict[bytes, Any] = {}

    def copies(self, task: bytes) -> list[Copy]:
        return [each for each in self.all.values() if each.task == task]

    def of_copy(self, copy: bytes) -> Any:
        return self.bought.get(copy)

    def is_live(self, copy: bytes) -> bool:
        return copy in self.bought

    def call(self, copy: Copy) -> None:
        self.all[copy.id] = attrs.evolve(copy, auction=AUCTION)

    def turns(self) -> Turns:
        return Turns(cast("Tasks", self), cast("Purchases", self))


def test_tasks_of_one_provider_are_called_for_in_lots() -> None:
    copies = [copy(n, 0, 1) for n in range(MAX_TASKS + 1)]
    assert [len(lot) for lot in Store().turns().take(copies)] == [MAX_TASKS, 1]


def test_a_replica_waits_until_the_one_before_is_awarded_and_its_provider_is_not_asked() -> None:
    first, second, other = copy(1, 0, 2), copy(1, 1, 2), copy(2, 0, 2)
    store = Store(first, second, other)
    turns = store.turns()
    assert turns.take([first, second, other]) == [[first], [other]]
    store.call(first)
    assert turns.take(turns.release()) == []
    assert turns.who_has(second) == frozenset()
    store.bought[first.id] = Pair().asked
    assert turns.take(turns.release()) == [[second]]
    assert turns.who_has(second) == frozenset({AccountId(BOB.account)})
    assert turns.who_has(first) == frozenset()  # called for anew, it may go to the same one
    assert turns.release() == []


def test_a_replica_does_not_wait_for_one_that_came_to_nothing() -> None:
    first, second = copy(1, 0, 2), copy(1, 1, 2)
    store = Store(attrs.evolve(first, auction=AUCTION, ended="no-bid: nobody"), second)
    assert store.turns().take([second]) == [[second]]


def test_what_is_dropped_is_held_no_more() -> None:
    first, second = copy(1, 0, 2), copy(1, 1, 2)
    turns = Store(first, second).turns()
    turns.take([first, second])
    assert turns.drop(first.task) == [second]
    assert turns.release() == []
