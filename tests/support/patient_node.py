"""A testnet's node for scenarios: windows for a busy machine, and agents that work for as long as they are told.

Auctions end early once everybody has answered, so the windows cost nothing where nobody is missing.
"""

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
from node.trade.calls import Windows

__all__ = ["AGENT", "PROGRAM", "run_patient_node"]

PROGRAM = "tests.support.patient_node:run_patient_node"
AGENT = Path(__file__).with_name("wordcount_agent.py")
STEP_PERCENT = 10
"""By how much each provider asks more than the one before it."""
LEAST_PERCENT = 30
"""What a provider asks that has to win."""
GATHER = 0.5
"""Seconds within which two submissions surely come."""
WINDOWS = Windows(commit=16, reveal=16, accept=12)


def _agents(provider: int) -> tuple[AgentSpec, ...]:
    (spec,) = trio.run(load_agents, AGENT, Limits(), Grants())
    percent = max(100 + STEP_PERCENT * provider, LEAST_PERCENT)
    price = Planck(spec.offer.price * percent // 100)
    return (msgspec.structs.replace(spec, offer=msgspec.structs.replace(spec.offer, price=price)),)


def run_patient_node(argument: dict[str, Any], say: Say) -> None:
    """Run a node as a testnet does, but for its windows and what it sells."""
    node_program.CI_WINDOWS = WINDOWS  # type: ignore[misc]  # what makes this another program
    node_program.Terms = functools.partial(Terms, gather_seconds=GATHER)  # type: ignore[misc,assignment]  # as above
    node_program.agents_of = _agents
    node_program.run_node(argument, say)
