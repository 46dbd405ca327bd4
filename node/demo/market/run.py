"""The demo of the market from end to end."""

from collections.abc import Callable

import attrs
import trio

from chain.client import open_chain
from chain.stored import MemoryStore
from node.demo.interrupts import InterruptedDemoError, listen
from node.demo.market.house import open_house
from node.demo.market.stage import Stage
from node.demo.market.story import opening, tell_story
from node.demo.market.told import Ledger, Told
from node.demo.market.trail import Trail
from node.testnet.config import TestnetView
from node.testnet.handle import Testnet

__all__ = ["NODES", "Result", "run_demo"]

NODES = 5


@attrs.frozen
class Result:
    """What is left of the story."""

    view: TestnetView
    told: tuple[Told, ...]
    before: Ledger
    after: Ledger


async def run_demo(
    tell: Callable[[Told], None],
    finish: Callable[[Result], None],
    *,
    keep: bool,
    windows: tuple[int, int, int] | None = None,
) -> None:
    """Run a testnet, tell the story, and leave nothing behind unless asked to.

    Args:
        tell: is given everything as it happens.
        finish: is given the whole while the testnet still runs.
        keep: leave it running.
        windows: of its auctions, blocks; as usual if None.

    Raises:
        InterruptedDemoError: by a signal.
        TestnetError: it does not come up.
        DemoError: the story did not come to its end.
    """
    heard: list[int] = []
    async with trio.open_nursery() as nursery:
        await nursery.start(listen, nursery.cancel_scope, heard)
        tell(opening())  # it takes a while to come up
        async with open_house(NODES, windows, keep=keep) as testnet:
            finish(await _tell(testnet, tell))
        nursery.cancel_scope.cancel()
    if heard:
        raise InterruptedDemoError(heard[0])


async def _tell(testnet: Testnet, tell: Callable[[Told], None]) -> Result:
    view = await trio.to_thread.run_sync(lambda: testnet.view)
    async with open_chain(view.chain.url, MemoryStore()) as chain, trio.open_nursery() as nursery:
        trail = Trail(chain)
        await nursery.start(trail.run)
        stage = Stage(testnet, view, chain, trail, tell, told=[opening()])
        before, after = await tell_story(stage)
        nursery.cancel_scope.cancel()
    return Result(view, tuple(stage.told), before, after)
