"""Nodes as processes of a test's own, and the commands that ask them."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

__all__ = ["NodeProcess", "ainur", "until"]

PATIENCE = 90.0
"""Seconds; every wait ends, and no test judges speed."""


def ainur(*arguments: str, folder: Path | None = None, env: dict[str, str] | None = None) -> Any:
    """Run a command; return the finished process."""
    line = [sys.executable, "-m", "ainur", *arguments]
    if folder is not None:
        line += ["--data-dir", str(folder)]
    return subprocess.run(
        line, capture_output=True, text=True, timeout=PATIENCE, check=False,
        env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def until(what: Any, seconds: float = PATIENCE) -> Any:
    """Ask until the answer is true, and return it."""
    give_up = time.monotonic() + seconds
    while not (answer := what()):
        if time.monotonic() > give_up:
            raise AssertionError(f"not within {seconds:g} s")
        time.sleep(0.2)
    return answer


class NodeProcess:
    """``ainur node run`` in the foreground of a process."""

    def __init__(self, folder: Path, *options: str, env: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.log = folder.with_suffix(".log")
        command = [
            sys.executable,
            "-m",
            "ainur",
            "node",
            "run",
            "--json",
            "--data-dir",
            str(folder),
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *options], stdout=subprocess.PIPE, stderr=log, text=True,
                stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})},
            )  # fmt: skip
        self.record = self._read_record()
        self.address: str = self.record["multiaddrs"][0]
        self.peer: str = self.record["peer_id"]

    def _read_record(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        readable, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        line = self.process.stdout.readline() if readable else ""
        if not line:
            self.kill()
            raise AssertionError(f"the node did not start:\n{self.log.read_text()}")
        record: dict[str, Any] = json.loads(line)
        return record

    def ask(self, *arguments: str) -> dict[str, Any]:
        """Return what a command prints as JSON."""
        done = ainur(*arguments, "--json", folder=self.folder)
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def known(self) -> set[str]:
        """Return the PeerIds of the agents that the node lists."""
        return {each["peer_id"] for each in self.ask("agents")["agents"]}

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End the node; return its exit code."""
        self.process.send_signal(number)
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.kill()

    def kill(self) -> None:
        """End it at once, also where it is frozen."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
