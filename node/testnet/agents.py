"""Which agents a node of a testnet sells: each provider one quality of every built-in one, at a price of its own."""

from itertools import groupby

import msgspec

from market.units import Planck
from node.agents.builtin import builtin_agents
from node.agents.specs import AgentSpec

__all__ = ["BARGAIN", "agents_of"]

STEP_PERCENT = 7
"""By how much each provider asks more than the one before it: equal prices would make dull auctions."""

BARGAIN = -10
"""Asks less than a third of the cheapest quality's price."""


def agents_of(provider: int) -> tuple[AgentSpec, ...]:
    """Return what a provider sells, one agent for each capability.

    Args:
        provider: its place among the providers, from 0; :data:`BARGAIN` is below all of them.
    """
    specs = sorted(builtin_agents(), key=lambda spec: spec.offer.capability)
    found = []
    for _, group in groupby(specs, key=lambda spec: spec.offer.capability):
        qualities = list(group)
        spec = qualities[max(provider, 0) % len(qualities)]
        price = Planck(spec.offer.price * (100 + STEP_PERCENT * provider) // 100)
        found.append(msgspec.structs.replace(spec, offer=msgspec.structs.replace(spec.offer, price=price)))  # fmt: skip
    return tuple(found)
