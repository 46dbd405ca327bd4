"""Who wins, and what each winner is paid: the truthful clearing of a sealed-bid reverse auction.

``clear`` chooses the allocation that maximises the sum of values minus asks, and pays every winner the
Clarke payment ``P_i = V_i(x*) - (W(N without i) - W_-i(x*))``: what its work is worth, minus what the others lose by
its being there. So a bidder's best ask is its true cost, whatever the others do, and a bidder alone is
paid its full value: the reserve is the second bid.

Three problems, one interface:

====================  ==========================================  ===========================
``vcg-single``        one task                                    closed form
``vcg-assignment``    several tasks, one price each               one solve, integer duals
``vcg-bundles``       tasks sold together                         exact, one re-solve a winner
====================  ==========================================  ===========================

All money here is whole ticks; the result is in planck and computed again, exactly, from the allocation.

Sources: Vickrey, J. of Finance 16, 1961; Clarke, Public Choice 11, 1971; Groves, Econometrica 41, 1973.
"""

from typing import Literal

import attrs
import numpy as np

from market.clearing.assignment import solve_assignment
from market.clearing.baselines import reprice
from market.clearing.bundles import NODE_LIMIT, Packing, Unproven, solve_packing
from market.clearing.problem import (
    Bid,
    Clearing,
    Counterfactual,
    Line,
    Problem,
    Proof,
    share_by_weight,
    share_rent,
)
from market.clearing.rents import rents_of
from market.clearing.slots import NO_PAIR, Int64, expand_slots
from market.errors import SolverError, UsageError
from market.identity import AccountId
from market.messages import Ask, Method, TaskAsk
from market.units import Planck, Ppm

__all__ = ["Bid", "Clearing", "Counterfactual", "Line", "Problem", "clear"]

Rule = Literal["vcg-assignment", "vcg-bundles", "first-price", "uniform"]


def clear(
    problem: Problem, rule: Rule = "vcg-assignment", *, node_limit: int = NODE_LIMIT
) -> Clearing:
    """Clear an auction.

    Args:
        problem: tasks and bids.
        rule: what was announced. One task is cleared in closed form under ``vcg-assignment``.
        node_limit: branch-and-bound nodes for each solve of a bundle auction.

    Returns:
        The clearing. Its method differs from the rule where bundles could not be proven optimal: then
        only single tasks are cleared, as an assignment, and ``note`` says why.

    Raises:
        UsageError: there are bundles and the rule takes none.
        SolverError: an exact check failed.
    """
    if rule == "vcg-bundles":
        packing = solve_packing(problem, node_limit)
        if isinstance(packing, Packing):
            return _pay_bundles(problem, packing)
        single = attrs.evolve(problem, bids=tuple(_singles_only(b) for b in problem.bids))
        return attrs.evolve(_clear_assignment(single)[0], note=_fallback_note(packing))
    if any(bid.ask.bundles for bid in problem.bids):
        raise UsageError(f"{rule} takes no bundles: announce vcg-bundles, or refuse these asks")
    if rule == "vcg-assignment" and len(problem.tasks) == 1:
        return _clear_single(problem)
    cleared, asks = _clear_assignment(problem)
    return cleared if rule == "vcg-assignment" else reprice(problem, cleared, asks, rule)


def _fallback_note(unproven: Unproven) -> str:
    return f"single tasks only, as an assignment: {unproven.why}"


def _singles_only(bid: Bid) -> Bid:
    """Return a bid for bundles as one for its single tasks, of which it may win one."""
    if not bid.ask.bundles:
        return bid
    prices = tuple(
        TaskAsk(task=bundle.tasks[0], price=bundle.price)
        for bundle in bid.ask.bundles
        if len(bundle.tasks) == 1
    )
    if not prices:  # nothing of it is left; weight zero may not win
        return attrs.evolve(bid, quality=Ppm(0))
    ask = Ask(prices=prices, slot_surcharge=bid.ask.slot_surcharge[:1], bundles=())
    return attrs.evolve(bid, ask=ask, capacity=min(bid.capacity, 1))


def _clear_single(problem: Problem) -> Clearing:
    """Clear one task: the largest surplus wins and leaves the second largest to the requester.

    Source: Vickrey 1961, section III, with quality as part of the value.
    """
    ranked = sorted(
        (ask - value, problem.rank(0, bid.provider), value, ask, bid)
        for bid in problem.bids
        for value, ask in [(problem.value(bid, 0), _single_ask(problem, bid))]
        if ask is not None and ask <= value
    )
    if not ranked:
        return Clearing("vcg-single", (), Planck(0), "closed form")
    _, _, value, ask, bid = ranked[0]
    second = -ranked[1][0] if len(ranked) > 1 else 0
    return _result(
        problem,
        "vcg-single",
        "closed form",
        {bid.provider: _Won([0], [value], [ask], value - ask - second)},
    )


def _single_ask(problem: Problem, bid: Bid) -> int | None:
    """Return what a bid asks for the only task, surcharge included, ticks; None when it may not win."""
    if not bid.ask.prices or bid.quality == 0 or bid.capacity == 0:
        return None
    return bid.ask.prices[0].price // problem.tick + problem.surcharges(bid)[0]


