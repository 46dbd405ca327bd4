"""Bundles over few tasks: the exact optimum by dynamic programming over sets of tasks, in integers.

Theory of operation. Bidders are taken one after the other; ``best[S]`` is the largest welfare in which exactly the tasks
of S are sold to those taken so far. A bidder's options are its bundles, or the sets of its single tasks that its
capacity allows, each with its surcharges. That is 3^tasks steps a bidder at most, which for few tasks is less than a
call of an integer-programming solver costs, and needs no tolerance: the optimum is the optimum. How many
choices attain it is counted on the way, so ties are looked into only where there are any.

Source: Rothkopf, Pekec and Harstad, "Computationally manageable combinational auctions", Management Science 44, 1998.
"""

import itertools
from collections.abc import Mapping
from typing import Final

import attrs

from market.clearing.problem import Package, Problem

__all__ = ["MAX_STEPS", "Subsets", "is_small"]

MAX_STEPS: Final = 20_000
"""Steps of one programme up to which it is used; beyond, the solver is faster."""


@attrs.frozen
class _Option:
    """One way in which a bidder can win."""

    tasks: int
    """Bit t set: task t is in it."""
    gain: int
    """Values minus asks, surcharges included, ticks."""
    packages: tuple[int, ...]


def is_small(problem: Problem, packages: list[Package]) -> bool:
    """Return whether sets of tasks are few enough to go through all of them."""
    bidders = len({package.provider for package in packages})
    return int(3 ** len(problem.tasks)) * max(bidders, 1) <= MAX_STEPS


class Subsets:
    """The programme of one problem."""

    def __init__(self, problem: Problem, packages: list[Package]) -> None:
        self._problem = problem
        self._packages = packages
        self._options = _options_of(problem, packages)

    def solve(self) -> tuple[frozenset[int], dict[int, int]]:
        """Return the packages that ties decide among the optima, and the welfare without each winner."""
        options = self._options
        welfare, ways = _best(options)
        chosen = self._choose(welfare) if ways > 1 else self._trace(welfare)
        winners = sorted({self._packages[p].provider for p in chosen})
        without = {
            winner: _best({who: mine for who, mine in options.items() if who != winner})[0]
            for winner in winners
        }
        return chosen, without

    def _choose(self, welfare: int) -> frozenset[int]:
        """Decide ties: each task, in order, to the first provider with which an optimum exists, or to nobody."""
        options, won = dict(self._options), dict[int, int]()
        for task in range(len(self._problem.tasks)):
            bit = 1 << task
            ranked = sorted(
                (who for who, mine in options.items() if any(o.tasks & bit for o in mine)),
                key=lambda who: self._problem.rank(task, self._problem.bids[who].provider),
            )
            for who in [*ranked, None]:
                fixed = {
                    each: [o for o in mine if bool(o.tasks & bit) == (each == who)]
                    for each, mine in options.items()
                }
                must = frozenset(won) if who is None else frozenset((*won, who))
                if _best(fixed, must)[0] == welfare:
                    options = fixed
                    if who is not None:
                        won[who] = won.get(who, 0) | bit
                    break
        return frozenset(
            p
            for who, mine in won.items()
            for o in options[who]
            if o.tasks == mine
            for p in o.packages
        )

    def _trace(self, welfare: int) -> frozenset[int]:
        """Return the only optimum, by leaving out or fixing one bidder after the other."""
        chosen: list[int] = []
        left, target = dict(self._options), welfare
        for who in self._options:
            mine = left.pop(who)
            if _best(left)[0] == target:
                continue
            for option in mine:
                rest = {
                    each: [o for o in theirs if not o.tasks & option.tasks]
                    for each, theirs in left.items()
                }
                if _best(rest)[0] + option.gain == target:
                    chosen += option.packages
                    left, target = rest, target - option.gain
                    break
        return frozenset(chosen)


def _best(
    bidders: Mapping[int, list[_Option]], must: frozenset[int] = frozenset()
) -> tuple[int, int]:
    """Return the largest welfare, ticks, and how many choices attain it; -1 where there is no choice.

    Args:
        bidders: the options of each.
        must: who has to win.
    """
    table: dict[int, tuple[int, int]] = {0: (0, 1)}
    for who, options in bidders.items():
        grown = {} if who in must else dict(table)
        for option in options:
            for sold, (welfare, ways) in table.items():
                if sold & option.tasks:
                    continue
                after = sold | option.tasks
                total = welfare + option.gain
                known, count = grown.get(after, (total - 1, 0))
                if total > known:
                    grown[after] = total, ways
                elif total == known:
                    grown[after] = total, count + ways
        table = grown
    top = max((welfare for welfare, _ in table.values()), default=-1)
    return top, sum(ways for welfare, ways in table.values() if welfare == top)


def _options_of(problem: Problem, packages: list[Package]) -> dict[int, list[_Option]]:
    """Return each bidder's options, in the order of the bids."""
    by_bidder: dict[int, list[int]] = {}
    for index, package in enumerate(packages):
        by_bidder.setdefault(package.provider, []).append(index)
    options: dict[int, list[_Option]] = {}
    for who, mine in by_bidder.items():
        bid = problem.bids[who]
        if bid.ask.bundles:
            options[who] = [_option(packages, (p,), 0) for p in mine]
            continue
        surcharge = problem.surcharges(bid)
        options[who] = [
            _option(packages, chosen, sum(surcharge[:count]))
            for count in range(1, min(bid.capacity, len(mine)) + 1)
            for chosen in itertools.combinations(mine, count)
        ]
    return options


def _option(packages: list[Package], chosen: tuple[int, ...], surcharge: int) -> _Option:
    tasks = sum(1 << task for p in chosen for task in packages[p].tasks)
    gain = sum(packages[p].value - packages[p].ask for p in chosen) - surcharge
    return _Option(tasks, gain, chosen)
