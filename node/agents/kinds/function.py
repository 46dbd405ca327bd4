"""A Python function: loaded from its file, or from an installed package."""

import asyncio
import importlib
import importlib.util
import inspect
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import msgspec

from node.agents.declaration import Agent, Task
from node.agents.errors import DeclarationError, InputError
from node.agents.kinds.handler import Handler
from node.agents.specs import AgentSpec, FunctionAgent

__all__ = ["agents_of", "load_file", "open_agent"]


def load_file(path: str) -> ModuleType:
    """Run an agent's file and return its module; whatever the file raises goes through."""
    spec = importlib.util.spec_from_file_location(f"agent_{Path(path).stem}", path)
    if spec is None or spec.loader is None:
        raise DeclarationError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(Path(path).parent))
    spec.loader.exec_module(module)
    return module


def agents_of(module: ModuleType, *, file: str | None) -> tuple[AgentSpec, ...]:
    """Return the agents that a module declares, in their order.

    Args:
        file: where it was loaded from; None for a module of an installed package.
    """
    found: list[AgentSpec] = []
    for name, value in vars(module).items():
        if isinstance(value, Agent):
            spec = FunctionAgent(
                offer=value.offer,
                name=name,
                file=file,
                module=None if file is not None else module.__name__,
                network=value.network,
            )
            found.append(spec)
        elif isinstance(value, get_args(AgentSpec)):
            found.append(value)
    return tuple(found)


@asynccontextmanager
async def open_agent(spec: FunctionAgent) -> AsyncIterator[Handler]:
    """Load a function and hand its tasks to it."""
    if spec.file is not None:
        module = load_file(spec.file)
    else:
        module = importlib.import_module(spec.module or "")
    agent = getattr(module, spec.name, None)
    if not isinstance(agent, Agent):
        raise DeclarationError(f"{spec.file or spec.module} declares no agent {spec.name!r}")
    if agent.setup is not None:
        agent.setup()
    is_async = inspect.iscoroutinefunction(agent.function)

    async def perform(task: Task[Any]) -> Any:
        if agent.input_type is not Any:
            try:
                task.input = msgspec.convert(task.input, agent.input_type)
            except msgspec.ValidationError as error:
                raise InputError(str(error)) from error
        if is_async:
            result = await agent.function(task)
        else:
            result = await asyncio.to_thread(agent.function, task)
        return msgspec.to_builtins(result)

    yield Handler(agent.offer, perform, stops_when_cancelled=is_async)
