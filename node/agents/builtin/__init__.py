"""Agents that come with the node: real work by well-kept libraries, several qualities at several prices.

The node reads these declarations in its own process, so that a module here imports no library at its
top: the work, and what it takes, is in the worker.
"""

import importlib
from typing import Final

from node.agents.kinds.function import agents_of
from node.agents.specs import AgentSpec

__all__ = ["builtin_agents"]

_MODULES: Final = ("summarize", "language", "thumbnail", "table", "code")


def builtin_agents() -> tuple[AgentSpec, ...]:
    """Return the agents that come with the node, a cheaper before a better one of the same capability."""
    modules = [importlib.import_module(f"node.agents.builtin.{name}") for name in _MODULES]
    return tuple(spec for module in modules for spec in agents_of(module, file=None))
