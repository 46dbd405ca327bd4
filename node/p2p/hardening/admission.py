"""How many at a time: unfinished handshakes by address, streams by peer.

What stock does: accepts any number of sockets and waits ten seconds for each handshake, so a
thousand silent ones hold a thousand tasks; and runs any number of streams of one peer.
"""

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

__all__ = ["Admission", "ByteBudget"]

_K = TypeVar("_K", bound=Hashable)


class Admission(Generic[_K]):
    """Counts who is inside, and admits up to a bound for each key and in all."""

    def __init__(self, each: int, total: int | None = None) -> None:
        self._each = each
        self._total = total
        self._inside: Counter[_K] = Counter()
        self._count = 0

    def __len__(self) -> int:
        """Return how many are inside."""
        return self._count

    def inside(self, key: _K) -> int:
        """Return how many of one key are inside."""
        return self._inside[key]

    @contextmanager
    def enter(self, key: _K) -> Iterator[bool]:
        """Yield whether one more of this key may come in; it leaves with the block."""
        full = self._total is not None and self._count >= self._total
        if full or self._inside[key] >= self._each:
            yield False
            return
        self._inside[key] += 1
        self._count += 1
        try:
            yield True
        finally:
            self._count -= 1
            self._inside[key] -= 1
            if not self._inside[key]:
                del self._inside[key]


class ByteBudget(Generic[_K]):
    """Counts bytes that are held for somebody, and refuses beyond a bound for each and in all."""

    def __init__(self, each: int, total: int) -> None:
        self._each = each
        self._total = total
        self._held: Counter[_K] = Counter()
        self.held = 0

    def take(self, key: _K, size: int) -> bool:
        """Return whether so many more bytes may be held for somebody, and count them if so."""
        if self._held[key] + size > self._each or self.held + size > self._total:
            if not self._held[key]:
                del self._held[key]
            return False
        self._held[key] += size
        self.held += size
        return True

    def give_back(self, key: _K, size: int) -> None:
        """Count bytes that are held no longer."""
        self.held -= size
        self._held[key] -= size
        if not self._held[key]:
            del self._held[key]
