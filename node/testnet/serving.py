"""The supervisor's ear: one JSON object a line over a socket in the testnet's folder, which only its owner can enter.

``{"do": "kill", "node": "n2"}`` is answered by ``{"ok": {...}}`` or ``{"error": {"reason": name, "message": text}}``.
"""

import json
import logging
import os
from collections.abc import Awaitable, Callable
from typing import Any, Final

import trio

from node.chainhost.daemon import first_of
from node.testnet.config import Joined
from node.testnet.errors import TestnetError
from node.testnet.home import Folder
from node.testnet.supervisor import Supervisor

__all__ = ["serve"]

_LOG: Final = logging.getLogger("ainur.testnet")

MAX_LINE: Final = 65_536
IDLE_SECONDS: Final = 30.0


def _orders(supervisor: Supervisor) -> dict[str, Callable[[dict[str, Any]], Awaitable[None]]]:
    async def nothing(_order: dict[str, Any]) -> None:
        pass

    return {
        "status": nothing,
        "kill": lambda order: supervisor.kill(str(order["node"])),
        "start": lambda order: supervisor.start(str(order["node"])),
        "freeze": lambda order: supervisor.freeze(str(order["node"])),
        "partition": lambda order: supervisor.partition(
            [list(map(str, s)) for s in order["sides"]]
        ),
        "add-agent": lambda order: supervisor.join(
            Joined(
                "",
                agents=str(order["agents"]),
                network=bool(order["network"]),
                unsandboxed=bool(order["unsandboxed"]),
            )
        ),
        "add-cheater": lambda order: supervisor.join(Joined("", cheat=str(order["kind"]))),
        "heal": lambda _order: supervisor.heal(),
    }


async def _answer(supervisor: Supervisor, line: bytes) -> dict[str, Any]:
    reason, message = "", ""
    try:
        order = json.loads(line)
        do = _orders(supervisor)[order["do"]]
        await do(order)
    except* TestnetError as group:
        error = first_of(group)
        reason, message = type(error).__name__, str(error)
    except* (ValueError, KeyError, TypeError) as group:
        reason, message = "UsageError", f"no such order: {first_of(group)!r}"
    if reason:
        return {"error": {"reason": reason, "message": message}}
    return {"ok": supervisor.view().to_json()}


async def _serve_one(supervisor: Supervisor, stream: trio.SocketStream) -> None:
    data = b""
    async with stream:
        try:
            with trio.move_on_after(IDLE_SECONDS):
                while b"\n" not in data and len(data) < MAX_LINE:
                    part = await stream.receive_some(4096)
                    if not part:
                        return
                    data += part
            if b"\n" in data:
                answer = await _answer(supervisor, data.partition(b"\n")[0])
                await stream.send_all(json.dumps(answer).encode() + b"\n")
        except trio.BrokenResourceError as error:
            _LOG.info("whoever gave an order did not wait for the answer: %s", error)


async def serve(
    supervisor: Supervisor,
    folder: Folder,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Take orders until cancelled."""
    folder.socket.unlink(missing_ok=True)
    directory = os.open(folder.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with trio.socket.socket(trio.socket.AF_UNIX, trio.socket.SOCK_STREAM) as sock:
            # A socket's address has 108 bytes at most; a path may be longer.
            await sock.bind(f"/proc/self/fd/{directory}/{folder.socket.name}")
            folder.socket.chmod(0o600)
            sock.listen(16)

            async def handler(stream: trio.SocketStream) -> None:
                await _serve_one(supervisor, stream)

            task_status.started()
            await trio.serve_listeners(handler, [trio.SocketListener(sock)])
    finally:
        os.close(directory)
        folder.socket.unlink(missing_ok=True)
