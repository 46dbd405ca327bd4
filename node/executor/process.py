"""One worker process, from the node's side: started, spoken with, watched, ended, reaped."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final

import attrs
import trio

from node.executor import protocol, sandbox
from node.executor.errors import (
    CrashedError,
    ExecutorError,
    KilledByLimitError,
)
from node.executor.limits import Grants, Limits
from node.executor.protocol import HEADER_BYTES, Down, Up
from node.executor.usage import memory_of, tree_of

__all__ = ["WorkerProcess", "start_worker"]

_CHUNK: Final = 64 * 1024
_FRAME_SLACK: Final = 64 * 1024
"""A frame holds an output, and little else."""
_LOG_TAIL: Final = 4 * 1024
_WATCH_SECONDS: Final = 0.25
_REAP_SECONDS: Final = 10.0
_HANDSHAKE_BYTES: Final = 4 * 2**20
"""For what is said outside of tasks: offers with their schemas."""


@attrs.define(eq=False)
class WorkerProcess:
    """A process that is, or was, a worker."""

    limits: Limits
    _popen: subprocess.Popen[bytes]
    _stdin: trio.lowlevel.FdStream
    _stdout: trio.lowlevel.FdStream
    _stderr: trio.lowlevel.FdStream
    log: bytearray = attrs.field(factory=bytearray)
    """The end of what it has written to standard error."""
    tasks: int = 0
    """That it has done."""
    _logged: int = 0
    _reason: ExecutorError | None = None
    """Why we have killed it."""
    _buffer: bytearray = attrs.field(factory=bytearray)

    @property
    def pid(self) -> int:
        """Of the process that we started, in front of the sandbox."""
        return self._popen.pid

    @property
    def is_alive(self) -> bool:
        """Whether it is running, as far as we know."""
        return self._popen.returncode is None and self._reason is None

    async def say(self, message: Down) -> None:
        """Send a message; one that can no longer be heard is dropped, which `hear` then reports."""
        try:
            await self._stdin.send_all(protocol.encode(message))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return

    async def hear(self, largest: int = _HANDSHAKE_BYTES) -> Up:
        """Wait for its next message.

        Args:
            largest: what it may say, bytes.

        Raises:
            CrashedError: it has ended, or says what no worker says.
            KilledByLimitError: it was ended for crossing a limit.
        """
        header = await self._read(HEADER_BYTES)
        length = protocol.frame_length(header)
        if length > largest + _FRAME_SLACK:
            raise self.kill(KilledByLimitError("output", f"it sends {length} bytes at once"))
        body = await self._read(length)
        try:
            return protocol.decode_up_untrusted(body)
        except ValueError as error:
            what = f"the worker says what no worker says: {error}"
            raise self.kill(CrashedError(what, None)) from error

    def kill(self, reason: ExecutorError) -> ExecutorError:
        """End it at once with all that it has started.

        Args:
            reason: what whoever waits for it is told, unless it was killed before for another.

        Returns:
            The reason that counts.
        """
        if self._reason is None:
            self._reason = reason
        if self._popen.returncode is None:
            # The kernel ends a sandbox with its first process, and that one with bubblewrap; but while it is
            # being set up the first process waits for bubblewrap's word, and would wait for ever.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._popen.pid, signal.SIGSTOP)  # it starts nothing more
            for pid in reversed(tree_of(self._popen.pid)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        return self._reason

    async def reap(self) -> int:
        """End it, and wait until nothing of it is left; return its exit code."""
        self.kill(CrashedError("the worker was ended", None))
        for stream in (self._stdin, self._stdout, self._stderr):
            with trio.CancelScope(shield=True):
                await stream.aclose()
        with trio.CancelScope(shield=True), trio.move_on_after(_REAP_SECONDS):
            await self._wait_for_exit()
        status = self._popen.poll()
        return 0 if status is None else status

    async def attend(self) -> None:
        """Read its log and watch its memory, until it ends; for a task of its own."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch, nursery.cancel_scope)
            await self._read_log()
            nursery.cancel_scope.cancel()

    def begin_task(self) -> None:
        """Count from here what it writes."""
        self.tasks += 1
        self._logged = 0

    async def _read(self, count: int) -> bytes:
        while len(self._buffer) < count:
            try:
                chunk = await self._stdout.receive_some(_CHUNK)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                chunk = b""
            if self._reason is not None:
                raise self._reason
            if not chunk:
                raise await self._end()
            self._buffer += chunk
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    async def _end(self) -> ExecutorError:
        """Say why it has ended by itself."""
        with trio.move_on_after(_REAP_SECONDS):
            await self._wait_for_exit()
        status = self._popen.poll()
        # Behind bubblewrap a signal comes as 128 and its number.
        if status is not None and status > 128:
            status = 128 - status
        if status is not None and status < 0:
            what = f"was ended by {signal.Signals(-status).name}"
        else:
            what = f"ended with exit code {status}"
        return CrashedError(
            f"the agent's process {what}; its last words: {self.last_words()}", status
        )

    def last_words(self) -> str:
        """Return the last line of its log that is not empty."""
        lines = [line for line in self.log.decode(errors="replace").splitlines() if line.strip()]
        return lines[-1][:500] if lines else "none"

    async def _wait_for_exit(self) -> None:
        if self._popen.poll() is not None:
            return
        handle = os.pidfd_open(self._popen.pid)
        try:
            await trio.lowlevel.wait_readable(handle)
        finally:
            os.close(handle)
        self._popen.wait()

    async def _read_log(self) -> None:
        while True:
            try:
                chunk = await self._stderr.receive_some(_CHUNK)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return
            if not chunk:
                return
            self._logged += len(chunk)
            self.log += chunk
            del self.log[:-_LOG_TAIL]
            if self._logged > self.limits.log_bytes:
                self.kill(
                    KilledByLimitError("logs", f"it wrote more than {self.limits.log_bytes} bytes")
                )
                return

    async def _watch(self, ended: trio.CancelScope) -> None:
        while self.is_alive and not ended.cancel_called:
            await trio.sleep(_WATCH_SECONDS)
            used = memory_of(tree_of(self._popen.pid), self.limits.memory_bytes)
            if used > self.limits.memory_bytes:
                self.kill(
                    KilledByLimitError(
                        "memory",
                        f"its processes took {used >> 20} MiB, of {self.limits.memory_bytes >> 20}",
                    )
                )


