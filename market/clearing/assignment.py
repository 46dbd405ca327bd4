"""Optimal assignment of tasks to slots, with the dual that certifies it and holds the payments.

Theory of operation. ``linear_sum_assignment`` finds one optimum. In its residual graph task t may move
to the slot of task u at a gain of ``w[t, slot(u)] - w[u, slot(u)]``, u moves on, and the last one in the
chain takes a free slot or none. Let ``g(t)`` be the best such gain. Then

- ``g`` with ``p[slot(t)] = w[t, slot(t)] - g(t)`` and ``p = 0`` on free slots is an optimal *dual*: it is checked in
  integers against every pair, and that check is the certificate of the optimum;
- it is the dual in which slots earn most: ``p[slot]`` is what the optimum loses without that slot, so a
  provider with one slot has its Clarke rent without another solve;
- pairs without slack span all optima, so ties are broken on them alone.

What a provider with several slots is worth is computed in :mod:`market.clearing.rents`, in the potentials
that are already there. Nothing is ever solved twice.

Sources: Leonard, "Elicitation of honest preferences for the assignment of individuals to positions",
J. Political Economy 91, 1983 (the extreme dual is VCG); Hershberger and Suri, "Vickrey prices and
shortest paths", FOCS 2001 (all prices from one solve); Jonker and Volgenant, Computing 38, 1987
(augmentation in reduced costs).
"""

from collections.abc import Callable
from typing import Final

import attrs
import numpy as np

from market.clearing.problem import MAX_TICKS
from market.clearing.slots import FREE, NO_PAIR, Bool, Int64, Slots
from market.clearing.solvers import match, strong_components
from market.clearing.ties import decide_ties
from market.errors import SolverError, UsageError

__all__ = ["Assignment", "solve_assignment"]

_FEW_MOVES: Final = 400
"""Moves up to which a loop is faster than a library's sparse matrix."""


@attrs.frozen(eq=False)
class Assignment:
    """An optimal assignment with the dual that certifies it."""

    slot: Int64
    """Slot of each task, or :data:`FREE`; shape (tasks,)."""
    welfare: int
    """Sum of the surpluses of the chosen pairs, ticks."""
    task_price: Int64
    """Dual of each task, ticks, shape (tasks,): what it would still bring without its slot."""
    slot_price: Int64
    """Dual of each slot, ticks, shape (slots,): what the optimum would lose without it."""


def solve_assignment(slots: Slots, rank: Callable[[], Int64] | None = None) -> Assignment:
    """Find an optimal assignment, its dual, and among equals the one that ties decide.

    Args:
        slots: the instance.
        rank: gives the order in which providers win ties for each task, shape (tasks, providers),
            smaller first; asked only if there are ties. None leaves the choice among optima to the
            solver.

    Raises:
        SolverError: the solver's answer failed the exact check.
    """
    surplus = slots.surplus
    tasks, count = surplus.shape
    if count == 0:
        nothing = np.zeros(tasks, np.int64)
        return Assignment(nothing + FREE, 0, nothing, np.empty(0, np.int64))
    rows, columns = match(surplus)
    slot = np.full(tasks, FREE, np.int64)
    paired = surplus[rows, columns] >= 0
    slot[rows[paired]] = columns[paired]

    task_price, slot_price, best_free, held = _duals(surplus, slot)
    welfare = int(surplus[slot >= 0, slot[slot >= 0]].sum())
    if welfare > MAX_TICKS:
        raise UsageError(f"surpluses exceed {MAX_TICKS} ticks in sum: choose a coarser tick")
    taken = np.flatnonzero(slot >= 0)
    slack = task_price[:, None] + slot_price[slot[taken]] - held
    is_pair = held >= 0
    certified = (
        welfare == int(task_price.sum()) + int(slot_price.sum())
        and bool((slot_price >= 0).all())
        and bool((task_price >= np.maximum(best_free, 0)).all())
        and bool((slack >= 0)[is_pair].all())
    )
    if not certified:
        raise SolverError("the assignment failed its integer certificate: report the instance")
    found = Assignment(slot, welfare, task_price, slot_price)
    if rank is None:
        return found
    movable = _movable_tasks(found, best_free, is_pair & (slack == 0))
    if movable.size == 0:
        return found
    decided = decide_ties(slots, slot, task_price, slot_price, rank(), movable)
    return attrs.evolve(found, slot=decided)


