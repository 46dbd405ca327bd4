"""The first bytes of a connection: a WebSocket's handshake, or JSON-RPC by HTTP POST.

A connection's first request head is read here, within limits, and checked before anything else happens. A
WebSocket is then handed on with the bytes that were read; everything else stays with h11.
"""

import attrs
import h11
import trio

__all__ = ["Head", "HttpConnection", "Rewound"]

MAX_HEAD = 16 * 1024
CHUNK = 64 * 1024


@attrs.frozen
class Head:
    """What a request's head says."""

    method: str
    target: str
    host: str | None
    origin: str | None
    content_type: str
    is_websocket: bool

    @classmethod
    def of(cls, request: h11.Request) -> "Head":
        """Read h11's headers."""
        headers = {bytes(k).lower(): bytes(v).decode("latin-1") for k, v in request.headers}
        return cls(
            method=request.method.decode("latin-1"),
            target=request.target.decode("latin-1"),
            host=headers.get(b"host"),
            origin=headers.get(b"origin"),
            content_type=headers.get(b"content-type", "").split(";")[0].strip().lower(),
            is_websocket=headers.get(b"upgrade", "").lower() == "websocket",
        )


class Rewound(trio.abc.Stream):
    """A stream whose first bytes are given again."""

    def __init__(self, first: bytes, stream: trio.abc.Stream) -> None:
        self._first = first
        self._stream = stream

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return bytes, those that were read before first."""
        if self._first:
            size = len(self._first) if max_bytes is None else max_bytes
            data, self._first = self._first[:size], self._first[size:]
            await trio.lowlevel.checkpoint()
            return data
        return bytes(await self._stream.receive_some(max_bytes))

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes."""
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait for room."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()


class HttpConnection:
    """Requests and responses on one connection."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.seen = b""
        """What was read for the first head."""
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)

    async def next_head(self, *, first: bool = False) -> Head | None:
        """Return the next request's head, or None when the client is done.

        Raises:
            h11.RemoteProtocolError: it is no HTTP.
        """
        while True:
            event = self._h11.next_event()
            if event is h11.NEED_DATA:
                data = bytes(await self.stream.receive_some(CHUNK))
                if first:
                    self.seen += data
                self._h11.receive_data(data)
            elif isinstance(event, h11.Request):
                return Head.of(event)
            else:
                return None

    async def body(self, limit: int) -> bytes | None:
        """Return the request's body, or None when it is longer than the limit."""
        if self._h11.they_are_waiting_for_100_continue:
            go_on = h11.InformationalResponse(status_code=100, headers=[])
            await self.stream.send_all(self._h11.send(go_on) or b"")
        parts: list[bytes] = []
        size = 0
        while True:
            event = self._h11.next_event()
            if event is h11.NEED_DATA:
                self._h11.receive_data(bytes(await self.stream.receive_some(CHUNK)))
            elif isinstance(event, h11.Data):
                size += len(event.data)
                if size > limit:
                    return None
                parts.append(bytes(event.data))
            else:
                return b"".join(parts)

    async def respond(
        self, status: int, body: bytes, *, kind: str = "application/json", origin: str | None = None
    ) -> bool:
        """Send a response; say whether another request may follow."""
        headers = [
            ("content-type", kind),
            ("content-length", str(len(body))),
            ("x-content-type-options", "nosniff"),
        ]
        if origin is not None:
            headers += [
                ("access-control-allow-origin", origin),
                ("access-control-allow-methods", "POST"),
                ("access-control-allow-headers", "content-type"),
                ("vary", "origin"),
            ]
        conn = self._h11
        reading = conn.their_state not in (h11.DONE, h11.IDLE, h11.ERROR)
        if reading or status >= 400:
            headers.append(("connection", "close"))
        data = conn.send(h11.Response(status_code=status, headers=headers)) or b""
        data += conn.send(h11.Data(data=body)) or b""
        data += conn.send(h11.EndOfMessage()) or b""
        await self.stream.send_all(data)
        if conn.our_state is h11.DONE and conn.their_state is h11.DONE:
            conn.start_next_cycle()
            return True
        return False
