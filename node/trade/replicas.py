"""Replicas of a task go to different providers: one is called for after the other, of those who have none."""

from collections.abc import Sequence

from market.hashing import TaskId
from market.identity import AccountId
from market.messages.fields import MAX_TASKS
from node.trade.purchases import Purchases, is_reopened
from node.trade.tasks import Copy, Tasks

__all__ = ["Turns"]


class Turns:
    """Says which copies are called for now, and who is not asked."""

    def __init__(self, tasks: Tasks, purchases: Purchases) -> None:
        self._tasks, self._purchases = tasks, purchases
        self._held: list[Copy] = []
        """Replicas that are called for when another one of their task is awarded."""

    def release(self) -> list[Copy]:
        """Return the replicas that were held back: one of their task may have been awarded."""
        held, self._held = self._held, []
        return held

    def drop(self, task: bytes) -> list[Copy]:
        """Hold a task's replicas back no more, and return them."""
        dropped = [each for each in self._held if each.task == task]
        self._held = [each for each in self._held if each.task != task]
        return dropped

    def take(self, waiting: Sequence[Copy]) -> list[list[Copy]]:
        """Part what waits: tasks in lots, replicas alone, and only one of a task's at a time.

        Those who have a replica are not asked for the next one, so each waits until the one before is awarded.
        """
        alone = [copy for copy in waiting if copy.spec.replicas == 1]
        batches = [alone[first : first + MAX_TASKS] for first in range(0, len(alone), MAX_TASKS)]
        taken: set[TaskId] = set()
        for copy in waiting:
            if copy.spec.replicas == 1:
                continue
            if copy.task in taken or self._is_being_awarded(copy.task):
                self._held.append(copy)
            else:
                taken.add(copy.task)
                batches.append([copy])
        return batches

    def _is_being_awarded(self, task: TaskId) -> bool:
        return any(
            copy.auction is not None and copy.ended is None and not self._purchases.is_live(copy.id)
            for copy in self._tasks.copies(task)
        )

    def who_has(self, copy: Copy) -> frozenset[AccountId]:
        """Return who does another replica of a task, and is not asked for this one."""
        others = (c for c in self._tasks.copies(copy.task) if c.replica != copy.replica)
        states = (self._purchases.of_copy(other.id) for other in others)
        return frozenset(s.task.provider for s in states if s is not None and not is_reopened(s))
