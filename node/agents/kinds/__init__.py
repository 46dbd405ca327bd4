"""The kinds of agents, as they run inside a worker process; the node itself imports none of them."""

import importlib
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from node.agents.kinds.handler import Handler
from node.agents.specs import AgentSpec

__all__ = ["Handler", "open_kind"]

_MODULES: Final = {
    "FunctionAgent": "function",
    "CommandAgent": "command",
    "WasmAgent": "wasm",
    "HttpAgent": "http",
    "OpenAIAgent": "openai",
    "McpAgent": "mcp",
    "A2AAgent": "a2a",
}
"""Each is imported when an agent of its kind is: some of the libraries behind them are large."""


def open_kind(spec: AgentSpec) -> AbstractAsyncContextManager[Handler]:
    """Return the handler of an agent's tasks, to be entered for as long as the agent is up."""
    module: Any = importlib.import_module(f"node.agents.kinds.{_MODULES[type(spec).__name__]}")
    opened: AbstractAsyncContextManager[Handler] = module.open_agent(spec)
    return opened
