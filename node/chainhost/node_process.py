"""What the backend ``node`` runs: the program, from its start to its end.

The node answers JSON-RPC itself, on its own port. We start it, wait for the one line that says where it answers,
pass what it says on to the log, and end it. It holds the lock on the folder beside us, so that nobody starts a
second one while it is still ending; and it ends when its standard input does, however we ourselves have ended.
"""

import json
import logging
import os
import shutil
import subprocess
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import cast

import trio

from chain import devnet
from node.chainhost.backend import Ready
from node.chainhost.config import PROPERTIES, ChainConfig
from node.chainhost.errors import StartError

__all__ = ["arguments_of", "run_node"]

log = logging.getLogger("ainur-dev-node")

START_SECONDS = 60.0
END_SECONDS = 5.0
MAX_LINE = 4_096
TOLD_LINES = 5
"""Of its last words, shown to whoever started it."""


def arguments_of(program: Path, config: ChainConfig, salt: bytes) -> list[str]:
    """Return the program's command line."""
    runtime = devnet.BLOB if config.runtime is None else Path(config.runtime)
    in_millis = {"instant": "instant", "manual": "manual"}
    seal = in_millis.get(config.seal) or str(round(float(config.seal) * 1000))
    arguments = [
        str(program),
        f"--runtime={runtime}",
        f"--rpc-port={config.port}",
        f"--preset={config.preset}",
        f"--salt=0x{salt.hex()}",
        f"--seal={seal}",
        f"--finality-lag={config.finality_lag}",
        f"--name=ainur {config.name}",
        f"--properties={json.dumps(PROPERTIES)}",
        *(f"--allow-origin={origin}" for origin in config.allow_origin),
        "--until-stdin-ends",
    ]
    if config.genesis_patch is not None:
        arguments.append(f"--genesis-patch={json.dumps(config.genesis_patch)}")
    if config.persist:
        arguments.append(f"--base-path={config.folder.store}")
    return arguments


async def run_node(
    program: Path, config: ChainConfig, salt: bytes, lock: int, ready: Callable[[Ready], None]
) -> None:
    """Run the node until cancelled.

    Raises:
        StartError: it does not come up, or ends by itself.
    """
    scratch = config.folder.scratch
    shutil.rmtree(scratch, ignore_errors=True)  # of one that was killed
    scratch.mkdir()
    try:
        async with trio.open_nursery() as nursery:
            run = _Run(config, nursery)
            await run.start(arguments_of(program, config, salt), scratch, lock)
            try:
                ready(await run.ready())
                raise await run.end("the node ended by itself")
            finally:
                await run.stop()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


class _Run:
    """One process."""

    def __init__(self, config: ChainConfig, nursery: trio.Nursery) -> None:
        self._config, self._nursery = config, nursery
        self._last: deque[str] = deque(maxlen=TOLD_LINES)
        self._told_all = trio.Event()

    async def start(self, command: list[str], scratch: Path, lock: int) -> None:
        try:
            self._process = await trio.lowlevel.open_process(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(lock,),
                env={**os.environ, "TMPDIR": str(scratch)},
                # Ctrl-C is for us; we then end it.
                start_new_session=True,
            )
        except OSError as error:
            raise StartError(f"{command[0]} cannot be run: {error}") from error
        # They are there: each was asked for.
        self._stdin = cast("trio.abc.SendStream", self._process.stdin)
        self._stdout = cast("trio.abc.ReceiveStream", self._process.stdout)
        self._nursery.start_soon(
            self._pass_on, cast("trio.abc.ReceiveStream", self._process.stderr)
        )

    async def _pass_on(self, stderr: trio.abc.ReceiveStream) -> None:
        """Put what it says into the log."""
        async for line in _lines(stderr):
            self._last.append(line)
            log.info("%s", line)
        self._told_all.set()

    async def ready(self) -> Ready:
        """Wait until it answers."""
        with trio.move_on_after(START_SECONDS):
            async for line in _lines(self._stdout):
                said = json.loads(line)
                port = said["listening"][0].split("/tcp/")[1].split("/")[0]
                return Ready(int(port), said["genesis"], said["runtime"])
            raise await self.end("the node did not start")
        raise StartError(f"the node did not answer within {START_SECONDS:g} seconds")

    async def end(self, what: str) -> StartError:
        """Wait for its end; return what is to be said of it."""
        await self._process.wait()
        with trio.move_on_after(END_SECONDS):
            await self._told_all.wait()
        words = "\n".join(self._last)
        if "Address already in use" in words:
            return StartError(
                f"port {self._config.port} is in use: choose another one with --port, or --port 0"
                " for any"
            )
        if "holds a chain with genesis" in words:
            return StartError(
                f"{self._config.folder.store} holds the blocks of another genesis: start it with"
                " the runtime, preset and seed it had, or reset it with `ainur chain reset`"
            )
        return StartError(
            f"{what} (status {self._process.returncode}); see {self._config.folder.log}"
            + "".join(f"\n  {line}" for line in self._last)
        )

    async def stop(self) -> None:
        """End it, and wait until it is gone."""
        with trio.CancelScope(shield=True):
            process = self._process
            process.terminate()
            await self._stdin.aclose()
            with trio.move_on_after(END_SECONDS):
                await process.wait()
            if process.returncode is None:
                log.warning("it does not end, and is killed")
                process.kill()
                await process.wait()
            await self._stdout.aclose()


async def _lines(stream: trio.abc.ReceiveStream) -> AsyncIterator[str]:
    """Yield lines; one without an end is cut where it is too long."""
    rest = b""
    async for part in stream:
        *whole, rest = (rest + part).split(b"\n")
        if len(rest) > MAX_LINE:
            whole, rest = [*whole, rest], b""
        for line in whole:
            yield line[:MAX_LINE].decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")
