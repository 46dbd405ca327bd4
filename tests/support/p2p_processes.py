"""Starts nodes' networks as processes and talks to them; see :mod:`tests.support.p2p_node`."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.networks import PATIENCE, seed_of

__all__ = ["Forks", "Node", "forks"]

ROOT = Path(__file__).resolve().parents[2]


class Node:
    """One process."""

    def __init__(self, pid: int, control: Path, log: Path) -> None:
        self.pid = pid
        self.log = log
        self._control = control
        self._socket: socket.socket | None = None
        self._about: dict[str, Any] = {}

    def ask(self, name: str, *arguments: object, seconds: float = PATIENCE) -> Any:
        """Have it do something, and return what it answers.

        Raises:
            RuntimeError: it failed at that.
        """
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.connect(str(self._control))
        self._socket.settimeout(seconds)
        self._socket.sendall(json.dumps([name, *arguments]).encode() + b"\n")
        data = b""
        while not data.endswith(b"\n"):
            chunk = self._socket.recv(1 << 16)
            if not chunk:
                raise RuntimeError(f"node {self.pid} has ended; its log: {self.log.read_text()}")
            data += chunk
        answer = json.loads(data)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["ok"]

    def wait_ready(self) -> None:
        """Wait until it listens."""
        limit = time.monotonic() + PATIENCE
        while not self._control.exists():
            if time.monotonic() > limit:
                raise RuntimeError(f"node {self.pid} did not start: {self.log.read_text()}")
            time.sleep(0.02)
        self._about = self.ask("about")

    @property
    def peer(self) -> str:
        """Its PeerId."""
        return str(self._about["peer"])

    @property
    def addresses(self) -> list[str]:
        """Its full addresses, as they are now."""
        return [str(a) for a in self.ask("about")["multiaddrs"]]

    @property
    def address(self) -> str:
        """Its first full address."""
        return str(self._about["multiaddrs"][0])

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def end(self) -> None:
        """Kill it."""
        if self._socket is not None:
            self._socket.close()
        try:
            os.kill(self.pid, signal.SIGCONT)
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


class Forks:
    """The parent of nodes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.support.p2p_node"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._count = 0
        self.nodes: list[Node] = []

    def start(self, name: object, *, ready: bool = True, **order: Any) -> Node:
        """Fork a node.

        Args:
            name: gives its identity.
            ready: wait until it listens.
            order: ``config``, ``limits``, ``quiet_seconds``, ``netns``; and for a whole node, whose
                identity is its folder's: ``data_dir``, ``announce``, ``ttl``.
        """
        self._count += 1
        control = self._folder / f"{self._count}.sock"
        log = self._folder / f"{self._count}.log"
        line = {"config": {}, **order, "seed": seed_of(name).hex()}
        line |= {"control": str(control), "log": str(log)}
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(json.dumps(line) + "\n")
        self._parent.stdin.flush()
        node = Node(int(self._parent.stdout.readline()), control, log)
        self.nodes.append(node)
        if ready:
            node.wait_ready()
        return node

    def end(self) -> None:
        """Kill all of them."""
        for node in self.nodes:
            node.end()
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.close()
        self._parent.wait(PATIENCE)
        self._parent.stdout.close()


@contextmanager
def forks(folder: Path) -> Iterator[Forks]:
    """Start a parent, and end it with all its nodes."""
    made = Forks(folder)
    try:
        yield made
    finally:
        made.end()
