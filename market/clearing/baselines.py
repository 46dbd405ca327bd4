"""Two simpler ways to set prices for the same allocation; named as what they are, neither truthful.

``first-price`` pays each winner its ask: cheaper until bidders learn to ask more. ``uniform`` pays all of
them one price.
"""

from market.clearing.problem import Clearing, Line, Problem
from market.messages import Method
from market.units import Planck

__all__ = ["reprice"]


def reprice(problem: Problem, cleared: Clearing, asks: dict[int, int], method: Method) -> Clearing:
    """Return a clearing with the same winners and other prices.

    Args:
        problem: what was cleared, all asks for single tasks.
        cleared: its optimal allocation.
        asks: task -> ask of its winner, surcharge included, ticks.
        method: ``first-price``: each winner's own ask. ``uniform``: the highest winning ask or, if
            larger, the lowest ask of a bidder that won nothing; for each task at most its value.

    Source: Krishna, "Auction Theory", 2nd edition 2009, chapter 12 (uniform price, first losing bid).
    """
    tick = problem.tick
    if method == "first-price":
        prices = {line.task: asks[line.task] * tick for line in cleared.lines}
    else:
        winners = {line.provider for line in cleared.lines}
        losing = [
            price.price
            for bid in problem.bids
            if bid.quality and bid.capacity and bid.provider not in winners
            for price in bid.ask.prices
        ]
        highest = max((asks[line.task] * tick for line in cleared.lines), default=0)
        common = max(highest, min(losing, default=0))
        prices = {line.task: min(common, line.value) for line in cleared.lines}
    lines = tuple(
        Line(line.task, line.provider, Planck(prices[line.task]), line.value)
        for line in cleared.lines
    )
    return Clearing(method, lines, cleared.welfare, cleared.proof)
