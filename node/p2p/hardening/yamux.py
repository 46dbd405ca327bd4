"""A yamux connection whose peer can neither fill our memory nor stop our loop.

What stock does (``libp2p.stream_muxer.yamux``), measured:

- A peer that ignores its receive window is warned about and buffered all the same: 38 MB in a second.
- It may open any number of streams.
- Every ``read`` sends a window update, so reading a length byte by byte costs a Noise frame and a
  system call for each byte; every frame formats several debug lines, shown or not.
- A writer without window polls each 10 ms and fails after 5 s.
- A caller cancelled in the middle of a write leaves half a Noise frame behind, and the connection of
  everybody else on it is garbage from then on.

Here: windows are enforced, and given back when half is read; streams, pings and new streams a second
are bounded; writers wait for an event; a frame is written whole or the connection ends.

Source: hashicorp/yamux, spec.md; libp2p specification, "yamux".
"""

import logging
import struct
from collections.abc import Awaitable, Callable
from typing import Final

import trio
from libp2p.abc import IMuxedConn, ISecureConn
from libp2p.connection_types import ConnectionType
from libp2p.io.exceptions import IOException
from libp2p.io.utils import read_exactly
from libp2p.network.connection.exceptions import RawConnError
from libp2p.peer.id import ID
from libp2p.stream_muxer.exceptions import MuxedConnUnavailable, MuxedStreamError
from multiaddr import Multiaddr

from node.p2p.hardening.buckets import TokenBucket
from node.p2p.hardening.faults import faults
from node.p2p.hardening.yamux_stream import WINDOW_BYTES, BoundedStream

__all__ = ["PROTOCOL", "BoundedYamux"]

PROTOCOL: Final = "/yamux/1.0.0"
DATA, WINDOW_UPDATE, PING, GO_AWAY = range(4)
SYN, ACK, FIN, RST = 1, 2, 4, 8
HEADER: Final = struct.Struct("!BBHII")
MAX_FRAME_BYTES: Final = WINDOW_BYTES
STREAMS: Final = 256
"""Streams that the peer may have open at once; the host allows fewer to do anything."""
UNREAD_BYTES: Final = 4 * 1024 * 1024
"""Bytes of all streams together that wait for their readers."""
STREAMS_PER_SECOND, STREAM_BURST = 200.0, 1_000.0
FRAMES_PER_SECOND, FRAME_BURST = 10_000.0, 40_000.0
"""Beyond that we read slower, and the peer has to wait: no fault, and no core for one peer alone."""
PAUSE_SECONDS: Final = 0.02
PINGS_PER_SECOND, PING_BURST = 10.0, 100.0
WRITE_SECONDS: Final = 20.0
"""A peer that takes nothing for this long is gone."""
FAREWELL_SECONDS: Final = 1.0
BODY_SECONDS: Final = 10.0
"""Time for the rest of a frame whose header has come."""
BACKLOG: Final = 64

_LOG: Final = logging.getLogger("ainur.p2p")


class _ViolationError(Exception):
    """The peer broke the protocol; what it did is the text."""


