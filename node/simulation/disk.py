"""A disk that keeps what was synced, and of the rest what a torn write leaves."""

from random import Random

from market.cases import CaseKey
from market.journal import Row
from market.messages import Blob
from market.ports import Submission

__all__ = ["Disk", "DuplicateRowError"]


class DuplicateRowError(Exception):
    """A row is there already: two drives have one journal."""


class Disk:
    """One node's disk: a journal, a counter, results, and submissions that were signed."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._names: set[tuple[bytes, str]] = set()
        self._unsynced: list[Row] = []
        self.numbers = 0
        self.results: dict[tuple[CaseKey, int], Blob] = {}
        """By case and milestone: what the agent has made."""
        self.submissions: dict[str, Submission] = {}
        """By key: what was signed, stored before it is sent."""

    def append(self, row: Row) -> None:
        """Write a row; it is safe only once :meth:`sync` has returned."""
        name = (row.task_id, row.event)
        if name in self._names:
            raise DuplicateRowError(row.event)
        self._names.add(name)
        self._unsynced.append(row)

    def sync(self) -> None:
        """Make safe what was written."""
        self.rows += self._unsynced
        self._unsynced = []

    def crash(self, rng: Random) -> None:
        """Lose the power: of what was not synced, some first part may be there."""
        self.rows += self._unsynced[: rng.randint(0, len(self._unsynced))]
        self._unsynced = []
        self._names = {(row.task_id, row.event) for row in self.rows}
