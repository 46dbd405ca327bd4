"""A chain behind a real socket, and the smallest client that can be written.

The embedded chain is served in a thread. The node is a process, with a mirror beside it: an embedded chain that
imports each of its blocks, and is asked in its place where a test looks behind JSON-RPC.
"""

import functools
import json
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self, TypeVar

import trio
import websocket

from chain.devchain.block import Block
from chain.devchain.chain import DevChain
from chain.devchain.errors import UnknownBlockError
from chain.devchain.rpc.limits import Limits
from chain.devchain.rpc.sealer import INSTANT, Seal
from chain.devchain.rpc.server import Server, open_listeners, serve
from tests.support.node import IS_NODE, NodeProcess
from tests.support.runtime import runtime_code, runtime_path

PATIENCE = 30.0
"""Seconds; every wait ends."""
R = TypeVar("R")


class AnsweredError(Exception):
    """An answer that is an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(json.dumps(error))
        self.code, self.message, self.data = error["code"], error["message"], error.get("data")


class Served:
    """A server that runs in a thread."""

    def __init__(self, server: Server, token: trio.lowlevel.TrioToken) -> None:
        self.server, self.token = server, token
        self.port, self.url = server.port, server.url
        self.chain = server.node.chain

    def run(self, function: Callable[..., R], *arguments: Any, **options: Any) -> R:
        """Call something in the chain's thread."""
        call = functools.partial(function, *arguments, **options)
        return trio.from_thread.run_sync(call, trio_token=self.token)

    def build(self) -> None:
        """Make a block."""
        self.run(self.chain.build)

    def client(self, **options: Any) -> "Client":
        """Return a connection."""
        return Client(self.url, **options)


class ServedNode:
    """The Substrate node, as :class:`Served` is to be used."""

    def __init__(self, process: NodeProcess, mirror: DevChain) -> None:
        self.process, self._mirror = process, mirror
        self.port, self.url = process.port, process.url

    @property
    def chain(self) -> DevChain:
        """The mirror, which has imported all that the node has by now."""
        self._import("chain_getFinalizedHead")
        self._import("chain_getBlockHash")
        return self._mirror

    def _import(self, method: str) -> None:
        missing = []
        hash_ = self.process(method)
        while True:
            try:
                self._mirror.block(bytes.fromhex(hash_[2:]))
                break
            except UnknownBlockError:
                missing.append(self.process.block(hash_))
                hash_ = "0x" + Block.of(*missing[-1]).parent.hex()
        for header, extrinsics in reversed(missing):
            self._mirror.import_block(header, extrinsics)

    def run(self, function: Callable[..., R], *arguments: Any, **options: Any) -> R:
        """Call something."""
        return function(*arguments, **options)

    def build(self) -> None:
        """Make a block."""
        self.process("dev_newBlock")

    def client(self, **options: Any) -> "Client":
        """Return a connection."""
        return Client(self.url, **options)


@contextmanager
def served_by_node(
    *, seal: Seal = INSTANT, preset: str = "development", finality_lag: int = 0
) -> Iterator[ServedNode]:
    """Run a node."""
    millis = f"{seal.seconds * 1000:.0f}" if seal.kind == "interval" else seal.kind
    flags = (f"--seal={millis}", f"--preset={preset}", f"--finality-lag={finality_lag}")
    with (
        NodeProcess(runtime_path(), *flags) as process,
        DevChain.open(runtime_code(), preset=preset, finality_lag=finality_lag) as mirror,
    ):
        yield ServedNode(process, mirror)


@contextmanager
def served(**options: Any) -> Iterator[Any]:
    """Serve a chain by the backend that is tested; limits are the embedded chain's own."""
    if IS_NODE:
        options.pop("limits", None)
    with (served_by_node if IS_NODE else served_embedded)(**options) as found:
        yield found


@contextmanager
def served_embedded(
    *, seal: Seal = INSTANT, limits: Limits | None = None, **options: Any
) -> Iterator[Served]:
    """Serve a chain; the options are DevChain.open's."""
    ready: queue.SimpleQueue[Served | BaseException] = queue.SimpleQueue()
    done = trio.Event()

    async def main() -> None:
        with DevChain.open(runtime_code(), **options) as chain:
            listeners = await open_listeners()
            async with trio.open_nursery() as nursery:
                start = functools.partial(
                    serve, chain, listeners=listeners, seal=seal, limits=limits
                )
                server = await nursery.start(start)
                ready.put(Served(server, trio.lowlevel.current_trio_token()))
                await done.wait()
                nursery.cancel_scope.cancel()

    def run() -> None:
        try:
            trio.run(main)
        except BaseException as error:
            ready.put(error)
            raise

    thread = threading.Thread(target=run, name="served chain")
    thread.start()
    found = ready.get(timeout=120)
    if isinstance(found, BaseException):
        thread.join(PATIENCE)
        raise found
    try:
        yield found
    finally:
        found.token.run_sync_soon(done.set)
        thread.join(PATIENCE)
        assert not thread.is_alive()


class Client:
    """Calls and notifications on one WebSocket."""

    def __init__(self, url: str, **options: Any) -> None:
        options.setdefault("suppress_origin", True)
        self.socket = websocket.create_connection(url, timeout=PATIENCE, **options)
        self._ids = 0
        self._heard: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close(timeout=1)
        self.socket.shutdown()  # also one whose other end was lost

    def send(self, value: Any) -> None:
        """Send JSON."""
        self.socket.send(json.dumps(value))

    def receive(self) -> Any:
        """Return the next message."""
        return json.loads(self.socket.recv())

    def call(self, method: str, *params: Any) -> Any:
        """Return what a method answers."""
        self._ids += 1
        self.send({"jsonrpc": "2.0", "id": self._ids, "method": method, "params": params})
        while True:
            message = self.receive()
            if isinstance(message, dict) and message.get("id") == self._ids:
                if "error" in message:
                    raise AnsweredError(message["error"])
                return message["result"]
            self._heard.append(message)

    def heard(self, subscription: str) -> Any:
        """Return a subscription's next notification."""
        while True:
            for message in self._heard:
                if message["params"]["subscription"] == subscription:
                    self._heard.remove(message)
                    return message["params"]["result"]
            self._heard.append(self.receive())
