"""One WebSocket: a reader that carries out calls in order, and a writer behind an outbox."""

import logging
from collections.abc import Awaitable, Callable

import trio
import trio_websocket
from wsproto.utilities import LocalProtocolError

from chain.devchain.rpc.calls import Caller
from chain.devchain.rpc.http import CHUNK, Rewound
from chain.devchain.rpc.node import Node
from chain.devchain.rpc.outbox import Outbox

__all__ = ["serve_websocket"]

logging.getLogger("trio-websocket").setLevel(logging.WARNING)  # it logs every frame


async def serve_websocket(node: Node, caller: Caller, stream: Rewound) -> None:
    """Serve a connection until it ends."""
    try:
        await _serve(node, caller, stream)
    except* (trio_websocket.ConnectionClosed, LocalProtocolError):
        pass  # it ended, and that is not our fault


async def _serve(node: Node, caller: Caller, stream: Rewound) -> None:
    limits = node.limits
    async with trio.open_nursery() as nursery:
        caller.outbox = outbox = Outbox(limits, nursery.cancel_scope.cancel)
        with trio.fail_after(limits.handshake_seconds):
            request = await trio_websocket.wrap_server_stream(
                nursery,
                stream,
                message_queue_size=1,
                max_message_size=limits.request_bytes,
                receive_buffer_size=CHUNK,
            )
            socket = await request.accept()
        try:
            nursery.start_soon(outbox.run, _sender(socket))
            while True:
                answer = await caller.answer(await socket.get_message())
                if answer is not None:
                    outbox.put(answer)
                caller.release()
                await outbox.room()
        finally:
            caller.close()
            nursery.cancel_scope.cancel()


def _sender(socket: trio_websocket.WebSocketConnection) -> Callable[[bytes], Awaitable[None]]:
    async def send(message: bytes) -> None:
        await socket.send_message(message.decode())

    return send
