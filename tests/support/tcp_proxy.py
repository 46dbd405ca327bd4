"""A bad network on demand: a TCP proxy that cuts, delays and freezes.

It knows nothing of what it carries but its text: a fault may wait for a word that a client says, such as
``author_submitExtrinsic``, and then happen before the word is passed on, or after it, before the answer.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import urlsplit

import attrs
import trio

CHUNK = 65_536
What = Literal["cut before", "cut after", "freeze"]


def _set_event() -> trio.Event:
    event = trio.Event()
    event.set()
    return event


@attrs.define
class TcpProxy:
    """A proxy that runs; its faults are attributes."""

    url: str
    target: tuple[str, int]
    refuse: bool = False
    """Close whatever connects at once."""
    delay: float = 0.0
    """Seconds for which every piece of an answer is kept back."""
    accepted: int = 0
    """How often somebody connected."""
    _thawed: trio.Event = attrs.field(factory=_set_event)
    _trap: tuple[bytes, What] | None = None
    _scopes: set[trio.CancelScope] = attrs.field(factory=set)

    def cut(self) -> None:
        """Cut every connection that is open."""
        for scope in list(self._scopes):
            scope.cancel()

    def freeze(self) -> None:
        """Carry nothing any more, and close nothing."""
        self._thawed = trio.Event()

    def thaw(self) -> None:
        """Go on."""
        self._thawed.set()

    def on(self, word: str, what: What) -> None:
        """Do something once, when a client next says a word."""
        self._trap = (word.encode(), what)

    @property
    def sprung(self) -> bool:
        """Whether what was to happen on a word has happened."""
        return self._trap is None

    async def _serve(self, client: trio.SocketStream) -> None:
        self.accepted += 1
        if self.refuse:
            client.socket.close()
            return
        try:
            server = await trio.open_tcp_stream(*self.target)
        except OSError:
            client.socket.close()
            return
        scope = trio.CancelScope()
        self._scopes.add(scope)
        try:
            with scope:
                async with trio.open_nursery() as nursery:
                    cut = trio.Event()
                    nursery.start_soon(self._carry_requests, client, server, cut, scope)
                    nursery.start_soon(self._carry_answers, server, client, cut, scope)
        finally:
            self._scopes.discard(scope)
            for stream in (client, server):
                stream.socket.close()  # at once, also where we are cancelled

    async def _carry_requests(
        self,
        client: trio.SocketStream,
        server: trio.SocketStream,
        cut_at_answer: trio.Event,
        scope: trio.CancelScope,
    ) -> None:
        try:
            async for data in client:
                plain = _unmasked(data)
                if self._trap is not None and self._trap[0] in plain:
                    (_, what), self._trap = self._trap, None
                    if what == "cut before":
                        break
                    if what == "freeze":
                        self.freeze()
                    else:
                        cut_at_answer.set()
                await self._thawed.wait()
                await server.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        scope.cancel()

    async def _carry_answers(
        self,
        server: trio.SocketStream,
        client: trio.SocketStream,
        cut_at_answer: trio.Event,
        scope: trio.CancelScope,
    ) -> None:
        try:
            async for data in server:
                if cut_at_answer.is_set():
                    break
                await trio.sleep(self.delay)
                await self._thawed.wait()
                await client.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        scope.cancel()


def _unmasked(data: bytes) -> bytes:
    """Return what a client's WebSocket frame says; its mask hides it from proxies, which is its purpose.

    Source: RFC 6455, section 5.3. Clients here send a frame in one piece.
    """
    if len(data) < 6 or not data[1] & 0x80:
        return data
    size = data[1] & 0x7F
    start = 2 + {126: 2, 127: 8}.get(size, 0)
    mask, body = data[start : start + 4], data[start + 4 :]
    return bytes(byte ^ mask[at % 4] for at, byte in enumerate(body))


@asynccontextmanager
async def open_proxy(url: str) -> AsyncIterator[TcpProxy]:
    """Run a proxy before a server.

    Args:
        url: the server's, such as ``ws://127.0.0.1:9944``.
    """
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    proxy = TcpProxy(f"ws://127.0.0.1:{port}", (parts.hostname, parts.port))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, proxy._serve, [listener])
        yield proxy
        nursery.cancel_scope.cancel()
