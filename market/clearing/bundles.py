"""Tasks sold in bundles: exact winner determination, and one re-solve for each winner.

With bundles the problem is a weighted set packing, NP-hard. Over few tasks it is solved exactly
(:mod:`market.clearing.subsets`), else by branch and bound (HiGHS) within an admission cap, to a gap of exactly zero. Duals of the relaxation are *not* Clarke payments
here, so the optimum without each winner is computed on its own. Whatever the solver does not prove within
its nodes is refused, and the caller falls back to what it can prove.

Source: Sandholm, "Algorithm for optimal winner determination in combinatorial auctions", Artificial
Intelligence 135, 2002.
"""

from typing import Final

import attrs
import numpy as np

from market.clearing.problem import Bid, Package, Problem, Proof
from market.clearing.solvers import BinaryProgram, solve_binary
from market.clearing.subsets import Subsets, is_small
from market.units import Planck, Ticks

__all__ = [
    "MAX_PACKAGES",
    "MAX_TASKS",
    "NODE_LIMIT",
    "Packing",
    "Unproven",
    "packages_of",
    "solve_packing",
]

MAX_TASKS: Final = 20
"""Tasks of one bundle auction."""
MAX_PACKAGES: Final = 500
"""Packages bid for in one bundle auction."""
NODE_LIMIT: Final = 20_000
"""Branch-and-bound nodes of one solve; in nodes, because everybody counts them alike."""


@attrs.frozen
class Unproven:
    """No answer that can be called optimal, and why."""

    why: str


@attrs.frozen
class Packing:
    """The best choice of packages, and what it would be without each winner."""

    chosen: tuple[Package, ...]
    """Sorted by provider."""
    welfare: int
    """Ticks."""
    without: dict[int, int]
    """Winner -> welfare of the best choice without any of its packages, ticks."""
    proof: Proof = "proven by HiGHS to integer tolerance"


def packages_of(problem: Problem) -> list[Package]:
    """Return every package that somebody may win at no loss, in order of bidder and tasks.

    A bid of prices stands for each of its tasks alone; a bundle pays the surcharge of as many slots as
    it has tasks.
    """
    packages: list[Package] = []
    for index, bid in enumerate(problem.bids):
        if bid.quality == 0:
            continue
        offers: list[tuple[tuple[int, ...], Planck]] = []
        offers += [((p.task,), p.price) for p in bid.ask.prices]
        offers += [(b.tasks, b.price) for b in bid.ask.bundles]
        surcharge = problem.surcharges(bid)
        for tasks, price in offers:
            value = sum(problem.value(bid, task) for task in tasks)
            ask = price // problem.tick
            if bid.ask.bundles:
                ask += sum(surcharge[: len(tasks)])
            if len(tasks) <= bid.capacity and ask <= value:
                packages.append(Package(index, tasks, Ticks(value), Ticks(ask)))
    return packages


def solve_packing(
    problem: Problem, node_limit: int = NODE_LIMIT, *, by_solver: bool = False
) -> Packing | Unproven:
    """Find the best packages, ties broken by hash, and what is lost without each winner.

    Args:
        problem: tasks and bids.
        node_limit: branch-and-bound nodes of one solve.
        by_solver: use the solver, however few tasks there are; the result is the same.
    """
    packages = packages_of(problem)
    if len(problem.tasks) > MAX_TASKS or len(packages) > MAX_PACKAGES:
        return Unproven(
            f"{len(problem.tasks)} tasks and {len(packages)} packages exceed the cap of "
            f"{MAX_TASKS} and {MAX_PACKAGES}"
        )
    search = _Search(problem, packages, node_limit)
    if is_small(problem, packages) and not by_solver:
        chosen, without = Subsets(problem, packages).solve()
        ordered = tuple(packages[p] for p in sorted(chosen))
        return Packing(
            ordered, search.welfare(chosen), without, "exact programme over sets of tasks"
        )
    try:
        best = search.best()
        chosen = search.decide_ties(best)
        winners = sorted({packages[p].provider for p in chosen})
        without = {
            w: search.welfare(
                search.best([p for p, each in enumerate(packages) if each.provider != w])
            )
            for w in winners
        }
    except _StoppedError as stopped:
        return Unproven(str(stopped))
    ordered = tuple(packages[p] for p in sorted(chosen))
    return Packing(ordered, search.welfare(chosen), without)


class _StoppedError(Exception):
    """The solver gave no proof; never leaves this module."""


