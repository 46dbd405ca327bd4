"""The chains that are measured: ours, chopsticks, and the Substrate node where it is built.

Each starts as a process of its own with instant sealing, says how long that took, and is spoken to by WebSocket.
chopsticks is nobody's dependency: it is installed by npm, once, into the user's cache, for this benchmark alone.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import attrs

from node.chainhost import control
from node.chainhost.backend import get_backend
from node.chainhost.client import Client
from node.chainhost.config import ChainConfig
from node.chainhost.errors import BackendUnavailableError, UnreachableError
from node.chainhost.node_program import VARIABLE, find_program

__all__ = ["Hosted", "Subject", "Unavailable", "resident_mb", "subjects"]

CHOPSTICKS = "1.5.1"
START_SECONDS = 60.0
INSTALL_SECONDS = 300.0


class Unavailable(Exception):  # noqa: N818  (a gap in the table, not a fault)
    """A chain that cannot be measured here; the text says why."""


@attrs.frozen
class Started:
    """A chain that answers."""

    port: int
    pid: int
    seconds: float
    """From the start of its process to its first answer."""


class Subject(Protocol):
    """A chain that can be started."""

    @property
    def name(self) -> str:
        """What the table calls it."""

    @property
    def is_quick(self) -> bool:
        """Whether it makes thousands of blocks in a minute."""

    def prepare(self) -> None:
        """Install what it needs.

        Raises:
            Unavailable: it cannot run here.
        """

    def running(self, *, cold: bool) -> "contextlib.AbstractContextManager[Started]":
        """Run it; cold is as after its installation, with nothing in its cache."""

    def jump(self, client: Client, blocks: int) -> None:
        """Let blocks pass without making them.

        Raises:
            Unavailable: it cannot.
        """


@contextlib.contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@attrs.define
class Hosted:
    """A backend of ``ainur chain``."""

    name: str
    is_quick: bool = True
    options: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    """Of its configuration."""
    _cache: "tempfile.TemporaryDirectory[str] | None" = None

    def prepare(self) -> None:
        """Look whether it can run."""
        try:
            get_backend(self.name).check(ChainConfig("bench", "/nonexistent", backend=self.name))
        except BackendUnavailableError as error:
            raise Unavailable(str(error)) from error

    @contextlib.contextmanager
    def running(self, *, cold: bool) -> Iterator[Started]:
        """Run it in a folder that is thrown away; cold with an empty cache of compiled runtimes."""
        if cold or self._cache is None:
            self._cache = tempfile.TemporaryDirectory()
        with tempfile.TemporaryDirectory() as folder:
            config = ChainConfig(
                "bench", folder, port=0, backend=self.name, seed="bench", **self.options
            )
            with _environment(XDG_CACHE_HOME=self._cache.name, **self._program()):
                start = time.perf_counter()
                record = control.start(config)
                _first_answer(record.port)
                seconds = time.perf_counter() - start
            try:
                yield Started(record.port, record.pid, seconds)
            finally:
                control.stop(config.folder)

    def _program(self) -> dict[str, str]:
        """Name the node's program, which lies in the cache that we hide."""
        return {VARIABLE: str(find_program())} if self.name == "node" else {}

    def jump(self, client: Client, blocks: int) -> None:
        """Jump."""
        limit = get_backend(self.name).max_advance
        if limit is not None and blocks > limit:
            raise Unavailable("impossible")
        client.call("dev_advance", {"blocks": blocks})


@attrs.define
class Chopsticks:
    """``@acala-network/chopsticks``, in Node."""

    name: str = "chopsticks"
    is_quick: bool = False
    _folder: Path | None = None

    def prepare(self) -> None:
        """Install it, unless it is there."""
        if shutil.which("node") is None or shutil.which("npm") is None:
            raise Unavailable("needs Node and npm")
        from platformdirs import user_cache_path

        folder = user_cache_path("ainur", appauthor=False) / f"chopsticks-{CHOPSTICKS}"
        if not (folder / "node_modules" / ".bin" / "chopsticks").exists():
            folder.mkdir(parents=True, exist_ok=True)
            package = f"@acala-network/chopsticks@{CHOPSTICKS}"
            command = [
                "npm",
                "install",
                "--no-audit",
                "--no-fund",
                "--prefix",
                str(folder),
                package,
            ]
            try:
                subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_SECONDS)  # noqa: S603  (npm is found on PATH above)
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
                raise Unavailable(f"npm could not install {package}: {error}") from error
        self._folder = folder

    @contextlib.contextmanager
    def running(self, *, cold: bool) -> Iterator[Started]:  # noqa: ARG002  (it keeps nothing)
        """Run it on a chain specification that the embedded chain's genesis is written into."""
        assert self._folder is not None  # noqa: S101  (for the type checker)
        program = self._folder / "node_modules" / ".bin" / "chopsticks"
        with (
            tempfile.TemporaryDirectory() as folder,
            socket.create_server(("127.0.0.1", 0)) as free,
        ):
            specification = Path(folder, "chain.json")
            specification.write_text(json.dumps(chain_specification()))
            port = free.getsockname()[1]
            free.close()
            start = time.perf_counter()
            process = subprocess.Popen(  # noqa: S603  (installed above)
                [
                    *("node", str(program), "--chain-spec", str(specification)),
                    *("--port", str(port), "--build-block-mode", "Instant"),
                ],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=folder,
            )
            try:
                _wait_for_answer(port, process)
                yield Started(port, process.pid, time.perf_counter() - start)
            finally:
                process.kill()
                process.wait()

    def jump(self, client: Client, blocks: int) -> None:
        """Jump."""
        head = int(client.call("chain_getHeader")["number"], 16)
        client.call("dev_newBlock", {"count": 1, "unsafeBlockHeight": head + blocks})


def _first_answer(port: int) -> None:
    client = Client(port)
    try:
        client.call("system_chain")
    finally:
        client.close()


def _wait_for_answer(port: int, process: "subprocess.Popen[bytes]") -> None:
    give_up = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < give_up:
        client = Client(port, patience=5)
        try:
            client.call("system_chain")
        except UnreachableError:
            time.sleep(0.02)
        else:
            return
        finally:
            client.close()
    raise Unavailable("it did not answer")


def chain_specification() -> dict[str, object]:
    """Return the raw chain specification of the committed runtime's development genesis."""
    from chain import devnet
    from chain.devchain.chain import DevChain

    with DevChain.open(devnet.BLOB) as chain:
        top = {f"0x{key.hex()}": f"0x{value.hex()}" for key, value in chain.state().walk()}
    return {
        "name": "bench",
        "id": "bench",
        "chainType": "Development",
        "bootNodes": [],
        "protocolId": None,
        "properties": {"ss58Format": 42, "tokenDecimals": 12, "tokenSymbol": "AINU"},
        "genesis": {"raw": {"top": top, "childrenDefault": {}}},
    }


def subjects() -> list[Subject]:
    """Return every chain that may be measured, ours first."""
    return [Hosted("embedded"), Chopsticks(), Hosted("node")]


def resident_mb(pid: int) -> float:
    """Return the memory of a process and its children that is in use, in 10^6 bytes."""
    pages, waiting = 0, [pid]
    while waiting:
        one = waiting.pop()
        with contextlib.suppress(OSError):
            pages += int(Path(f"/proc/{one}/statm").read_text().split()[1])
            # Of every thread: a child belongs to the one that started it.
            for children in Path(f"/proc/{one}/task").glob("*/children"):
                waiting += map(int, children.read_text().split())
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)
