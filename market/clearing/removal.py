"""What an optimal assignment loses without one provider that has several slots.

Its slots go, and its tasks are put back one after the other, each along the cheapest chain of moves
(Dijkstra in reduced costs, as in the Hungarian method). After each the assignment of the tasks so far
is optimal again, so after the last one it is the optimum without the provider.

Source: Jonker and Volgenant, "A shortest augmenting path algorithm", Computing 38, 1987.
"""

import numpy as np

from market.clearing.slots import FREE, NO_PAIR, Bool, Int64, Slots

__all__ = ["loss_without"]

_FAR = np.int64(2**61)


def loss_without(
    provider: int, slots: Slots, slot: Int64, task_price: Int64, slot_price: Int64
) -> int:
    """Return what the optimum loses without a provider, ticks.

    Args:
        provider: index of the one that is taken away.
        slots: the instance.
        slot: an optimal assignment, shape (tasks,).
        task_price: optimal dual of the tasks, shape (tasks,).
        slot_price: optimal dual of the slots, shape (slots,).
    """
    mine = slots.owner == provider
    displaced = np.flatnonzero((slot >= 0) & mine[slot])
    without = slot.copy()
    without[displaced] = FREE
    rest = _Rest(slots.surplus, ~mine, without, task_price.copy(), slot_price.copy())
    had = int(slots.surplus[displaced, slot[displaced]].sum())
    return had - sum(rest.place(task) for task in displaced.tolist())


class _Rest:
    """An optimal assignment of some of the tasks to some of the slots, with its dual."""

    def __init__(
        self, surplus: Int64, allowed: Bool, slot: Int64, task_price: Int64, slot_price: Int64
    ) -> None:
        self.slot = slot
        self._surplus = surplus
        self._task_price = task_price
        self._slot_price = slot_price
        self._holder = np.full(slot_price.size, FREE, np.int64)
        placed = np.flatnonzero(slot >= 0)
        self._holder[slot[placed]] = placed
        self._free = allowed & (self._holder < 0)

    def place(self, task: int) -> int:
        """Add one task, moving others where that is better, or leave one of them out.

        Returns:
            What the optimum gains by it: the task's price less the length of the chain, ticks.
        """
        gain = int(self._task_price[task])
        taken = np.flatnonzero(self._holder >= 0)
        distance = np.full(taken.size, _FAR)
        came = np.full(taken.size, task, np.int64)
        is_open = np.ones(taken.size, np.bool_)
        visited: list[tuple[int, int]] = []
        node, so_far = task, 0
        end, end_task, end_slot = int(_FAR), task, FREE
        while True:
            visited.append((node, so_far))
            row, base = self._surplus[node], so_far + int(self._task_price[node])
            best = int(np.where(self._free, row, NO_PAIR).argmax())
            if self._free[best] and row[best] >= 0 and base - int(row[best]) < end:
                end, end_task, end_slot = base - int(row[best]), node, best
            if base < end:
                end, end_task, end_slot = base, node, FREE
            reach = row[taken]
            candidate = np.where(reach >= 0, base + self._slot_price[taken] - reach, _FAR)
            nearer = is_open & (candidate < distance)
            distance[nearer] = candidate[nearer]
            came[nearer] = node
            frontier = np.where(is_open, distance, _FAR)
            at = int(frontier.argmin()) if taken.size else 0
            if not taken.size or frontier[at] >= end:
                break
            is_open[at] = False
            node, so_far = int(self._holder[taken[at]]), int(distance[at])
        self._reprice(visited, taken[~is_open], distance[~is_open], end)
        self._move(task, end_task, end_slot, dict(zip(taken.tolist(), came.tolist(), strict=True)))
        return gain - end

    def _reprice(
        self, visited: list[tuple[int, int]], closed: Int64, distance: Int64, end: int
    ) -> None:
        """Change the dual so that the new assignment has no slack, and no pair has less."""
        for task, at in visited:
            self._task_price[task] -= end - at
        self._slot_price[closed] += end - distance

    def _move(self, task: int, mover: int, to: int, came: dict[int, int]) -> None:
        """Walk back from the end of the chain: each takes the slot that the next one leaves."""
        while True:
            left = int(self.slot[mover])
            self.slot[mover] = to
            if to != FREE:
                self._holder[to] = mover
                self._free[to] = False
            if mover == task:
                return
            mover, to = came[left], left
