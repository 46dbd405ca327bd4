"""A person at a terminal: asked twice, never shown."""

import os
import pty
import re
import select
import signal
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

PATIENCE = 60.0


def converse(arguments: list[str], answers: list[str]) -> tuple[int, str]:
    """Run a command on a terminal of its own, answer its prompts, and return exit code and all that was shown."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.pop("AINUR_PASSPHRASE", None)
        os.execv(sys.executable, [sys.executable, "-m", "ainur", *arguments])
    shown, give_up, left = b"", time.monotonic() + PATIENCE, list(answers)
    asked = 0
    while time.monotonic() < give_up:
        readable, _, _ = select.select([terminal], [], [], 1.0)
        if not readable:
            continue
        try:
            part = os.read(terminal, 4096)
        except OSError:  # it has ended
            break
        shown += part
        prompts = len(re.findall(rb"(?:Passphrase|confirmation): ", shown))
        if left and prompts > asked:
            asked += 1
            os.write(terminal, left.pop(0).encode() + b"\n")
    else:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.decode(errors="replace")


def test_a_passphrase_is_asked_twice_and_not_shown(tmp_path: Path) -> None:
    store = ["--keystore", str(tmp_path / "keys")]
    code, shown = converse(["keys", "new", "node", *store], ["open sesame", "open sesame"])
    assert code == 0, shown
    assert "sesame" not in shown
    copy = str(tmp_path / "copy")
    code, shown = converse(
        ["keys", "export", "node", "--reveal-seed", "--yes", "--output", copy, *store],
        ["open sesame"],
    )
    assert code == 0, shown
    code, shown = converse(
        ["keys", "export", "node", "--reveal-seed", "--yes", *store], ["open says me"]
    )
    assert code == 1
    assert "does not open" in shown


def test_two_different_passphrases_make_no_key(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    code, shown = converse(
        ["keys", "new", "node", "--keystore", str(folder)], ["one", "two", "same", "same"]
    )
    assert code == 0
    assert "do not match" in shown
