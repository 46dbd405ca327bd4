"""Where the demo's market runs, and how nothing of it stays behind.

It lies in a temporary folder, and ends with this process, whatever ends that; with ``--keep`` it lies where ``ainur testnet
up`` would put it, and goes on, unless the story does not come to its end.
"""

import functools
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import trio

from node.testnet import control
from node.testnet.errors import AlreadyRunningError, NotRunningError, StartError
from node.testnet.handle import Testnet
from node.testnet.home import Folder, folder_of

__all__ = ["KEPT_NAME", "open_house"]

KEPT_NAME: Final = "demo"
LOOK_SECONDS: Final = 0.05
_STILL_RUNS: Final = f"the testnet of an earlier demo still runs: stop it with `ainur testnet down --name {KEPT_NAME}`"


@asynccontextmanager
async def open_house(
    nodes: int, windows: tuple[int, int, int] | None, *, keep: bool
) -> AsyncIterator[Testnet]:
    """Run a testnet for as long as the story takes.

    Args:
        nodes: how many; the first one buys.
        windows: of its auctions, blocks; the testnet's own if None.
        keep: leave it running, unless the story fails.

    Raises:
        TestnetError: it does not come up.
    """
    wanted = control.Wanted(nodes=nodes, windows=windows, owner=None if keep else os.getpid())
    if keep:
        folder = folder_of(KEPT_NAME)
        if folder.is_running():
            raise AlreadyRunningError(_STILL_RUNS)
        await trio.to_thread.run_sync(control.reset, folder)
        async with _running(folder, wanted, keep=True) as testnet:
            yield testnet
        return
    with tempfile.TemporaryDirectory(prefix="ainur-demo-") as path:
        async with _running(folder_of(KEPT_NAME, Path(path)), wanted, keep=False) as testnet:
            yield testnet


@asynccontextmanager
async def _running(folder: Folder, wanted: control.Wanted, *, keep: bool) -> AsyncIterator[Testnet]:
    is_ours, is_told = True, False
    try:
        await _up(folder, wanted)
        yield Testnet(folder)
        is_told = True
    except AlreadyRunningError:
        is_ours = False  # somebody else was faster
        raise
    finally:
        if is_ours and not (keep and is_told):
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(_down, folder)


async def _up(folder: Folder, wanted: control.Wanted) -> None:
    """Start it; when that is cancelled, whatever of it runs by then is ended."""
    is_over = trio.Event()

    async def end_when_cancelled() -> None:
        try:
            await is_over.wait()
        finally:
            with trio.CancelScope(shield=True):
                while not is_over.is_set():
                    await trio.to_thread.run_sync(_down, folder)
                    await trio.sleep(
                        LOOK_SECONDS
                    )  # what starts it in the thread may be on its way still

    fault: StartError | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(end_when_cancelled)
        try:
            with trio.CancelScope(shield=True):  # so that we know what we have started
                start = functools.partial(control.up, folder, wanted)
                await trio.to_thread.run_sync(start)
        except StartError as error:
            fault = error
        finally:
            is_over.set()
    if fault is not None:
        raise fault


def _down(folder: Folder) -> None:
    try:
        control.down(folder)
    except NotRunningError:
        return
