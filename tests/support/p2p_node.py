"""A node's network, or a whole node, as a process, told what to do through a unix socket, one JSON a line.

``python -m tests.support.p2p_node`` is the parent: it imports everything once, holds no thread and no
loop, and forks a child for each line that it reads. Twenty-five processes that each import for
themselves take half a minute on two cores.
"""

import ctypes
import json
import logging
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import trio

import node.p2p.hardening.faults
from market.identity import PeerId
from node.cli.node_run import capability_of
from node.directory.announcer import Pace
from node.p2p.config import Limits, NetworkConfig
from node.p2p.gossip import Heard, Verdict
from node.p2p.network import Network, open_network
from node.process.datadir import DataDir
from node.process.keys import KeyChoice, load_keys
from node.process.run import NodeConfig, run_node

__all__ = ["ECHO", "child"]

CLONE_NEWNET = 0x40000000

ECHO = "/ainur/test/echo/1.0.0"


def judge(peer: PeerId, data: bytes) -> Verdict:
    if data.startswith(b"bad"):
        return Verdict.REJECT
    if data.startswith(b"crash"):
        raise ZeroDivisionError
    return Verdict.ACCEPT


class Control:
    """Answers commands; each is a method."""

    def __init__(self, network: Network, nursery: trio.Nursery) -> None:
        self.network = network
        self.nursery = nursery
        self.heard: defaultdict[str, list[str]] = defaultdict(list)

    async def about(self) -> dict[str, Any]:
        return {"peer": self.network.peer_id, "multiaddrs": self.network.multiaddrs}

    async def connect(self, address: str) -> str:
        return await self.network.connect(address)

    async def subscribe(self, topic: str) -> None:
        channel = await self.network.subscribe(topic, judge)
        self.nursery.start_soon(self._hear, topic, channel)

    async def _hear(self, topic: str, channel: trio.MemoryReceiveChannel[Heard]) -> None:
        async for message in channel:
            self.heard[topic].append(message.data.decode())

    async def publish(self, topic: str, data: str) -> None:
        await self.network.publish(topic, data.encode())

    async def take_heard(self, topic: str) -> list[str]:
        return self.heard.pop(topic, [])

    async def listeners(self, topic: str) -> list[str]:
        return sorted(self.network.listeners(topic))

    async def peers(self) -> dict[str, float]:
        return {p.peer: p.score for p in self.network.peers()}

    async def request(self, peer: str, data: str) -> str:
        return (await self.network.request(PeerId(peer), ECHO, data.encode())).decode()

    async def refuse(self, peers: list[str]) -> None:
        await self.network.refuse([PeerId(peer) for peer in peers])

    async def reachability(self) -> str:
        return self.network.reachability

    async def paths(self, peer: str) -> list[str]:
        return [a for p in self.network.peers() if p.peer == peer for a in p.addresses]

    async def provide(self, key: str) -> bool:
        return await self.network.provide(bytes.fromhex(key))

    async def find_providers(self, key: str) -> list[str]:
        return [p.peer for p in await self.network.find_providers(bytes.fromhex(key))]

    async def stats(self) -> dict[str, int]:
        process = psutil.Process()
        return {
            "fds": process.num_fds(),
            "rss": process.memory_info().rss,
            "tasks": trio.lowlevel.current_statistics().tasks_living,
        }

    async def serve(self, stream: trio.SocketStream) -> None:
        buffer = b""
        async for chunk in stream:
            buffer += chunk
            while b"\n" in buffer:
                line, buffer = buffer.split(b"\n", 1)
                name, *arguments = json.loads(line)
                try:
                    answer = {"ok": await getattr(self, name)(*arguments)}
                except Exception as error:  # noqa: BLE001  (told to the test)
                    answer = {"error": f"{type(error).__name__}: {error}"}
                await stream.send_all(json.dumps(answer).encode() + b"\n")


async def control(path: Path, network: Network) -> None:
    """Be told what to do, until cancelled."""
    async with trio.open_nursery() as nursery:
        listener = trio.socket.socket(trio.socket.AF_UNIX)
        await listener.bind(str(path) + ".new")
        listener.listen(16)
        (path.parent / (path.name + ".new")).rename(path)
        serve = Control(network, nursery).serve
        await trio.serve_listeners(serve, [trio.SocketListener(listener)])


async def run(config: NetworkConfig, seed: bytes, path: Path) -> None:
    async with open_network(config, seed) as network:

        async def echo(peer: PeerId, data: bytes) -> bytes:
            return data

        network.serve(ECHO, echo)
        await control(path, network)


def run_whole(config: NetworkConfig, order: dict[str, Any], path: Path) -> None:
    """Run a node as ``ainur node run`` does, with its directory and API; its key is its folder's."""
    folder = DataDir(Path(order["data_dir"]))
    with folder.locked():
        keys = load_keys(folder, KeyChoice())
        whole = NodeConfig(
            folder=folder,
            network=config,
            capabilities=(capability_of(order["announce"], "what a test's node can do"),),
            pace=Pace(order["ttl"]),
            beside=partial(control, path),
        )
        trio.run(run_node, whole, keys, lambda _record: None)


def enter_namespace(name: str) -> None:
    """Move this process into a network namespace made by ``ip netns add``."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path(f"/run/netns/{name}").open() as file:
        if libc.setns(file.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")


def child(order: dict[str, Any]) -> None:
    path = Path(order["control"])
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    logging.basicConfig(level=logging.WARNING, force=True)
    node.p2p.hardening.faults.QUIET_SECONDS = order.get("quiet_seconds", 0.0)  # type: ignore[misc]
    if "netns" in order:
        enter_namespace(order["netns"])
    limits = Limits(**order.get("limits", {}))
    config = {k: tuple(v) if isinstance(v, list) else v for k, v in order["config"].items()}
    for name in ("peer_store", "bootstrap_file"):
        if name in config:
            config[name] = Path(config[name])
    made = NetworkConfig(**config, limits=limits)
    if "data_dir" in order:
        run_whole(made, order, path)
    else:
        trio.run(run, made, bytes.fromhex(order["seed"]), path)


def parent(read: Callable[[], str] = sys.stdin.readline) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while line := read():
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            try:
                child(json.loads(line))
            finally:
                os._exit(1)
        print(pid, flush=True)


if __name__ == "__main__":
    parent()
