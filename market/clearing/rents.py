"""What the optimum would lose without each provider: the rent in its Clarke payment.

With one slot it is the slot's dual. A provider with several slots that uses one loses the others too, so
its task may not move to them: its best chain of moves must end elsewhere. For that, one more sweep
finds for every task the best chain that does *not* end with the provider where its best chain ends.
Whoever uses several slots loses them all at once: less than the sum of their prices where they
stand in for each other, more where they do not; these are taken away one provider at a time.

Source: for the sweep, the two shortest paths with different labels at their ends, as in k-best dynamic
programming (Bellman and Kalaba, J. SIAM 8, 1960).
"""

from typing import Final

import numpy as np

from market.clearing.assignment import Assignment
from market.clearing.problem import MAX_TICKS
from market.clearing.removal import loss_without
from market.clearing.slots import FREE, NO_PAIR, Int64, Slots
from market.errors import SolverError

__all__ = ["rents_of"]

_UNKNOWN: Final = -2
"""End of a chain that goes round in a circle of equal gains."""
_IMPOSSIBLE: Final = np.int64(-(2**61))


def rents_of(slots: Slots, found: Assignment) -> Int64:
    """Return what the optimum would lose without each provider, ticks, shape (providers,)."""
    rents = np.zeros(slots.providers, np.int64)
    tasks = np.flatnonzero(found.slot >= 0)
    winner = slots.owner[found.slot[tasks]]
    used = np.bincount(winner, minlength=slots.providers)
    has = np.bincount(slots.owner, minlength=slots.providers)
    rent = found.slot_price[found.slot[tasks]]
    read_off = has[winner] == 1
    if not read_off.all():
        chains = _Chains(slots, found)
        end = chains.owner_at_end()
        alone = used[winner] == 1
        read_off |= alone & (end[tasks] != winner) & (end[tasks] != _UNKNOWN)
        own = alone & ~read_off & (end[tasks] == winner)
        if own.any() and not (end == _UNKNOWN).any():
            second = chains.second_best(end)[tasks]
            had = (
                rent + found.task_price[tasks]
            )  # the surplus of the pair, by complementary slackness
            rent = np.where(own, had - second, rent)
            read_off |= own
    rents[winner[read_off]] = rent[read_off]
    for provider in np.unique(winner[~read_off]).tolist():
        rents[provider] = loss_without(
            provider, slots, found.slot, found.task_price, found.slot_price
        )
    return rents


class _Chains:
    """Chains of moves: a task takes the slot of the next, and the last one a free slot or none."""

    def __init__(self, slots: Slots, found: Assignment) -> None:
        self._owner = slots.owner
        self._price = found.task_price
        self._taken = np.flatnonzero(found.slot >= 0)
        columns = found.slot[self._taken]
        self._held = slots.surplus.take(columns, axis=1)
        """Surplus of each task at each taken slot, shape (tasks, taken slots)."""
        self._slot_price = found.slot_price[columns]
        self._free = slots.surplus.copy()
        """Surplus of each task at each free slot; no pair where the slot is taken."""
        self._free[:, columns] = NO_PAIR

    def owner_at_end(self) -> Int64:
        """Return whose free slot each task's best chain ends in, shape (tasks,).

        :data:`FREE` where it ends with a task without a slot; -2 where equal gains go in a circle.
        """
        everyone = np.arange(self._price.size)
        best = self._free.argmax(axis=1)
        goes_free = self._free[everyone, best] == self._price
        ends = (self._price == 0) | goes_free
        end = np.where(self._price == 0, FREE, self._owner[best])
        slack = self._price[:, None] + self._slot_price - self._held
        slack[self._held < 0] = MAX_TICKS
        slack[self._taken, np.arange(self._taken.size)] = MAX_TICKS
        step = np.where(ends, everyone, self._taken[slack.argmin(axis=1)])
        for _ in range(self._price.size.bit_length()):
            step = step[step]
        return np.where(ends[step], end[step], _UNKNOWN)

    def second_best(self, end: Int64) -> Int64:
        """Return the gain of each task's best chain that ends with somebody else, ticks, shape (tasks,).

        Args:
            end: whose free slot each best chain ends in, shape (tasks,), none of them unknown.
        """
        others: Int64 = np.where(self._owner == end[:, None], NO_PAIR, self._free)
        elsewhere: Int64 = others.max(axis=1)
        # A task that ends without a slot ends with nobody, which is somebody else than any provider.
        second: Int64 = np.where(end == FREE, elsewhere, np.maximum(elsewhere, 0))
        second[second < 0] = _IMPOSSIBLE
        own = self._held[self._taken, np.arange(self._taken.size)]
        gain = np.where(self._held >= 0, self._held - own, _IMPOSSIBLE)
        same_end = end[:, None] == end[self._taken]
        onward = np.where(same_end, _IMPOSSIBLE, self._price[self._taken])
        direct = (gain + onward).max(axis=1, initial=_IMPOSSIBLE)
        second = np.maximum(second, direct)
        # Through tasks that end elsewhere this adds nothing: their best chains are in already.
        for _ in range(self._taken.size + 2):
            longer = (gain + second[self._taken]).max(axis=1, initial=_IMPOSSIBLE)
            if (longer <= second).all():
                return second
            second = np.maximum(second, longer)
        raise SolverError("gains grow in a circle: report the instance")
