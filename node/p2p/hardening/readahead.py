"""A TCP connection that is read in chunks.

What stock does (``libp2p.io``): reads each Noise message in two system calls, one for its two bytes of length, each
through two locks of trio's; at 25 nodes a fifth of all work.
"""

from typing import Final

from libp2p.io.abc import ReadWriteCloser

__all__ = ["ReadAhead"]

CHUNK_BYTES: Final = 16 * 1024
"""The most that is held of a connection before anybody has asked for it."""


class ReadAhead(ReadWriteCloser):
    """Reads as much as is there, and gives out as much as is asked for."""

    def __init__(self, below: ReadWriteCloser) -> None:
        self.below = below
        self._held = b""
        self._at = 0

    async def read(self, n: int | None = None) -> bytes:
        """Return some bytes, at most ``n``; none at the end."""
        if self._at >= len(self._held):
            if n is None or n < 0 or n >= CHUNK_BYTES:
                return await self.below.read(n)
            self._held, self._at = await self.below.read(CHUNK_BYTES), 0
        start = self._at
        self._at = len(self._held) if n is None or n < 0 else min(start + n, len(self._held))
        return self._held[start : self._at]

    async def write(self, data: bytes) -> None:
        """Send bytes."""
        await self.below.write(data)

    async def close(self) -> None:
        """Close it."""
        await self.below.close()

    def get_remote_address(self) -> tuple[str, int] | None:
        """Return host and port of the peer."""
        return self.below.get_remote_address()
