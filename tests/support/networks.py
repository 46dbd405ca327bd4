"""Networks for tests: in this process, on loopback, with the patience that a busy machine needs."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import trio

from node.p2p.config import Limits, NetworkConfig
from node.p2p.network import Network, open_network

__all__ = ["eventually", "networks", "seed_of"]

PATIENCE = 60.0
"""Seconds after which something that should happen has not; no test measures speed."""


def seed_of(name: object) -> bytes:
    """Return the seed of a test's identity, the same each time."""
    return hashlib.sha256(f"test {name}".encode()).digest()


async def eventually(
    what: Callable[[], bool | Awaitable[bool]], *, seconds: float = PATIENCE, every: float = 0.05
) -> None:
    """Wait until something holds.

    Raises:
        AssertionError: it does not.
    """
    with trio.move_on_after(seconds):
        while True:
            found = what()
            if found if isinstance(found, bool) else await found:
                return
            await trio.sleep(every)
    raise AssertionError(f"not within {seconds:g} s: {what}")


@asynccontextmanager
async def networks(
    count: int, config: NetworkConfig | None = None, *, star: bool = True
) -> AsyncIterator[list[Network]]:
    """Open networks, each connected to the first one unless told otherwise."""
    config = config if config is not None else NetworkConfig(limits=Limits())
    async with AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(open_network(config, seed_of(i))) for i in range(count)
        ]
        if star:
            for other in opened[1:]:
                await other.connect(opened[0].multiaddrs[0])
        yield opened
