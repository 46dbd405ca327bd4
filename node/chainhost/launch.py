"""Starting a process that outlives us, and hearing from it that it is ready.

It is handed a lock that we hold, and a pipe into which it says one line: that it is ready, or why it is not. Until
that line is taken, it is ours: whatever ends us ends it as well.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["Launched", "launch"]

STOP_SECONDS = 10.0
TAIL_LINES = 5


class Launched:
    """A process that is being started."""

    def __init__(self, process: subprocess.Popen[bytes], pipe: int, crash: Path) -> None:
        self._process, self._pipe, self._crash = process, pipe, crash
        self._is_ours = True

    def wait_ready(self, seconds: float) -> dict[str, Any]:
        """Return what it says: nothing where it ended without a word, an error where it takes too long."""
        give_up = time.monotonic() + seconds
        data = b""
        while not data.endswith(b"\n"):
            left = max(0.0, give_up - time.monotonic())
            readable, _, _ = select.select([self._pipe], [], [], left)
            if not readable:
                return {"error": f"it did not answer within {seconds:g} seconds; see {self._crash}"}
            part = os.read(self._pipe, 65536)
            if not part:
                return {}
            data += part
        value = json.loads(data)
        return value if isinstance(value, dict) else {}

    def let_go(self) -> None:
        """Let it outlive us."""
        self._process.returncode = 0  # it is not waited for
        self._is_ours = False

    def tail(self) -> str:
        """Return the last that it said when it could say nothing else, each line behind a line's end."""
        lines = self._crash.read_text(errors="replace").strip().splitlines()[-TAIL_LINES:]
        return "".join(f"\n  {line}" for line in lines)

    def close(self) -> None:
        """End it, unless it was let go."""
        os.close(self._pipe)
        if not self._is_ours:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextlib.contextmanager
def launch(module: str, argument: str, lock: int, crash: Path) -> Iterator[Launched]:
    """Start ``python -m module ARGUMENT LOCK PIPE``, and end it with the block unless it is let go.

    Args:
        lock: the descriptor that holds the lock; ours is closed, so that the process alone holds it.
        crash: takes what it says on its standard output and error.
    """
    read, write = os.pipe()
    try:
        own = os.open(crash, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(own, "wb") as output:
            process = subprocess.Popen(  # noqa: S603  (ourselves)
                [sys.executable, "-m", module, argument, str(lock), str(write)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(lock, write),
                start_new_session=True,
            )
    except BaseException:
        os.close(read)
        raise
    finally:
        os.close(write)
        os.close(lock)
    launched = Launched(process, read, crash)
    try:
        yield launched
    except BaseException:
        # Also at Ctrl-C: nothing that nobody knows of stays behind, and nobody waits long for it.
        process.kill()
        raise
    finally:
        launched.close()
