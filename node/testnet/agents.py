"""Which agents a node of a testnet sells: each provider one quality of every built-in one, at a price of its own."""

from itertools import groupby

import msgspec

from market.units import Planck
from node.agents.builtin import builtin_agents
from node.agents.specs import AgentSpec

__all__ = ["BARGAIN", "agents_of"]

SCALE = 100
"""What a built-in agent costs in a testnet, by its own price: payments that move a score so that one sees it."""
STEP_PERCENT = 7
"""By how much each provider asks more than the one before it: equal prices would make dull auctions."""
ROUND = 4
"""Providers after which the order repeats in which they are cheap: another one for each capability."""

BARGAIN = -10
"""Asks less than a third of the cheapest quality's price."""


def agents_of(provider: int) -> tuple[AgentSpec, ...]:
    """Return what a provider sells, one agent for each capability.

    Args:
        provider: its place among the providers, from 0; :data:`BARGAIN` is below all of them.
    """
    specs = sorted(builtin_agents(), key=lambda spec: spec.offer.capability)
    found = []
    groups = groupby(specs, key=lambda spec: spec.offer.capability)
    for number, (_, group) in enumerate(groups):
        qualities = list(group)
        place = provider
        if provider >= 0:
            whole, place = divmod(provider, ROUND)
            place = whole * ROUND + (place + number) % ROUND
        spec = qualities[max(place, 0) % len(qualities)]
        price = Planck(spec.offer.price * SCALE * (100 + STEP_PERCENT * place) // 100)
        found.append(msgspec.structs.replace(spec, offer=msgspec.structs.replace(spec.offer, price=price)))  # fmt: skip
    return tuple(found)