class _Search:
    """The binary program of one problem: a variable a package, and one for each slot that costs."""

    def __init__(self, problem: Problem, packages: list[Package], node_limit: int) -> None:
        self._problem = problem
        self._packages = packages
        self._nodes = node_limit

    def welfare(self, chosen: frozenset[int]) -> int:
        """Return the exact welfare of a choice, ticks."""
        total = sum(self._packages[p].value - self._packages[p].ask for p in chosen)
        used: dict[int, int] = {}
        for p in chosen:
            used[self._packages[p].provider] = used.get(self._packages[p].provider, 0) + 1
        for provider, count in used.items():
            bid = self._problem.bids[provider]
            if bid.ask.prices:
                total -= sum(self._problem.surcharges(bid)[:count])
        return total

    def best(
        self,
        allowed: list[int] | None = None,
        at_least_one_of: list[frozenset[int]] | None = None,
        differs_from: frozenset[int] | None = None,
    ) -> frozenset[int]:
        """Return the best choice among the allowed packages.

        Args:
            allowed: packages that may be chosen; all when None.
            at_least_one_of: for each set, one of its packages is chosen.
            differs_from: a choice that is not to be found again.

        Raises:
            _StoppedError: the solver found no optimum, or did not prove it.
        """
        kept = list(range(len(self._packages))) if allowed is None else allowed
        found = self._solve(kept, at_least_one_of or [], differs_from)
        if found is None:
            raise _StoppedError("no choice satisfies the conditions")
        return found

    def _solve(
        self, kept: list[int], at_least: list[frozenset[int]], differs: frozenset[int] | None
    ) -> frozenset[int] | None:
        """Solve one program; None when nothing satisfies its conditions."""
        if not kept:
            return None if at_least or differs == frozenset() else frozenset()
        rows = _Rows()
        by_provider: dict[int, list[int]] = {}
        by_task: dict[int, list[int]] = {}
        for column, p in enumerate(kept):
            by_provider.setdefault(self._packages[p].provider, []).append(column)
            for task in self._packages[p].tasks:
                by_task.setdefault(task, []).append(column)
        gain = [self._packages[p].value - self._packages[p].ask for p in kept]
        for columns in by_task.values():
            rows.add([(column, 1) for column in columns], 1)
        for provider, columns in by_provider.items():
            bid = self._problem.bids[provider]
            entries = [(column, 1) for column in columns]
            if bid.ask.bundles:
                rows.add(entries, 1)
            else:
                self._add_slots(rows, gain, bid, entries)
        for wanted in at_least:
            rows.add([(kept.index(p), -1) for p in wanted if p in kept], -1)
        if differs is not None:
            signs = [(column, 1 if p in differs else -1) for column, p in enumerate(kept)]
            rows.add(signs, len(differs) - 1)
        solution = solve_binary(rows.program(gain), self._nodes)
        if solution is None or not solution.is_proven:
            raise _StoppedError(f"not proven optimal within {self._nodes} nodes")
        if solution.chosen is None:
            return None
        chosen = frozenset(kept[v] for v in solution.chosen if v < len(kept))
        if not self._is_feasible(chosen):
            raise _StoppedError("the solver's choice breaks a rule when checked exactly")
        if self.welfare(chosen) + 1 <= solution.bound - 1e-6 * max(1.0, abs(solution.bound)):
            raise _StoppedError("the solver's bound is above its choice when checked exactly")
        return chosen

    def _add_slots(
        self, rows: "_Rows", gain: list[int], bid: Bid, entries: list[tuple[int, int]]
    ) -> None:
        """Limit a bidder by price to its capacity; slots that cost extra are variables."""
        surcharge = self._problem.surcharges(bid)[: len(entries)]
        if not any(surcharge):
            rows.add(entries, bid.capacity)
            return
        slots = list(range(len(gain), len(gain) + len(surcharge)))
        gain.extend(-extra for extra in surcharge)
        rows.add([*entries, *((slot, -1) for slot in slots)], 0)

    def _is_feasible(self, chosen: frozenset[int]) -> bool:
        tasks = [task for p in chosen for task in self._packages[p].tasks]
        if len(tasks) != len(set(tasks)):
            return False
        for provider in {self._packages[p].provider for p in chosen}:
            bid = self._problem.bids[provider]
            won = sum(self._packages[p].provider == provider for p in chosen)
            if won > (1 if bid.ask.bundles else bid.capacity):
                return False
        return True

    def decide_ties(self, best: frozenset[int]) -> frozenset[int]:
        """Return the optimum that ties decide: tasks in order, each to its first possible provider."""
        target = self.welfare(best)
        if not self._has_equal(best, target):
            return best
        fixed: list[frozenset[int]] = []
        kept = set(range(len(self._packages)))
        for task in range(len(self._problem.tasks)):
            covering = [p for p in sorted(kept) if task in self._packages[p].tasks]
            while True:
                holder = self._holder(best, task)
                better = [
                    p for p in covering
                    if holder is None or self._rank(task, p) < self._rank_of(task, holder)
                ]  # fmt: skip
                if not better:
                    break
                found = self._solve(sorted(kept), [*fixed, frozenset(better)], None)
                if found is None or self.welfare(found) < target:
                    break
                best = found
            holder = self._holder(best, task)
            mine = frozenset(p for p in covering if self._packages[p].provider == holder)
            if holder is not None:
                fixed.append(mine)
            kept -= set(covering) - mine
        return best

    def _has_equal(self, best: frozenset[int], target: int) -> bool:
        other = self._solve(list(range(len(self._packages))), [], best)
        return other is not None and self.welfare(other) == target

    def _holder(self, chosen: frozenset[int], task: int) -> int | None:
        holders = [self._packages[p].provider for p in chosen if task in self._packages[p].tasks]
        return holders[0] if holders else None

    def _rank(self, task: int, package: int) -> bytes:
        return self._rank_of(task, self._packages[package].provider)

    def _rank_of(self, task: int, provider: int) -> bytes:
        return self._problem.rank(task, self._problem.bids[provider].provider)


class _Rows:
    """Collects the rows of a program."""

    def __init__(self) -> None:
        self._entries: list[tuple[int, int, int]] = []
        self._limits: list[int] = []

    def add(self, entries: list[tuple[int, int]], limit: int) -> None:
        """Add the row ``sum(value * x[column]) <= limit``."""
        self._entries += [(len(self._limits), column, value) for column, value in entries]
        self._limits.append(limit)

    def program(self, gain: list[int]) -> BinaryProgram:
        """Return the program that maximises the gain."""
        table = np.asarray(self._entries, np.int64).reshape(-1, 3)
        return BinaryProgram(
            gain=np.asarray(gain, np.int64),
            at_row=table[:, 0],
            at_column=table[:, 1],
            entry=table[:, 2],
            limit=np.asarray(self._limits, np.int64),
        )
