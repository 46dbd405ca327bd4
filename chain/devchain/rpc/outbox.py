"""What waits to be sent on one connection.

Answers hold back the reader of requests: while much waits, nothing more is read, so their number is bounded by
what the client may have under way. Notifications come whether the client reads or not: where they pile up past
the limits, the connection is dropped. Nothing is buffered without bound.
"""

from collections import deque
from collections.abc import Awaitable, Callable

import trio

from chain.devchain.rpc.limits import Limits

__all__ = ["Outbox"]


class Outbox:
    """A bounded queue with one writer.

    Args:
        limits: the bounds.
        drop: called once when the reader is too slow; must not block.
    """

    def __init__(self, limits: Limits, drop: Callable[[], None]) -> None:
        self._limits = limits
        self._drop = drop
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._filled = trio.Event()
        self._drained = trio.Event()

    def put(self, message: bytes) -> None:
        """Queue an answer."""
        self._waiting.append(message)
        self._bytes += len(message)
        self._filled.set()

    def put_notification(self, message: bytes) -> None:
        """Queue a notification, or drop the connection."""
        limits = self._limits
        if self._bytes > limits.outbox_bytes or len(self._waiting) >= limits.outbox_messages:
            self._drop()
        else:
            self.put(message)

    async def room(self) -> None:
        """Wait until little enough waits for another request to be read."""
        while self._bytes > self._limits.high_water_bytes:
            self._drained = trio.Event()
            await self._drained.wait()

    async def run(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        """Send for ever.

        Raises:
            trio.TooSlowError: the reader took nothing for too long.
        """
        while True:
            while self._waiting:
                message = self._waiting.popleft()
                with trio.fail_after(self._limits.write_seconds):
                    await send(message)
                self._bytes -= len(message)
                if self._bytes <= self._limits.high_water_bytes:
                    self._drained.set()
            self._filled = trio.Event()
            await self._filled.wait()
