"""Which of several optimal assignments counts: ties are broken by hash, never by who came first.

In an optimal dual, a pair is part of some optimum only if it has no slack, and an assignment made of such
pairs is optimal if it covers every task and slot whose dual is not zero. So one optimum becomes
another by chains of tasks that move along pairs without slack, each taking the place of the next.
"""

import numpy as np

from market.clearing.slots import FREE, Int64, Slots

__all__ = ["decide_ties"]


def decide_ties(
    slots: Slots,
    slot: Int64,
    task_price: Int64,
    slot_price: Int64,
    rank: Int64,
    movable: Int64,
) -> Int64:
    """Return the optimal assignment that ties decide.

    Args:
        slots: the instance.
        slot: any optimal assignment, shape (tasks,).
        task_price: optimal dual of the tasks, shape (tasks,).
        slot_price: optimal dual of the slots, shape (slots,).
        rank: order in which providers win ties for each task, shape (tasks, providers).
        movable: tasks that stand elsewhere in some optimum, ascending; the others keep their slots.

    Returns:
        Slot of each task: tasks in order, each at its first provider among those for which an
        optimal completion exists, without a slot only where there is none.
    """
    return _Ties(slots, slot, task_price, slot_price, rank, movable).decide()


class _Ties:
    """An optimal assignment that changes by cycles of moves which cost nothing."""

    def __init__(
        self,
        slots: Slots,
        slot: Int64,
        task_price: Int64,
        slot_price: Int64,
        rank: Int64,
        movable: Int64,
    ) -> None:
        self._owner = slots.owner
        self._rank = rank
        self._price = slot_price
        self._may_go_without = task_price == 0
        self._tight: dict[int, list[int]] = {}
        for task in movable.tolist():
            row = slots.surplus[task]
            tight = (row >= 0) & (task_price[task] + slot_price == row)
            self._tight[task] = np.flatnonzero(tight).tolist()
        self._slot: list[int] = slot.tolist()
        self._task = {slot: task for task, slot in enumerate(self._slot) if slot != FREE}
        self._open = dict.fromkeys(self._tight)
        """Tasks that may still move, in order."""

    def decide(self) -> Int64:
        for task, options in self._tight.items():
            for slot in sorted(options, key=lambda s: (self._rank[task, self._owner[s]], s)):
                if self._slot[task] == slot or self._moves(task, slot):
                    break
            del self._open[task]
        return np.asarray(self._slot, np.int64)

    def _moves(self, task: int, slot: int) -> bool:
        """Give a slot to a task if an optimum allows it, moving later tasks as needed."""
        holder = self._task.get(slot)
        if holder is not None and holder not in self._open:
            return False
        chain = self._chain(holder, task)
        if chain is None:
            return False
        # Everybody in the chain takes the place of the next one, all at once.
        targets = {task: slot, **chain}
        for moved in targets:
            self._task.pop(self._slot[moved], None)
        for moved, to in targets.items():
            self._slot[moved] = to
            if to != FREE:
                self._task[to] = moved
        return True

    def _chain(self, first: int | None, goal: int) -> dict[int, int] | None:
        """Find moves without cost that end in the place which the goal leaves.

        Args:
            first: who must move, or None when the goal takes a free slot.
            goal: whose place is to be filled, or may stay empty.

        Returns:
            Task -> its new slot, for all that move; None when there is no such chain.
        """
        came: dict[int | None, tuple[int | None, int]] = {}
        queue: list[int | None] = [first]
        seen: set[int | None] = {first}
        for node in queue:
            for nxt, slot in self._steps(node):
                if nxt in seen:
                    continue
                seen.add(nxt)
                came[nxt] = (node, slot)
                queue.append(nxt)
                if nxt == goal:
                    return self._walk(came, first, goal)
        return None

    def _steps(self, node: int | None) -> list[tuple[int | None, int]]:
        """Return where a task may go (whose place, which slot); from nowhere, who may vanish."""
        if node is None:
            return [(task, FREE) for task in self._open if self._may_leave(task)]
        steps: list[tuple[int | None, int]] = []
        for slot in self._tight[node]:
            holder = self._task.get(slot)
            if holder is None:
                steps.append((None, slot))
            elif holder in self._open and holder != node:
                steps.append((holder, slot))
        if self._may_go_without[node]:
            steps.append((None, FREE))
        return steps

    def _may_leave(self, task: int) -> bool:
        """Return whether the place of a task may stay empty."""
        slot = self._slot[task]
        return slot == FREE or bool(self._price[slot] == 0)

    @staticmethod
    def _walk(
        came: dict[int | None, tuple[int | None, int]], first: int | None, goal: int
    ) -> dict[int, int]:
        moves: dict[int, int] = {}
        node: int | None = goal
        while True:
            node, slot = came[node]
            if node is not None:
                moves[node] = slot
            if node == first:
                return moves
