"""The life of tasks, as their users watch it: one event a step, kept, streamed and logged.

What is told follows from the states of the market's cases before and after a step (:mod:`node.trade.meaning`). Events are
kept in a file of their own, apart from the journal: losing the last of them in a power cut loses no money.
"""

import json
import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Self

import attrs
import trio

from market.cases import State
from market.journal import Entry
from market.units import BlockNumber
from node.trade.meaning import describe

__all__ = ["Life", "LifeEvent", "Stream"]

_LOG: Final = logging.getLogger("ainur.task")
_FORMAT: Final = 1
_KEPT: Final = 100_000
"""Events that are kept; the oldest go first."""
_ENDED: Final = "stream-ended"


@attrs.frozen(kw_only=True)
class LifeEvent:
    """One step of a task."""

    id: int
    """Rises; a stream goes on after it."""
    task: bytes | None
    """The task's id; None for what belongs to the stream itself."""
    kind: str
    """One word or two, stable (``called``, ``award``, ``settled``)."""
    block: BlockNumber
    at_ms: int
    """By the node's clock, Unix milliseconds."""
    fields: dict[str, Any]
    """JSON; amounts are decimal strings, accounts SS58, hashes hex."""

    def as_json(self) -> dict[str, Any]:
        """Return it as the API and the log have it."""
        return {
            "id": self.id,
            "task": None if self.task is None else f"0x{self.task.hex()}",
            "kind": self.kind,
            "block": self.block,
            "at_ms": self.at_ms,
            **self.fields,
        }


class Life:
    """Keeps events, and streams them to whoever watches. It is an observer of the runner."""

    def __init__(
        self,
        file: Path,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 10**6,
        *,
        task_of: Callable[[bytes], bytes] = lambda copy: copy,
    ) -> None:
        """Open or create the file; a damaged or foreign one is begun anew, since nothing depends on it.

        Args:
            file: of the events.
            clock_ms: Unix milliseconds.
            task_of: whose copy something is that the market's cases know as a task.
        """
        self._clock, self._task_of = clock_ms, task_of
        self._db = _open(file)
        self._news = trio.Event()
        self._is_closed = False

    def close(self) -> None:
        """Close the file; every stream ends with a last event."""
        self.end_streams()
        self._db.close()

    def tell(self, task: bytes, kind: str, block: BlockNumber, fields: dict[str, Any]) -> None:
        """Keep an event, log it, and wake whoever watches; where the disk is full, it is not kept."""
        now = self._clock()
        try:
            number = self._keep((task, kind, block, now, json.dumps(fields)))
        except sqlite3.Error as error:  # the market does not depend on it
            _LOG.error("%s of %s is not kept (%s): free space on the disk", kind, task.hex(), error)
            return
        event = LifeEvent(id=number, task=task, kind=kind, block=block, at_ms=now, fields=fields)
        _LOG.info("%s", json.dumps(event.as_json(), separators=(",", ":")))
        self._ring()

    def _keep(self, row: tuple[object, ...]) -> int:
        found = self._db.execute(
            "INSERT INTO event (task, kind, block, at_ms, fields) VALUES (?, ?, ?, ?, ?) RETURNING id",
            row,
        ).fetchall()
        number = int(found[0][0])
        if number % 1_000 == 0:
            self._db.execute("DELETE FROM event WHERE id <= ?", (number - _KEPT,))
        return number

    def saw(self, entry: Entry, before: State | None, after: State) -> None:
        """Tell what a step of a case means to its tasks."""
        for task, kind, fields in describe(entry.key, before, after):
            self.tell(self._task_of(task), kind, entry.block, fields)

    def past(
        self, task: bytes | None = None, after: int = 0, limit: int = 1_000
    ) -> list[LifeEvent]:
        """Return events after an id, of one task or of all, the oldest first."""
        rows = self._db.execute(
            "SELECT id, task, kind, block, at_ms, fields FROM event"
            " WHERE id > ?1 AND (?2 IS NULL OR task = ?2) ORDER BY id LIMIT ?3",
            (after, task, limit),
        )
        return [
            LifeEvent(
                id=number,
                task=task_id,
                kind=kind,
                block=BlockNumber(block),
                at_ms=at_ms,
                fields=json.loads(fields),
            )
            for number, task_id, kind, block, at_ms, fields in rows
        ]

    def stream(self, task: bytes | None = None, after: int = 0) -> "Stream":
        """Return events after an id as they come, without end; once the node stops a last one, of kind
        ``stream-ended`` and with the id to go on after."""
        return Stream(self, task, after)

    async def next(self, task: bytes | None, after: int) -> list[LifeEvent]:
        """Return events after an id, at least one, once there are any; none once the node stops."""
        while not self._is_closed:
            news = self._news
            found = self.past(task, after)
            if found:
                return found
            await news.wait()
        return []

    def end_streams(self) -> None:
        """Let every stream end with its last event."""
        self._is_closed = True
        self._ring()

    def last_event(self, after: int) -> LifeEvent:
        """Return what a stream ends with."""
        return LifeEvent(
            id=after, task=None, kind=_ENDED, block=BlockNumber(0), at_ms=self._clock(), fields={}
        )

    def _ring(self) -> None:
        self._news.set()
        self._news = trio.Event()


class Stream:
    """Iterates over events. No generator: leaving its loop leaves nothing to be closed."""

    def __init__(self, life: Life, task: bytes | None, after: int) -> None:
        self._life, self._task, self._after = life, task, after
        self._found: deque[LifeEvent] = deque()
        self._is_over = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> LifeEvent:
        if self._is_over:
            raise StopAsyncIteration
        if not self._found:
            self._found.extend(await self._life.next(self._task, self._after))
        if not self._found:
            self._is_over = True
            return self._life.last_event(self._after)
        event = self._found.popleft()
        self._after = event.id
        return event


def _open(file: Path) -> sqlite3.Connection:
    file.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(file, isolation_level=None)
    try:
        (version,) = db.execute("PRAGMA user_version").fetchone()
    except sqlite3.DatabaseError:
        version = -1
    if version not in (0, _FORMAT):
        db.close()
        file.unlink()
        db = sqlite3.connect(file, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute(
        "CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY AUTOINCREMENT, task BLOB NOT NULL,"
        " kind TEXT NOT NULL, block INTEGER NOT NULL, at_ms INTEGER NOT NULL, fields TEXT NOT NULL) STRICT"
    )
    db.execute("CREATE INDEX IF NOT EXISTS event_task ON event (task, id)")
    db.execute(f"PRAGMA user_version = {_FORMAT}")
    return db
