"""Where the demo's chain runs, and how nothing of it stays behind.

It runs in this very process, with a temporary folder, and so ends with it, whatever ends it. With ``--keep`` it is a
process of its own, as ``ainur chain up`` starts one; if the story does not come to its end, that is stopped.
"""

import os
import secrets
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from node.chainhost import control, lock
from node.chainhost.backend import Ready, get_backend
from node.chainhost.config import ChainConfig, Record
from node.chainhost.errors import AlreadyRunningError, StartError
from node.chainhost.home import folder_of

__all__ = ["KEPT_NAME", "open_house"]

KEPT_NAME = "demo"
SALT_BYTES = 16


@asynccontextmanager
async def open_house(backend: str, *, keep: bool) -> AsyncIterator[Record]:
    """Run a chain for as long as the story takes.

    Args:
        backend: which kind of chain.
        keep: leave it running, unless the story fails.

    Raises:
        ChainHostError: it does not come up.
    """
    # Periods of days where the chain can jump over them, of seconds where it makes every block.
    preset = "development" if get_backend(backend).max_advance is None else "ci"
    if keep:
        folder = folder_of(KEPT_NAME, None)
        config = ChainConfig(KEPT_NAME, str(folder.path), port=0, backend=backend, preset=preset)
        async with _kept(config) as record:
            yield record
        return
    with tempfile.TemporaryDirectory(prefix="ainur-demo-") as path:
        config = ChainConfig(KEPT_NAME, path, port=0, backend=backend, preset=preset)
        async with _passing(config) as record:
            yield record


@asynccontextmanager
async def _passing(config: ChainConfig) -> AsyncIterator[Record]:
    backend = get_backend(config.backend)
    backend.check(config)
    said, heard = trio.open_memory_channel[Ready](1)
    # Of a folder that nobody else knows; a child of ours holds it as well, until it is gone.
    held = lock.try_lock(config.folder.lock)
    if held is None:
        raise StartError(f"{config.data_dir} is in use; try again")
    try:
        async with trio.open_nursery() as nursery:
            salt = secrets.token_bytes(SALT_BYTES)
            nursery.start_soon(backend.run, config, salt, held, said.send_nowait)
            ready = await heard.receive()
            yield Record(
                pid=os.getpid(),
                port=ready.port,
                genesis=ready.genesis,
                backend=config.backend,
                seal=config.seal,
                persist=False,
                name=config.name,
                data_dir=config.data_dir,
                runtime=ready.runtime,
                max_advance=backend.max_advance,
            )
            nursery.cancel_scope.cancel()
    finally:
        os.close(held)


@asynccontextmanager
async def _kept(config: ChainConfig) -> AsyncIterator[Record]:
    with trio.CancelScope(shield=True):  # so that we know what we have started
        try:
            record = await trio.to_thread.run_sync(control.start, config)
        except AlreadyRunningError as error:
            raise AlreadyRunningError(
                f"the chain {config.name!r} of an earlier demo still runs: stop it with"
                f" `ainur chain down --name {config.name}`"
            ) from error
    try:
        yield record
    except BaseException:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(control.stop, config.folder)
        raise
