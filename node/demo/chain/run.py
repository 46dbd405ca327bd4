"""The demo from end to end: a chain, the story on it, and the same state once more as the inspector reads it."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import attrs
import trio

from chain.client import open_chain
from chain.stored import MemoryStore
from node.chainhost.client import Client
from node.chainhost.config import Record
from node.cli.inspect import Inspector
from node.demo.chain.house import open_house
from node.demo.chain.stage import Stage
from node.demo.chain.story import tell_story
from node.demo.facts import Snapshot, Step, Told
from node.demo.interrupts import InterruptedDemoError, listen

__all__ = ["Result", "run_demo"]


@attrs.frozen
class Result:
    """What is left of the story."""

    record: Record
    steps: tuple[tuple[str, Step], ...]
    """Each with its chapter's title."""
    snapshots: tuple[Snapshot, ...]
    meaning: dict[str, Any]
    """Agents and escrows, as ``ainur chain inspect`` reads them."""


async def run_demo(
    backend: str,
    tell: Callable[[Told], None],
    finish: Callable[[Result], None],
    *,
    keep: bool,
) -> None:
    """Run a chain, tell the story, and leave nothing behind unless asked to.

    Args:
        tell: is given everything as it happens.
        finish: is given the whole while the chain still runs.
        keep: leave the chain running.

    Raises:
        InterruptedDemoError: by a signal.
    """
    heard: list[int] = []
    async with trio.open_nursery() as nursery:
        await nursery.start(listen, nursery.cancel_scope, heard)
        async with open_house(backend, keep=keep) as record:
            finish(await _tell(record, tell))
        nursery.cancel_scope.cancel()
    if heard:
        raise InterruptedDemoError(heard[0])


async def _tell(record: Record, tell: Callable[[Told], None]) -> Result:
    async with open_chain(record.url, MemoryStore()) as chain:
        stage = Stage(record, chain, tell)
        await tell_story(stage)
    meaning = await trio.to_thread.run_sync(_inspect, record.port)
    return Result(record, tuple(stage.steps), tuple(stage.snapshots), meaning)


def _inspect(port: int) -> dict[str, Any]:
    with closing(Client(port)) as client:
        report = Inspector(client).report(None, None, 0)
    meaning: dict[str, Any] = report["meaning"]
    return meaning
