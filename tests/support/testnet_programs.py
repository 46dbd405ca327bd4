"""What the parent of a testnet's processes is made to fork in its tests."""

import subprocess
import sys
import time
from typing import Any

from node.testnet.forking import Say

__all__ = [
    "fail",
    "remember",
    "say_and_wait",
    "say_remembered",
    "say_too_much",
    "with_a_child",
]

_remembered: list[str] = []


def say_and_wait(argument: dict[str, Any], say: Say) -> None:
    """Say what was given, then do nothing until somebody ends it."""
    say({"ready": argument})
    while True:
        time.sleep(3_600)


def with_a_child(argument: dict[str, Any], say: Say) -> None:
    """Start a process that knows of nobody, and say its id."""
    other = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(3600)"], start_new_session=True
    )
    say({"ready": other.pid})
    other.wait()


def say_too_much(argument: dict[str, Any], say: Say) -> None:
    """Say more than goes through the pipe in one piece."""
    say({"ready": "x" * 5_000})


def fail(argument: dict[str, Any], say: Say) -> None:
    """Fail."""
    raise ZeroDivisionError("on purpose")


def remember(argument: str) -> None:
    """Keep something, in the parent."""
    _remembered.append(argument)


def say_remembered(argument: dict[str, Any], say: Say) -> None:
    """Say what was kept last; nothing was kept where the parent has not done so."""
    say({"ready": _remembered[-1] if _remembered else None})
