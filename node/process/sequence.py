"""Numbers for what a node says: each higher than all before, also after a crash, and after a clock was set back."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from node.chainhost.files import write_atomically
from node.process.errors import StartError

__all__ = ["Sequence"]

AHEAD: Final = 60 * 10**9
"""Numbers that are reserved on disk at a time: a minute of them, so that one write a minute is enough."""
CEILING: Final = 2**62


class Sequence:
    """Nanoseconds since 1970, at least one more each time, and more than any that the disk says were used.

    The disk alone would do, the clock alone would not; together a lost disk does no harm either, unless the
    clock is set back as well.
    """

    def __init__(self, path: Path, clock: Callable[[], int] = time.time_ns) -> None:
        """Take up where the last run ended.

        Args:
            path: of the file.
            clock: nanoseconds since 1970.

        Raises:
            StartError: the file is none of ours, or cannot be read.
        """
        self._path, self._clock = path, clock
        try:
            self._last = int(path.read_text()) if path.exists() else 0
        except (OSError, ValueError) as error:
            raise StartError(
                f"{path} cannot be read ({error}): remove it if the clock is right, which it must be then"
            ) from error
        if not 0 <= self._last < CEILING:
            raise StartError(f"{path} holds {self._last}, which is no count: remove it")
        self._reserved = self._last

    def __call__(self) -> int:
        """Return the next number."""
        self._last = max(self._last + 1, self._clock())
        if self._last >= self._reserved:
            self._reserved = self._last + AHEAD
            write_atomically(self._path, str(self._reserved).encode())
        return self._last
