"""A JSON-RPC server before a dev chain: WebSocket and HTTP POST on one port of loopback.

::

    listeners = await open_listeners(9944)
    async with trio.open_nursery() as nursery:
        server = await nursery.start(functools.partial(serve, chain, listeners=listeners))
        print(server.url)

Theory of operation. The chain is synchronous and belongs to this thread; a call takes from microseconds to a few
milliseconds, and after each everybody else has a turn. One connection is one task with a nursery of its own: a
reader that carries out calls in order, and a writer behind an outbox. The sealer is one more task. Nothing that
a client sends ends anything but its own connection.
"""

import functools
import logging
from collections.abc import Sequence

import attrs
import h11
import trio

from chain.devchain.chain import DevChain
from chain.devchain.rpc.access import Access, Refused
from chain.devchain.rpc.api import DEVELOPMENT, PUBLIC
from chain.devchain.rpc.calls import Caller, Dropped
from chain.devchain.rpc.http import Head, HttpConnection, Rewound
from chain.devchain.rpc.limits import Limits
from chain.devchain.rpc.node import Identity, Node
from chain.devchain.rpc.sealer import INSTANT, Seal

__all__ = ["Server", "open_listeners", "serve"]

log = logging.getLogger(__name__)

CLOSE_SECONDS = 2.0
"""For a client to answer a WebSocket's closing handshake."""
GONE = (
    trio.BrokenResourceError,
    trio.ClosedResourceError,
    trio.TooSlowError,
    h11.RemoteProtocolError,
    h11.LocalProtocolError,
    Dropped,
)
"""How a connection ends that is not our fault."""


@attrs.frozen
class Server:
    """A server that runs."""

    node: Node
    host: str
    port: int

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"ws://{self.host}:{self.port}"


async def open_listeners(port: int = 0, host: str = "127.0.0.1") -> list[trio.SocketListener]:
    """Take a port: 0 for any that is free.

    Raises:
        OSError: it cannot be had.
    """
    return await trio.open_tcp_listeners(port, host=host)


async def serve(
    chain: DevChain,
    *,
    listeners: Sequence[trio.SocketListener],
    seal: Seal = INSTANT,
    access: Access | None = None,
    identity: Identity | None = None,
    limits: Limits | None = None,
    task_status: trio.TaskStatus[Server] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve a chain until cancelled.

    Args:
        chain: belongs to this thread while it is served; others may call it between two turns.
        listeners: from :func:`open_listeners`.
        seal: when blocks are made.
        access: who may connect, beyond loopback and polkadot.js Apps.
        identity: what the node says of itself.
        limits: bounds.
    """
    node = Node.of(chain, seal, identity or Identity(), limits or Limits())
    host, port = listeners[0].socket.getsockname()[:2]
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(node.sealer.run)
            handler = functools.partial(_connection, node, access or Access())
            await nursery.start(trio.serve_listeners, handler, listeners)
            task_status.started(Server(node, host, port))
    finally:
        node.feed.stop()


async def _connection(node: Node, access: Access, stream: trio.SocketStream) -> None:
    """Serve one connection; nothing that happens on it leaves here."""
    node.connections += 1
    try:
        await _first_request(node, access, stream)
    except* GONE:
        pass
    except* Exception:
        log.exception("a connection ended unexpectedly")
    finally:
        node.connections -= 1
        # At once: whatever was worth sending has been sent, and a client that reads nothing must not hold us.
        await trio.aclose_forcefully(stream)


async def _first_request(node: Node, access: Access, stream: trio.SocketStream) -> None:
    http = HttpConnection(stream)
    if node.connections > node.limits.connections:
        with trio.move_on_after(CLOSE_SECONDS):
            await http.respond(503, b"too many connections\n", kind="text/plain")
        return
    with trio.move_on_after(node.limits.handshake_seconds) as slow:
        head = await http.next_head(first=True)
    if slow.cancelled_caught or head is None:
        return
    try:
        table = DEVELOPMENT if access.check(head.host, head.origin) else PUBLIC
    except Refused as refused:
        with trio.move_on_after(CLOSE_SECONDS):
            await http.respond(403, f"{refused}\n".encode(), kind="text/plain")
        return
    if head.is_websocket:
        # Imported when it is first used: a tenth of the time that a chain takes to start was this.
        from chain.devchain.rpc.websocket import serve_websocket

        await serve_websocket(node, Caller(node, table, None), Rewound(http.seen, stream))
    else:
        await _http(node, access, Caller(node, table, None), http, head)


async def _http(
    node: Node, access: Access, caller: Caller, http: HttpConnection, head: Head | None
) -> None:
    limits = node.limits
    while head is not None:
        with trio.move_on_after(limits.body_seconds) as slow:
            body = await http.body(limits.request_bytes)
        if slow.cancelled_caught:
            return
        status, answer, kind = await _post(caller, head, body)
        with trio.fail_after(limits.write_seconds):
            if not await http.respond(status, answer, kind=kind, origin=head.origin):
                return
        with trio.move_on_after(limits.idle_seconds):
            following = await http.next_head()
            # Another head on the same connection is checked like the first.
            if following is None or following.is_websocket:
                return
            try:
                caller.table = (
                    DEVELOPMENT if access.check(following.host, following.origin) else PUBLIC
                )
            except Refused:
                return
            head = following
            continue
        return


async def _post(caller: Caller, head: Head, body: bytes | None) -> tuple[int, bytes, str]:
    text = "text/plain"
    if body is None:
        return 413, b"the request is too large\n", text
    if head.method == "OPTIONS":
        return 204, b"", text
    if head.method != "POST":
        return 405, b"JSON-RPC: connect a WebSocket, or POST\n", text
    if head.content_type != "application/json":
        # Also what keeps a page from posting here without being asked by its browser first.
        return 415, b"expected content-type: application/json\n", text
    return 200, await caller.answer(body) or b"", "application/json"
