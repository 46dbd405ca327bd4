"""Length-prefixed frames on a stream, as all libp2p protocols have them.

Own code because the library reads the length byte by byte through three locks, and gives up on a
frame that arrives in more than a hundred pieces.
"""

from collections.abc import Callable
from typing import Final, Protocol

from libp2p.network.stream.exceptions import StreamEOF

__all__ = ["FrameError", "FrameReader", "frame"]

CHUNK_BYTES: Final = 64 * 1024
MAX_PREFIX: Final = 5
"""Bytes of a length: 35 bits are more than any of our frames."""


class FrameError(Exception):
    """The peer's bytes are not a frame, or too long a one, or end within one."""


class Readable(Protocol):
    """What frames are read from."""

    async def read(self, n: int | None = None) -> bytes:
        """Return some bytes, at most ``n``; none at the end."""
        ...


def frame(body: bytes) -> bytes:
    """Return a body with its length before it.

    Source: multiformats, "unsigned-varint".
    """
    size, prefix = len(body), bytearray()
    while size >= 0x80:
        prefix.append(size & 0x7F | 0x80)
        size >>= 7
    prefix.append(size)
    return bytes(prefix) + body


class FrameReader:
    """Reads frames from one stream."""

    def __init__(
        self, stream: Readable, limit: int, take: Callable[[int], bool] | None = None
    ) -> None:
        """Read frames.

        Args:
            stream: whence.
            limit: bytes of the longest body that is taken.
            take: asked before a body is read, whether so many bytes may be held.
        """
        self._stream = stream
        self._limit = limit
        self._take = take
        self._buffer = bytearray()

    async def _more(self) -> bool:
        """Wait for more bytes; return whether there are any."""
        try:
            chunk = await self._stream.read(CHUNK_BYTES)
        except StreamEOF:
            return False
        self._buffer += chunk
        return bool(chunk)

    async def read(self) -> bytes | None:
        """Return the next frame's body; None where the peer has ended between frames.

        Raises:
            FrameError: too long, malformed, or cut off.
            StreamError: the stream broke.
        """
        size = shift = at = 0
        while True:
            while len(self._buffer) <= at:
                if not await self._more():
                    if self._buffer:
                        raise FrameError("ends within a frame's length")
                    return None
            byte = self._buffer[at]
            size |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if not byte & 0x80:
                break
            if at >= MAX_PREFIX:
                raise FrameError("a length of more than 35 bits")
        if size > self._limit:
            raise FrameError(f"a frame of {size} bytes where {self._limit} are allowed")
        if self._take is not None and not self._take(size):
            raise FrameError(f"{size} bytes more than may be held at a time")
        while len(self._buffer) < at + size:
            if not await self._more():
                raise FrameError(f"ends after {len(self._buffer) - at} of {size} bytes")
        body = bytes(self._buffer[at : at + size])
        del self._buffer[: at + size]
        return body
