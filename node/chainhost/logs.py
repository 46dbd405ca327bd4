"""Reading a process's log, which is rotated under the reader's eyes."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = ["follow_lines", "last_lines"]

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


def follow_lines(log: Path, is_running: Callable[[], bool]) -> Iterator[str]:
    """Yield lines as they come, until nobody writes them any more."""
    place = log.stat().st_size if log.exists() else 0
    part = ""
    while True:
        running = is_running()
        if log.exists():
            if log.stat().st_size < place:
                place = 0  # it was rotated
            with log.open(encoding="utf-8", errors="replace") as file:
                file.seek(place)
                part += file.read()
                place = file.tell()
            *whole, part = part.split("\n")
            yield from whole
        if not running:
            return
        time.sleep(LOOK_SECONDS)