class BoundedYamux(IMuxedConn):
    """One connection and the streams on it."""

    def __init__(self, conn: ISecureConn, peer_id: ID) -> None:
        self.secured_conn = conn
        self.peer_id = peer_id
        self.on_close: Callable[[], Awaitable[None]] | None = None
        """Set by the swarm."""
        self.event_started = trio.Event()
        self.event_closed = trio.Event()
        self.event_shutting_down = trio.Event()
        self.streams: dict[int, BoundedStream] = {}
        self.unread = 0
        self._next_id = 1 if conn.is_initiator else 2
        self._write_lock = trio.Lock()
        self._new, self._accept = trio.open_memory_channel[BoundedStream](BACKLOG)
        self._stream_rate = TokenBucket(STREAMS_PER_SECOND, STREAM_BURST)
        self._frame_rate = TokenBucket(FRAMES_PER_SECOND, FRAME_BURST)
        self._ping_rate = TokenBucket(PINGS_PER_SECOND, PING_BURST)
        self._pings: dict[int, trio.Event] = {}
        self._ping_id = 0

    @property
    def is_initiator(self) -> bool:
        """Whether we dialled."""
        return self.secured_conn.is_initiator

    @property
    def is_established(self) -> bool:
        """Whether streams can be opened."""
        return self.event_started.is_set() and not self.event_shutting_down.is_set()

    @property
    def is_closed(self) -> bool:
        """Whether it has ended."""
        return self.event_closed.is_set()

    def get_transport_addresses(self) -> list[Multiaddr]:
        """Return the addresses of the connection below."""
        return self.secured_conn.get_transport_addresses()

    def get_connection_type(self) -> ConnectionType:
        """Return whether the connection below is direct."""
        return self.secured_conn.get_connection_type()

    def get_remote_address(self) -> tuple[str, int] | None:
        """Return host and port of the peer."""
        return self.secured_conn.get_remote_address()

    async def start(self) -> None:
        """Read frames until the connection ends; whatever the peer sends, nothing leaves here."""
        self.event_started.set()
        fault: BaseException | None = None
        try:
            await self._read_frames()
        except _ViolationError as error:
            fault = error
        except trio.TooSlowError:
            fault = _ViolationError(f"no rest of a frame within {BODY_SECONDS:.0f} s")
        except (IOException, RawConnError, OSError, MuxedStreamError) as error:
            _LOG.debug("connection to %s ended: %r", self.peer_id, error)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            _LOG.debug("connection to %s closed: %r", self.peer_id, error)
        except Exception as error:  # noqa: BLE001  (a cipher or codec below met bytes it cannot take)
            fault = error
        if fault is not None:
            faults.report("yamux", self.peer_id, "protocol-violation", fault)
        with trio.CancelScope(shield=True):
            await self._end()

    async def _read_frames(self) -> None:
        while not self.event_shutting_down.is_set():
            while not self._frame_rate.take():  # noqa: ASYNC110  (tokens come with time alone)
                await trio.sleep(PAUSE_SECONDS)
            header = await read_exactly(self.secured_conn, HEADER.size)
            version, kind, flags, stream_id, length = HEADER.unpack(header)
            if version != 0:
                raise _ViolationError(f"version {version}")
            if kind == DATA:
                await self._on_data(flags, stream_id, length)
            elif kind == WINDOW_UPDATE:
                await self._on_window(flags, stream_id, length)
            elif kind == PING:
                await self._on_ping(flags, length)
            elif kind == GO_AWAY:
                return
            else:
                raise _ViolationError(f"frame of type {kind}")

    async def _on_data(self, flags: int, stream_id: int, length: int) -> None:
        if length > MAX_FRAME_BYTES:
            raise _ViolationError(f"a frame of {length} bytes")
        stream = await self._stream(flags, stream_id)
        if length:
            if stream is not None and length > stream.window:
                raise _ViolationError(f"{length} bytes where the window is {stream.window}")
            if stream is not None and self.unread + length > UNREAD_BYTES:
                raise _ViolationError(f"more than {UNREAD_BYTES} bytes unread")
            with trio.fail_after(BODY_SECONDS):
                body = await read_exactly(self.secured_conn, length)
            if stream is None:
                await self.write_frame(WINDOW_UPDATE, RST, stream_id, 0)
            else:
                stream.on_data(body)
        if stream is not None:
            self._on_end_flags(flags, stream)

    async def _on_window(self, flags: int, stream_id: int, length: int) -> None:
        stream = await self._stream(flags, stream_id)
        if stream is None:
            return
        if length and not stream.on_window(length):
            raise _ViolationError("a window beyond 32 bits")
        self._on_end_flags(flags, stream)

    async def ping(self) -> float:
        """Return the seconds to the peer and back; the caller bounds the wait.

        Raises:
            MuxedStreamError: the connection has ended.
        """
        self._ping_id = (self._ping_id + 1) % 2**32
        number, pong = self._ping_id, trio.Event()
        self._pings[number] = pong
        began = trio.current_time()
        try:
            await self.write_frame(PING, SYN, 0, number)
            await pong.wait()
        finally:
            self._pings.pop(number, None)
        if self.event_shutting_down.is_set():
            raise MuxedStreamError("the connection has ended")
        return trio.current_time() - began

    async def _on_ping(self, flags: int, value: int) -> None:
        if not flags & SYN:
            if (pong := self._pings.get(value)) is not None:
                pong.set()
            return
        if not self._ping_rate.take():
            raise _ViolationError("a flood of pings")
        await self.write_frame(PING, ACK, 0, value)

    def _on_end_flags(self, flags: int, stream: BoundedStream) -> None:
        if flags & FIN:
            stream.on_fin()
        if flags & RST:
            stream.on_reset()

    async def _stream(self, flags: int, stream_id: int) -> BoundedStream | None:
        """Return the stream a frame belongs to, opening it where the frame asks for that."""
        if not flags & SYN:
            return self.streams.get(stream_id)
        if stream_id == 0 or stream_id in self.streams:
            raise _ViolationError(f"opens stream {stream_id} again")
        if (stream_id % 2 == 1) == self.is_initiator:
            raise _ViolationError(f"opens stream {stream_id}, which is ours to open")
        if not self._stream_rate.take():
            raise _ViolationError("a flood of new streams")
        if sum(s.is_remote for s in self.streams.values()) >= STREAMS:
            faults.report("yamux", self.peer_id, "too-many-streams", f"more than {STREAMS}")
            await self.write_frame(WINDOW_UPDATE, RST, stream_id, 0)
            return None
        stream = BoundedStream(stream_id, self, is_remote=True)
        self.streams[stream_id] = stream
        await self.write_frame(WINDOW_UPDATE, ACK, stream_id, 0)
        try:
            await self._new.send(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            stream.on_reset()
        return stream

    async def open_stream(self) -> BoundedStream:
        """Open a stream.

        Raises:
            MuxedStreamError: the connection is ending.
        """
        if self.event_shutting_down.is_set():
            raise MuxedStreamError("the connection is ending")
        stream = BoundedStream(self._next_id, self, is_remote=False)
        self._next_id += 2
        self.streams[stream.stream_id] = stream
        await self.write_frame(WINDOW_UPDATE, SYN, stream.stream_id, 0)
        return stream

    async def accept_stream(self) -> BoundedStream:
        """Wait for a stream of the peer's.

        Raises:
            MuxedConnUnavailable: the connection has ended.
        """
        try:
            return await self._accept.receive()
        except (trio.EndOfChannel, trio.ClosedResourceError) as error:
            raise MuxedConnUnavailable("the connection has ended") from error

    async def write_frame(
        self,
        kind: int,
        flags: int,
        stream_id: int,
        length: int,
        body: bytes = b"",
        *,
        seconds: float = WRITE_SECONDS,
    ) -> None:
        """Write one frame, whole, also when the caller is cancelled meanwhile.

        Raises:
            MuxedStreamError: the connection has ended, or the peer takes nothing.
        """
        frame = HEADER.pack(0, kind, flags, stream_id, length) + body
        with trio.CancelScope(shield=True, deadline=trio.current_time() + seconds) as scope:
            try:
                async with self._write_lock:
                    if self.event_shutting_down.is_set() and kind != GO_AWAY:
                        raise MuxedStreamError("the connection has ended")
                    await self.secured_conn.write(frame)
            except (IOException, RawConnError, OSError) as error:
                _LOG.debug("writing to %s: %r", self.peer_id, error)
                self.event_shutting_down.set()
                raise MuxedStreamError("the connection has ended") from error
        if scope.cancelled_caught:
            faults.report("yamux", self.peer_id, "takes-nothing", f"for {seconds:.0f} s")
            self.event_shutting_down.set()
            with trio.CancelScope(shield=True):
                await self._close_below()
            raise MuxedStreamError("the peer takes nothing")
        await trio.lowlevel.checkpoint_if_cancelled()

    async def close(self) -> None:
        """End the connection, telling the peer when it listens."""
        if not self.event_shutting_down.is_set():
            try:
                await self.write_frame(GO_AWAY, 0, 0, 0, seconds=FAREWELL_SECONDS)
            except MuxedStreamError as error:
                _LOG.debug("no farewell to %s: %s", self.peer_id, error)
        with trio.CancelScope(shield=True):
            await self._end()

    async def _end(self) -> None:
        self.event_shutting_down.set()
        self._new.close()
        for stream in list(self.streams.values()):
            stream.on_reset()
        self.streams.clear()
        for pong in self._pings.values():
            pong.set()
        await self._close_below()
        first = not self.event_closed.is_set()
        self.event_closed.set()
        if first and self.on_close is not None:
            await self.on_close()

    async def _close_below(self) -> None:
        try:
            with trio.move_on_after(1.0):
                await self.secured_conn.close()
        except (IOException, RawConnError, OSError, trio.BrokenResourceError) as error:
            _LOG.debug("closing the connection to %s: %s", self.peer_id, error)
