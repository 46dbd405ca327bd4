"""Reading a chain's log, which is rotated under the reader's eyes."""

import time
from collections import deque
from collections.abc import Iterator

from node.chainhost import lock
from node.chainhost.home import Folder

__all__ = ["follow_lines", "last_lines"]

LOOK_SECONDS = 0.2


def last_lines(folder: Folder, count: int) -> list[str]:
    """Return the last lines, older file first."""
    kept: deque[str] = deque(maxlen=count)
    for path in (folder.log.with_name(folder.log.name + ".1"), folder.log):
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                kept.extend(line.rstrip("\n") for line in file)
        except FileNotFoundError:
            continue
    return list(kept)


def follow_lines(folder: Folder) -> Iterator[str]:
    """Yield lines as they come, until the chain has ended."""
    place = folder.log.stat().st_size if folder.log.exists() else 0
    part = ""
    while True:
        running = lock.is_held(folder.lock)
        if folder.log.exists():
            if folder.log.stat().st_size < place:
                place = 0  # it was rotated
            with folder.log.open(encoding="utf-8", errors="replace") as file:
                file.seek(place)
                part += file.read()
                place = file.tell()
            *whole, part = part.split("\n")
            yield from whole
        if not running:
            return
        time.sleep(LOOK_SECONDS)
