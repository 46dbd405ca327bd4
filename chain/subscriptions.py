"""What happens on the finalised chain, block by block: nothing missed, nothing told twice.

Theory of operation. A subscription says that there is something new, and no more is believed of it: which blocks
are told follows from their heights alone. The next height to tell is kept; from there to the finalised head every
block is read, in order, and told once. So a notice that was lost, doubled or late changes nothing, and neither
does a connection that was cut: the gap is filled by the same reading. The subscription has a connection and a
thread of its own, since it blocks for as long as nothing happens.

A caller that stores the height of each block together with what it did for it, and begins with the one after it
when it is started again, is told everything once across its own restarts, too.
"""

import functools
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, Self

import attrs
import trio

from chain.connection import Connection, Patience
from chain.errors import HistoryError, NodeError, UnavailableError
from chain.session import BlockEvent, BlockRef, Session
from market.units import BlockNumber

__all__ = ["FinalBlock", "follow_finalized"]

log = logging.getLogger(__name__)
BATCH: Final = 256
"""Heights asked for at a time; a jump may have left most of them without a block."""


@attrs.frozen
class FinalBlock:
    """A block that is final, and what it reported."""

    block: BlockRef
    events: tuple[BlockEvent, ...]


@asynccontextmanager
async def follow_finalized(
    url: str,
    start: BlockNumber,
    *,
    patience: Patience | None = None,
    quiet: float = 5.0,
    last: BlockRef | None = None,
) -> AsyncIterator[AsyncIterator[FinalBlock]]:
    """Follow the finalised chain from a height on.

    ::

        async with follow_finalized(url, BlockNumber(1)) as blocks:
            async for final in blocks:
                ...

    Args:
        start: the first height to tell; a height that a jump left without a block is passed over.
        quiet: seconds after which the chain is looked at even if no notice came.
        last: the block told last, before a restart of ours: it must still be there.

    Raises:
        HistoryError: while iterating: the chain is another one, or a block that was told is not on it.
        UnavailableError: while iterating: no connection in ``patience.read`` seconds.
    """
    waits = patience or Patience()
    async with Connection(url, patience=waits) as reading:
        news = _News()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_listen, url, waits, news)
                yield _Following(reading, start, last, news, quiet)
                nursery.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            # The nursery is ours, so what the caller's loop raised should not come back wrapped in it.
            if len(group.exceptions) > 1:
                raise
            raise group.exceptions[0] from None


class _News:
    """A bell: whoever waits is woken by the next ring, and by one that came before."""

    def __init__(self) -> None:
        self._event = trio.Event()

    def ring(self) -> None:
        self._event.set()

    async def wait(self, seconds: float) -> None:
        with trio.move_on_after(seconds):
            await self._event.wait()
        self._event = trio.Event()


class _Following:
    """Iterates over final blocks. No generator: leaving its loop leaves nothing to be closed."""

    def __init__(
        self,
        reading: Connection,
        start: BlockNumber,
        last: BlockRef | None,
        news: _News,
        quiet: float,
    ) -> None:
        self._reading, self._news, self._quiet = reading, news, quiet
        self._next, self._told = start, last
        self._found: deque[BlockRef] = deque()
        self._session = -1
        """The connection on which the last block told was seen on the chain."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> FinalBlock:
        while not self._found:
            final = await self._reading.read(Session.finalized)
            await self._ensure_same_chain(final)
            if self._next <= final.number:
                await self._look(final)
            else:
                await self._news.wait(self._quiet)
        block = self._found[0]
        events = await _events(self._reading, block)
        # Only now is it told: what is cancelled above comes again.
        self._told = self._found.popleft()
        return FinalBlock(block, events)

    async def _look(self, final: BlockRef) -> None:
        """Find the blocks of the next heights; a jump leaves heights without one."""
        stop = min(final.number + 1, self._next + BATCH)
        heights = [BlockNumber(number) for number in range(self._next, stop)]
        hashes = await self._reading.read(functools.partial(Session.block_hashes, numbers=heights))
        pairs = zip(heights, hashes, strict=True)
        self._found.extend(BlockRef(number, hash_) for number, hash_ in pairs if hash_ is not None)
        self._next = BlockNumber(stop)

    async def _ensure_same_chain(self, final: BlockRef) -> None:
        """Refuse to go on where the last block told is gone; asked anew on every connection."""
        told = self._told
        if told is None or (
            self._session == self._reading.sessions and final.number >= told.number
        ):
            return
        [hash_] = await self._reading.read(lambda session: session.block_hashes([told.number]))
        if hash_ != told.hash or final.number < told.number:
            raise HistoryError(
                f"block {told.number} {told.hash} was final and is not on the chain any more: it was"
                " restored or replaced; begin anew"
            )
        self._session = self._reading.sessions


async def _events(reading: Connection, block: BlockRef) -> tuple[BlockEvent, ...]:
    try:
        return tuple(await reading.read(lambda session: session.events(block.hash)))
    except NodeError as error:
        raise HistoryError(
            f"the node has forgotten block {block.number}: follow one that keeps history"
        ) from error


async def _listen(url: str, patience: Patience, news: _News) -> None:
    """Ring whenever a block becomes final; after a cut, ring and subscribe again."""
    pause = patience.pause
    # A subscription has no end, so its call has no deadline; its socket's patience bounds a silence.
    endless = attrs.evolve(patience, call=float("inf"))
    async with Connection(url, patience=endless) as connection:
        while True:

            def heard(_message: Any, _number: int, _subscription: str) -> None:
                nonlocal pause
                pause = patience.pause
                trio.from_thread.run_sync(news.ring)

            try:
                await connection.call(lambda session: session.subscribe_finalized(heard))
            except UnavailableError as error:
                log.debug("the subscription ended: %s", error)
            news.ring()
            await trio.sleep(pause)
            pause = min(2 * pause, patience.max_pause)