def _duals(surplus: Int64, slot: Int64) -> tuple[Int64, Int64, Int64, Int64]:
    """Return the dual in which slots earn most, as the fixed point of the moves between slots.

    Returns:
        Task prices; slot prices; each task's best free slot's surplus (:data:`NO_PAIR` where there
        is none); and the surplus of each task at each taken slot, shape (tasks, taken slots).
    """
    taken = np.flatnonzero(slot >= 0)
    columns = slot[taken]
    held = surplus.take(columns, axis=1)
    surplus[:, columns] = NO_PAIR  # masked in place and put back: a copy costs more than the search
    best_free = surplus.max(axis=1)
    surplus[:, columns] = held

    own = held[taken, np.arange(taken.size)]
    impossible = np.int64(-(2**61))
    # gain[t, k]: task t takes the slot of task taken[k], which loses what it had there.
    gain = np.where(held >= 0, held - own, impossible)
    price = np.maximum(best_free, 0)
    changed = np.arange(taken.size)
    for _ in range(taken.size + 2):
        if changed.size == 0:
            break
        if changed.size == taken.size:
            better = (gain + price[taken]).max(axis=1)
        else:
            better = (gain.take(changed, axis=1) + price[taken[changed]]).max(axis=1)
        grown = better > price
        np.maximum(price, better, out=price)
        changed = np.flatnonzero(grown[taken])
    else:
        raise SolverError("the assignment is not optimal: report the instance")
    slot_price = np.zeros(surplus.shape[1], np.int64)
    slot_price[columns] = own - price[taken]
    return price, slot_price, best_free, held


def _movable_tasks(found: Assignment, best_free: Int64, tight: Bool) -> Int64:
    """Return the tasks that stand elsewhere in some optimum: those on cycles that cost nothing.

    Nodes are the tasks, and one for "nowhere" (a free slot, or none). A move t -> u is "t takes the
    place of u".

    Args:
        found: the optimum.
        best_free: surplus of each task at the best slot that nobody has, shape (tasks,).
        tight: pairs without slack among tasks and taken slots, shape (tasks, taken slots).
    """
    taken = np.flatnonzero(found.slot >= 0)
    free = found.slot < 0
    nowhere = found.slot.size
    own_price = found.slot_price[found.slot[taken]]
    tight[taken, np.arange(taken.size)] = False
    at, to = np.nonzero(tight)
    leaves = np.flatnonzero((best_free == found.task_price) | (~free & (found.task_price == 0)))
    enters = np.concatenate([taken[own_price == 0], np.flatnonzero(free)])
    start = np.concatenate([at, leaves, np.full(enters.size, nowhere)])
    end = np.concatenate([taken[to], np.full(leaves.size, nowhere), enters])
    if start.size <= _FEW_MOVES and not _has_cycle(nowhere + 1, start.tolist(), end.tolist()):
        return np.empty(0, np.int64)
    component = strong_components(nowhere + 1, start, end)
    return np.flatnonzero(np.bincount(component)[component[:nowhere]] > 1)


def _has_cycle(nodes: int, start: list[int], end: list[int]) -> bool:
    """Return whether a directed graph has a cycle.

    Most small auctions have no ties, and finding that out takes less than making a sparse matrix.

    Source: Kahn, "Topological sorting of large networks", Communications of the ACM 5, 1962.
    """
    after: list[list[int]] = [[] for _ in range(nodes)]
    before = [0] * nodes
    for one, other in zip(start, end, strict=True):
        after[one].append(other)
        before[other] += 1
    ready = [node for node in range(nodes) if not before[node]]
    for node in ready:  # it grows while it is gone through
        for other in after[node]:
            before[other] -= 1
            if not before[other]:
                ready.append(other)
    return len(ready) < nodes
