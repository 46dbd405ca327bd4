"""Which messages were seen lately.

What stock does (``libp2p.tools.timed_cache``): starts a thread for each cache, which nothing ever
stops, and measures age by the wall clock, so that a clock set back keeps messages for as long.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

__all__ = ["Seen"]

SECONDS: Final = 120.0
MESSAGES: Final = 100_000


class Seen:
    """A bounded memory of ids, oldest forgotten first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._at: OrderedDict[bytes, float] = OrderedDict()

    def __len__(self) -> int:
        """Return how many ids are remembered."""
        return len(self._at)

    def has(self, key: bytes) -> bool:
        """Return whether an id was added lately."""
        return key in self._at

    def add(self, key: bytes) -> bool:
        """Remember an id; return whether it is new."""
        now = self._clock()
        while self._at and (
            len(self._at) > MESSAGES or now - next(iter(self._at.values())) > SECONDS
        ):
            self._at.popitem(last=False)
        new = key not in self._at
        if new:
            self._at[key] = now
        return new
