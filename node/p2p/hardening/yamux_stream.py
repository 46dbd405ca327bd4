"""One stream of a yamux connection; see :mod:`node.p2p.hardening.yamux` for what stock does."""

from typing import TYPE_CHECKING, Final, Self

import trio
from libp2p.abc import IMuxedStream
from libp2p.stream_muxer.exceptions import MuxedStreamEOF, MuxedStreamError, MuxedStreamReset

if TYPE_CHECKING:
    from node.p2p.hardening.yamux import BoundedYamux

__all__ = ["WINDOW_BYTES", "BoundedStream"]

WINDOW_BYTES: Final = 256 * 1024
"""Bytes that a side may send before the other gives some back; fixed by the specification."""
FRAME_BYTES: Final = 64 * 1024 - 64
"""Body of the frames that we send: with header and cipher one Noise frame."""
STALLED_SECONDS: Final = 30.0
"""A peer that gives no window back for this long does not read."""
MAX_WINDOW: Final = 2**32 - 1

_DATA, _WINDOW_UPDATE = 0, 1
_FIN, _RST = 4, 8


class BoundedStream(IMuxedStream):
    """A stream that holds at most one window of unread bytes."""

    def __init__(self, stream_id: int, conn: "BoundedYamux", *, is_remote: bool) -> None:
        self.stream_id = stream_id
        self.muxed_conn = conn
        self.conn = conn
        self.is_remote = is_remote
        """Whether the peer opened it."""
        self.window = WINDOW_BYTES
        """Bytes the peer may still send."""
        self._send_window = WINDOW_BYTES
        self._buffer = bytearray()
        self._consumed = 0
        self._changed = trio.Event()
        self._ended_in = False
        self._ended_out = False
        self._reset = False

    async def __aenter__(self) -> Self:
        """Enter."""
        return self

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    def on_data(self, body: bytes) -> None:
        """Take bytes; the connection has checked that they fit the window."""
        self.window -= len(body)
        if self._ended_in or self._reset:
            return  # late, after our reset: dropped
        self._buffer += body
        self.conn.unread += len(body)
        self._wake()

    def on_window(self, more: int) -> bool:
        """Take permission to send; return whether it makes sense."""
        self._send_window += more
        self._wake()
        return self._send_window <= MAX_WINDOW

    def on_fin(self) -> None:
        """Take the end of what the peer sends."""
        self._ended_in = True
        self._forget_when_done()
        self._wake()

    def on_reset(self) -> None:
        """Take the end of everything."""
        self._reset = True
        self.conn.unread -= len(self._buffer)
        self._buffer.clear()
        self.conn.streams.pop(self.stream_id, None)
        self._wake()

    def _forget_when_done(self) -> None:
        if self._ended_in and self._ended_out:
            self.conn.streams.pop(self.stream_id, None)

    async def read(self, n: int | None = None) -> bytes:
        """Return what is there, at least one byte and at most ``n``.

        Raises:
            MuxedStreamReset: the stream was broken off.
            MuxedStreamEOF: the peer has sent all it had.
        """
        limit = WINDOW_BYTES if n is None or n < 0 else n
        while not self._buffer:
            if self._reset:
                raise MuxedStreamReset("the stream was reset")
            if self._ended_in:
                raise MuxedStreamEOF("the stream has ended")
            await self._changed.wait()
        data = bytes(self._buffer[:limit])
        del self._buffer[:limit]
        self.conn.unread -= len(data)
        self._consumed += len(data)
        if self._consumed >= WINDOW_BYTES // 2 and not self._ended_in:
            more, self._consumed = self._consumed, 0
            self.window += more
            await self.conn.write_frame(_WINDOW_UPDATE, 0, self.stream_id, more)
        return data

    async def write(self, data: bytes) -> None:
        """Send bytes, waiting while the peer does not read.

        Raises:
            MuxedStreamError: the stream is closed, or the peer has stopped reading.
        """
        rest = memoryview(data)
        while rest:
            if self._reset:
                raise MuxedStreamReset("the stream was reset")
            if self._ended_out:
                raise MuxedStreamError("the stream is closed for sending")
            if self._send_window <= 0:
                await self._wait_for_window()
                continue
            size = min(self._send_window, FRAME_BYTES, len(rest))
            self._send_window -= size
            await self.conn.write_frame(_DATA, 0, self.stream_id, size, bytes(rest[:size]))
            rest = rest[size:]

    async def _wait_for_window(self) -> None:
        with trio.move_on_after(STALLED_SECONDS) as scope:
            await self._changed.wait()
        if scope.cancelled_caught:
            await self.reset()
            raise MuxedStreamError(f"the peer has read nothing for {STALLED_SECONDS:.0f} s")

    async def close_write(self) -> None:
        """Say that we send no more; what the peer still sends can be read."""
        if self._reset or self._ended_out:
            return
        self._ended_out = True
        self._forget_when_done()
        try:
            await self.conn.write_frame(_WINDOW_UPDATE, _FIN, self.stream_id, 0)
        except MuxedStreamError:
            self.on_reset()

    async def close(self) -> None:
        """Say that we send no more, and take no more: a peer that never ends its side holds nothing."""
        await self.close_write()
        if not self._reset:
            self.on_reset()

    async def reset(self) -> None:
        """Break it off, both ways."""
        if self._reset:
            return
        done = self._ended_in and self._ended_out  # the peer has forgotten it
        self.on_reset()
        if done:
            return
        try:
            await self.conn.write_frame(_WINDOW_UPDATE, _RST, self.stream_id, 0)
        except MuxedStreamError:
            return  # the connection has ended, and the stream with it

    def set_deadline(self, ttl: int) -> None:
        """Yamux has no deadlines.

        Raises:
            NotImplementedError: always; callers bound their waits with trio.
        """
        raise NotImplementedError("bound the wait with trio.fail_after")

    def get_remote_address(self) -> tuple[str, int] | None:
        """Return host and port of the peer."""
        return self.conn.get_remote_address()