@attrs.frozen
class _Won:
    """What one provider won, ticks."""

    tasks: list[int]
    values: list[int]
    asks: list[int]
    """Of each task, surcharge included; of the whole on the first, for a bundle."""
    rent: int
    """Its payment minus its asks: what the optimum loses without it."""
    is_bundle: bool = False


def _clear_assignment(problem: Problem) -> tuple[Clearing, dict[int, int]]:
    """Clear tasks with one price each; also return the ask behind every awarded task, ticks."""
    surplus = np.full((len(problem.tasks), len(problem.bids)), NO_PAIR, np.int64)
    asked: dict[tuple[int, int], int] = {}
    for column, bid in enumerate(problem.bids):
        if bid.quality == 0:
            continue
        for price in bid.ask.prices:
            ask = price.price // problem.tick
            asked[price.task, column] = ask
            surplus[price.task, column] = max(problem.value(bid, price.task) - ask, NO_PAIR)
    slots = expand_slots(surplus, [problem.surcharges(bid) for bid in problem.bids])
    found = solve_assignment(slots, lambda: _ranks(problem))
    rents = rents_of(slots, found)

    tasks_of: dict[int, list[int]] = {}
    for task, slot in enumerate(found.slot.tolist()):
        if slot >= 0:
            tasks_of.setdefault(int(slots.owner[slot]), []).append(task)
    won: dict[AccountId, _Won] = {}
    ask_of: dict[int, int] = {}
    for column, tasks in tasks_of.items():
        bid = problem.bids[column]
        extra = problem.surcharges(bid)
        asks = [asked[task, column] + extra[at] for at, task in enumerate(tasks)]
        ask_of.update(zip(tasks, asks, strict=True))
        values = [int(problem.value(bid, task)) for task in tasks]
        won[bid.provider] = _Won(tasks, values, asks, int(rents[column]))
    cleared = _result(problem, "vcg-assignment", "integer duals", won)
    if cleared.welfare != found.welfare * problem.tick:
        raise SolverError("the exact welfare differs from the solver's: report the instance")
    return cleared, ask_of


def _ranks(problem: Problem) -> Int64:
    """Return the order in which providers win ties for each task, shape (tasks, providers)."""
    ranks = np.empty((len(problem.tasks), len(problem.bids)), np.int64)
    providers = [bid.provider for bid in problem.bids]
    for task in range(len(problem.tasks)):
        keys = [problem.rank(task, provider) for provider in providers]
        order = sorted(range(len(keys)), key=keys.__getitem__)
        ranks[task, order] = np.arange(len(keys))
    return ranks


def _pay_bundles(problem: Problem, packing: Packing) -> Clearing:
    won: dict[AccountId, _Won] = {}
    for winner, without in packing.without.items():
        bid = problem.bids[winner]
        mine = [p for p in packing.chosen if p.provider == winner]
        tasks = sorted(task for p in mine for task in p.tasks)
        values = [int(problem.value(bid, task)) for task in tasks]
        extra = problem.surcharges(bid)
        if bid.ask.bundles:
            asks = [mine[0].ask] + [0] * (len(tasks) - 1)
        else:
            by_task = {p.tasks[0]: p.ask for p in mine}
            asks = [by_task[task] + extra[at] for at, task in enumerate(tasks)]
        rent = packing.welfare - without
        won[bid.provider] = _Won(tasks, values, asks, rent, is_bundle=bool(bid.ask.bundles))
    return _result(problem, "vcg-bundles", packing.proof, won)


def _result(problem: Problem, method: Method, proof: Proof, won: dict[AccountId, _Won]) -> Clearing:
    """Turn what was won, in ticks, into prices and explanations, in planck."""
    tick = problem.tick
    welfare = sum(sum(w.values) - sum(w.asks) for w in won.values())
    lines: list[Line] = []
    counterfactuals: list[Counterfactual] = []
    for bid in problem.bids:
        mine = won.get(bid.provider)
        if mine is None:
            continue
        value, ask = sum(mine.values), sum(mine.asks)
        payment = ask + mine.rent
        if mine.is_bundle:
            prices = share_by_weight(payment, mine.values)
        else:
            surpluses = [v - a for v, a in zip(mine.values, mine.asks, strict=True)]
            shares = share_rent(mine.rent, surpluses)
            prices = [a + s for a, s in zip(mine.asks, shares, strict=True)]
        lines += [
            Line(task, bid.provider, Planck(price * tick), Planck(worth * tick))
            for task, price, worth in zip(mine.tasks, prices, mine.values, strict=True)
        ]
        counterfactuals.append(
            Counterfactual(
                provider=bid.provider,
                value=Planck(value * tick),
                ask=Planck(ask * tick),
                welfare_of_others=Planck((welfare - value + ask) * tick),
                welfare_without=Planck((welfare - mine.rent) * tick),
                payment=Planck(payment * tick),
            )
        )
    lines.sort(key=lambda line: line.task)
    return Clearing(method, tuple(lines), Planck(welfare * tick), proof, tuple(counterfactuals))
