"""What a tree of processes uses, as the kernel counts it."""

import re
from pathlib import Path
from typing import Final

__all__ = ["memory_of", "tree_of"]

_MOST: Final = 4_096
"""Processes looked at; a fork bomb is ended by its own limit."""
_HELD: Final = re.compile(rb"^Rss(?:Anon|Shmem):\s+(\d+) kB", re.MULTILINE)
_PROPORTIONAL: Final = re.compile(rb"^Pss_(?:Anon|Shmem):\s+(\d+) kB", re.MULTILINE)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_bytes().split()]
    except OSError:  # it has ended, or this kernel does not tell
        return found
    return found


def tree_of(root: int) -> list[int]:
    """Return a process and all below it that can be seen now, parents first."""
    found: list[int] = []
    waiting = [root]
    while waiting and len(found) < _MOST:
        pid = waiting.pop()
        found.append(pid)
        waiting += _children(pid)
    return found


def memory_of(processes: list[int], enough: int) -> int:
    """Return the bytes of memory that processes hold by themselves.

    That is anonymous and shared memory; pages of files, which are shared with everybody, do not count.

    Args:
        enough: at or below this a cheap count will do, which is too high for processes that share
            memory after a fork. Above it each page is counted once, for as many as share it.
    """
    cheap = _sum(processes, "status", _HELD)
    return (
        cheap
        if cheap <= enough
        else min(cheap, _sum(processes, "smaps_rollup", _PROPORTIONAL) or cheap)
    )


def _sum(processes: list[int], file: str, lines: re.Pattern[bytes]) -> int:
    total = 0
    for pid in processes:
        try:
            text = Path(f"/proc/{pid}/{file}").read_bytes()
        except OSError:
            continue
        total += sum(int(kilobytes) for kilobytes in lines.findall(text)) * 1024
    return total