def start_worker(
    limits: Limits,
    grants: Grants,
    files: tuple[Path, ...],
    cwd: Path,
    prepare: Callable[[list[str]], list[str]] | None = None,
) -> WorkerProcess:
    """Start a worker. Call it from the node's main thread.

    The kernel ends a worker with the *thread* that started it, so that a pool's thread would take it
    along when it has been idle for a while.

    Args:
        files: what it has to read, beside what was granted.
        cwd: the folder it starts in.
        prepare: changes its command; for tests.
    """
    worker = [sys.executable, "-P", "-m", "node.executor.worker"]
    argv, environment, inherited = sandbox.command(worker, limits, grants, files, cwd)
    if prepare is not None:
        argv = prepare(argv)
    try:
        popen = subprocess.Popen(  # noqa: S603  (our own arguments)
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=cwd,
            pass_fds=() if inherited is None else (inherited,),
            start_new_session=True,  # Ctrl-C is for the node, which then ends its workers itself
            bufsize=0,
        )
    finally:
        if inherited is not None:
            os.close(inherited)
    if popen.stdin is None or popen.stdout is None or popen.stderr is None:
        raise AssertionError("all three are pipes")
    return WorkerProcess(
        limits,
        popen,
        _stream(popen.stdin),
        _stream(popen.stdout),
        _stream(popen.stderr),
    )


def _stream(pipe: IO[bytes]) -> trio.lowlevel.FdStream:
    with pipe:
        return trio.lowlevel.FdStream(os.dup(pipe.fileno()))
