"""A testnet's node for scenarios: its agents work for as long as they are told."""

import functools
from pathlib import Path
from typing import Any

import msgspec
import trio

from market.units import Planck
from node.agents.specs import AgentSpec
from node.executor.limits import Grants, Limits
from node.executor.loading import load_agents
from node.requester import Terms
from node.testnet import node_program
from node.testnet.forking import Say

__all__ = ["AGENT", "PROGRAM", "run_patient_node"]

PROGRAM = "tests.support.patient_node:run_patient_node"
AGENT = Path(__file__).with_name("wordcount_agent.py")
STEP_PERCENT = 10
"""By how much each provider asks more than the one before it."""
LEAST_PERCENT = 30
"""What a provider asks that has to win."""
GATHER = 0.5
"""Seconds within which two submissions surely come."""


def _agents(provider: int) -> tuple[AgentSpec, ...]:
    (spec,) = trio.run(load_agents, AGENT, Limits(), Grants())
    percent = max(100 + STEP_PERCENT * provider, LEAST_PERCENT)
    price = Planck(spec.offer.price * percent // 100)
    return (msgspec.structs.replace(spec, offer=msgspec.structs.replace(spec.offer, price=price)),)


def run_patient_node(argument: dict[str, Any], say: Say) -> None:
    """Run a node as a testnet does, but for how long it gathers and what it sells."""
    node_program.Terms = functools.partial(Terms, gather_seconds=GATHER)  # type: ignore[misc,assignment]  # what makes this another program
    node_program.agents_of = _agents
    node_program.run_node(argument, say)
