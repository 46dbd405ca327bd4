"""A chain for the client's tests to talk to, whichever program runs it."""

import functools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Protocol

import trio
import trio_websocket

from chain.devchain.chain import DevChain
from chain.devchain.rpc.sealer import parse_seal
from chain.devchain.rpc.server import open_listeners, serve
from chain.stored import Submission
from node.chainhost.client import Client
from node.chainhost.errors import CallError
from tests.support.node import NodeProcess


class Backend(Protocol):
    """What a test may do to a chain besides talking to it."""

    url: str

    async def call(self, method: str, *params: Any) -> Any:
        """Make a call of JSON-RPC, on a connection of its own."""
        ...

    async def advance(self, blocks: int) -> None:
        """Let blocks pass."""
        ...

    async def reorg(self, depth: int) -> None:
        """Replace the last blocks by one more of other ones."""
        ...

    async def restart(self) -> None:
        """Stop the program and start it again, on the same port, with what it keeps."""
        ...

    async def stop(self) -> None:
        """Stop the program."""
        ...

    async def start(self) -> None:
        """Start it again."""
        ...


class Embedded:
    """The embedded dev chain, served in this process."""

    def __init__(
        self,
        nursery: trio.Nursery,
        runtime: Path,
        folder: Path,
        seal: str,
        finality_lag: int,
        preset: str = "ci",
    ) -> None:
        self._nursery, self._runtime, self._folder = nursery, runtime, folder
        self._preset = preset
        self._seal, self._lag = parse_seal(seal), finality_lag
        self._port = 0
        self._scope = trio.CancelScope()
        self._stopped = trio.Event()
        self.url = ""

    async def _run(self, *, task_status: trio.TaskStatus[None]) -> None:
        self._scope, self._stopped = trio.CancelScope(), trio.Event()
        chain = DevChain.open(
            self._runtime,
            self._folder,
            preset=self._preset,
            finality_lag=self._lag,
            synchronous="OFF",
        )
        try:
            if chain.head.number == 0:
                for _ in range(self._lag + 1):  # a final block besides genesis
                    chain.build()
            with self._scope:
                listeners = await open_listeners(self._port)
                self._port = listeners[0].socket.getsockname()[1]
                self.url = f"ws://127.0.0.1:{self._port}"
                run = functools.partial(serve, chain, listeners=listeners, seal=self._seal)
                async with trio.open_nursery() as nursery:
                    await nursery.start(run)
                    task_status.started()
        finally:
            chain.close()
            self._stopped.set()

    async def start(self) -> None:
        await self._nursery.start(self._run)

    async def stop(self) -> None:
        self._scope.cancel()
        await self._stopped.wait()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def advance(self, blocks: int) -> None:
        await self.call("dev_advance", {"blocks": blocks, "seconds": 0})

    async def reorg(self, depth: int) -> None:
        await self.call("dev_reorg", depth)

    async def call(self, method: str, *params: Any) -> Any:
        async with trio_websocket.open_websocket_url(self.url) as socket:
            request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            await socket.send_message(json.dumps(request))
            answer = json.loads(await socket.get_message())
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer["result"]


class Node:
    """The Substrate node, as a process."""

    def __init__(self, runtime: Path, folder: Path, seal: str, finality_lag: int) -> None:
        kind = parse_seal(seal)
        millis = f"{kind.seconds * 1000:.0f}" if kind.kind == "interval" else kind.kind
        self._runtime, self._lag = runtime, finality_lag
        self._flags = (
            "--preset=ci",
            f"--seal={millis}",
            f"--finality-lag={finality_lag}",
            f"--base-path={folder}",
            # Through a proxy, clients name another port than its own.
            "--allow-origin=*",
        )
        self._port = 0
        self._process: NodeProcess | None = None
        self.url = ""

    async def start(self) -> None:
        run = functools.partial(NodeProcess, self._runtime, *self._flags, port=self._port)
        self._process = process = await trio.to_thread.run_sync(run)
        self._port, self.url = process.port, process.url
        if await self.call("chain_getBlockHash", 1) is None:
            await self.call(
                "dev_newBlock", {"count": self._lag + 1}
            )  # a final block besides genesis

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(process.stop)

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def advance(self, blocks: int) -> None:
        while blocks:  # each is made: one answer for all would be long in coming
            step = min(blocks, 200)
            await self.call("dev_advance", {"blocks": step})
            blocks -= step

    async def reorg(self, depth: int) -> None:
        head = int((await self.call("chain_getHeader"))["number"], 16)
        parent = await self.call("chain_getBlockHash", head - depth)
        for _ in range(depth + 1):
            made = await self.call("engine_createBlock", True, False, parent)
            parent = made["hash"]

    async def call(self, method: str, *params: Any) -> Any:
        # By HTTP: the node pings, and trio-websocket cancels its caller where a ping comes while it closes.
        def once() -> Any:
            with closing(Client(self._port)) as client:
                return client.call(method, *params)

        try:
            return await trio.to_thread.run_sync(once)
        except CallError as error:
            raise AssertionError({"code": error.code, "message": str(error)}) from error


@asynccontextmanager
async def open_embedded(
    runtime: Path,
    folder: Path,
    *,
    seal: str = "instant",
    finality_lag: int = 0,
    preset: str = "ci",
) -> AsyncIterator[Embedded]:
    """Run the embedded chain."""
    async with trio.open_nursery() as nursery:
        backend = Embedded(nursery, runtime, folder, seal, finality_lag, preset)
        await backend.start()
        yield backend
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def open_node(
    runtime: Path, folder: Path, *, seal: str = "instant", finality_lag: int = 0
) -> AsyncIterator[Node]:
    """Run the Substrate node."""
    backend = Node(runtime, folder, seal, finality_lag)
    try:
        await backend.start()
        yield backend
    finally:
        await backend.stop()


class MemoryStore:
    """A store that survives what a test calls a crash, and remembers all that was saved."""

    def __init__(self) -> None:
        self.saved: list[Submission] = []

    async def load(self, key: str) -> Submission | None:
        await trio.lowlevel.checkpoint()
        return next((each for each in reversed(self.saved) if each.key == key), None)

    async def save(self, submission: Submission) -> None:
        await trio.lowlevel.checkpoint()
        self.saved.append(submission)
