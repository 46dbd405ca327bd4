"""The index by name: for each name, and each beginning of one, its agents in the order in which they are found."""

from collections.abc import Iterator
from itertools import accumulate
from typing import Any, Final, cast

from sortedcontainers import SortedList

from market.identity import AccountId
from routing.directory.entry import Entry

__all__ = ["Names"]

Row = tuple[float, int, AccountId, str]
"""Ascending: the heaviest first, then by tie-breaker, account and name."""
_NOTHING: Final[tuple[Row, ...]] = ()


class Names:
    """Rows below each name and each prefix, sorted."""

    def __init__(self) -> None:
        self._exact: dict[str, Any] = {}
        self._below: dict[str, Any] = {}

    def add(self, entry: Entry) -> None:
        """Put an agent's capabilities in."""
        for capability in entry.capabilities:
            row = _row(entry, capability.name)
            _put(self._exact, capability.name, row)
            for prefix in _prefixes(capability.name):
                _put(self._below, prefix, row)

    def remove(self, entry: Entry) -> None:
        """Take them out again."""
        for capability in entry.capabilities:
            row = _row(entry, capability.name)
            _take(self._exact, capability.name, row)
            for prefix in _prefixes(capability.name):
                _take(self._below, prefix, row)

    def named(self, name: str) -> Iterator[Row]:
        """Yield the rows of a name, best first."""
        return iter(cast("Iterator[Row]", self._exact.get(name, _NOTHING)))

    def below(self, prefix: str) -> Iterator[Row]:
        """Yield the rows of a name and of all below it, best first."""
        return iter(cast("Iterator[Row]", self._below.get(prefix, _NOTHING)))

    def counts(self) -> dict[str, int]:
        """Return how many agents have each capability."""
        return {name: len(rows) for name, rows in self._exact.items()}


def _row(entry: Entry, name: str) -> Row:
    return (-entry.weight, entry.tie, entry.account, name)


def _prefixes(name: str) -> list[str]:
    """Return ``a``, ``a.b``, ``a.b.c`` of ``a.b.c``."""
    return list(accumulate(name.split("."), lambda a, b: f"{a}.{b}"))


def _put(rows: dict[str, Any], name: str, row: Row) -> None:
    if name not in rows:
        rows[name] = SortedList()
    rows[name].add(row)


def _take(rows: dict[str, Any], name: str, row: Row) -> None:
    rows[name].remove(row)
    if not rows[name]:
        del rows[name]
