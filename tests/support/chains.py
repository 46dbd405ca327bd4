"""What tests of the dev chain share: a clock that stands still, and a watcher that remembers."""

from chain.devchain.pool import Status

START = 1_700_000_000_000
"""Milliseconds since 1970 at which a test's time starts."""


class Clock:
    """Milliseconds since 1970 that pass only when told."""

    def __init__(self) -> None:
        self.millis = START

    def __call__(self) -> int:
        return self.millis


class Watched(list[Status]):
    """What a transaction's watcher was told."""

    def __call__(self, status: Status) -> None:
        self.append(status)

    @property
    def kinds(self) -> list[str]:
        return [status.kind for status in self]
