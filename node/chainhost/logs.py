"""Reading processes' logs, which are rotated under the reader's eyes."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

__all__ = ["follow_lines", "follow_many", "last_lines"]

LOOK_SECONDS = 0.2


def last_lines(log: Path, count: int) -> list[str]:
    """Return the last lines, older file first."""
    kept: deque[str] = deque(maxlen=count)
    for path in (log.with_name(log.name + ".1"), log):
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                kept.extend(line.rstrip("\n") for line in file)
        except FileNotFoundError:
            continue
    return list(kept)


class _Tail:
    """What comes to a log from now on."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._place = log.stat().st_size if log.exists() else 0
        self._part = ""

    def new_lines(self) -> list[str]:
        """Return what has come since the last time."""
        if not self._log.exists():
            return []
        if self._log.stat().st_size < self._place:
            self._place = 0  # it was rotated
        with self._log.open(encoding="utf-8", errors="replace") as file:
            file.seek(self._place)
            self._part += file.read()
            self._place = file.tell()
        *whole, self._part = self._part.split("\n")
        return whole


def follow_many(
    logs: Mapping[str, Path], is_running: Callable[[], bool]
) -> Iterator[tuple[str, str]]:
    """Yield the names and lines of several logs as they come, until nobody writes them any more."""
    tails = {name: _Tail(log) for name, log in logs.items()}
    while True:
        running = is_running()
        for name, tail in tails.items():
            for line in tail.new_lines():
                yield name, line
        if not running:
            return
        time.sleep(LOOK_SECONDS)


def follow_lines(log: Path, is_running: Callable[[], bool]) -> Iterator[str]:
    """Yield lines as they come, until nobody writes them any more."""
    for _, line in follow_many({"": log}, is_running):
        yield line
