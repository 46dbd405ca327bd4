"""Agents in files of their own, and the ways to run them in a test."""

import contextlib
import os
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import trio

from node.agents.specs import AgentSpec
from node.executor.limits import Grants, Limits
from node.executor.loading import load_agents
from node.executor.running import RunningAgent, open_executor
from node.executor.sandbox import find_bubblewrap

HEAD = "from ainur import InputError, Task, WorkError, agent\n"
needs_sandbox = pytest.mark.skipif(
    find_bubblewrap().program is None and os.environ.get("CI") != "true",
    reason=find_bubblewrap().trouble,
)
"""For tests of what bubblewrap holds; under CI they are never skipped."""
SMALL = Limits(
    memory_bytes=128 * 2**20,
    processes=24,
    scratch_bytes=8 * 2**20,
    output_bytes=2**20,
    log_bytes=64 * 1024,
    progress_reports=100,
)
"""Limits that a test meets soon."""


def write_agent(folder: Path, body: str, *, head: str = "") -> Path:
    """Write a file whose agent ``test.it`` has this body."""
    lines = textwrap.indent(textwrap.dedent(body), "    ")
    decorator = '@agent(capability="test.it", price="1 planck")\n'
    file = folder / "it.py"
    file.write_text(f"{HEAD}{head}\n{decorator}async def it(task):\n{lines}\n")
    return file


@asynccontextmanager
async def agent_of(
    folder: Path, body: str, *, head: str = "", limits: Limits = SMALL, grants: Grants | None = None
) -> AsyncIterator[RunningAgent]:  # fmt: skip
    """Run an agent with this body."""
    file = write_agent(folder, body, head=head)
    grants = grants or Grants()
    (spec,) = await load_agents(file, limits, grants)
    async with open_executor(spec, limits, grants) as running:
        yield running


@asynccontextmanager
async def running_agent(
    spec: AgentSpec, *, limits: Limits | None = None, **grants: Any
) -> AsyncIterator[RunningAgent]:
    """Run an agent that a test has made."""
    async with open_executor(spec, limits or Limits(), Grants(**grants)) as running:
        yield running


async def perform(running: RunningAgent, given: Any = None, seconds: float = 20.0) -> Any:
    """Do a task within so many seconds."""
    return await running.perform({} if given is None else given, trio.current_time() + seconds)


def below(pid: int | None = None) -> list[psutil.Process]:
    """Return the processes below one (this one), zombies left out."""
    found = psutil.Process(pid).children(recursive=True)
    alive = []
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):  # it ends while we look
            if process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process)
    return alive
