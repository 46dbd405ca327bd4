"""What a node keeps of its market: the journal of its cases, its sequence numbers, what it has signed.

The tables are in the node's database (:mod:`node.database`); what a row of the journal means is :mod:`market.journal`'s.
A batch of the database is open while a drive steps, and its effects wait for the batch to end.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from chain.eras import Era
from chain.session import BlockRef
from chain.stored import Place, Submission
from chain.units import Blocks, Nonce
from market.hashing import GenesisHash
from market.identity import AccountId
from market.journal import Row
from market.units import BlockNumber
from node.database import Database, DuplicateRowError

__all__ = ["Journal", "Numbers", "Submissions"]

_ENVELOPES: Final = "envelopes"
ARCHIVED: Final = 200_000
"""Rows of cases that were put away which are kept, for those who ask what became of a task."""


class Journal:
    """The port :class:`market.ports.Journal`, over the table ``journal``."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def load(self) -> Iterator[Row]:
        """Yield all rows in the order in which they were appended."""
        rows = self._db.execute("SELECT task_id, event, payload, block FROM journal ORDER BY seq")
        for task, event, payload, block in rows:
            yield Row(task, event, payload, BlockNumber(block))

    def append(self, row: Row) -> None:
        """Save a row: in the batch that is open, otherwise at once.

        Raises:
            DuplicateRowError: it is there already.
            DatabaseError: the disk has failed or is full.
        """
        try:
            self._db.execute(
                "INSERT INTO journal (task_id, event, payload, block) VALUES (?, ?, ?, ?)",
                (row.task_id, row.event, row.payload, row.block),
            )
        except sqlite3.IntegrityError as error:
            raise DuplicateRowError(
                f"the journal has {row.event} of {row.task_id.hex()[:16]} already: stop the other node that"
                " works for this account from the same folder"
            ) from error

    def retire(self, task_id: bytes, prefix: str) -> None:
        """Put a case's rows into the archive; the oldest there go when there are too many.

        Raises:
            DatabaseError: the disk has failed or is full.
        """
        self._db.execute(
            "INSERT INTO archive (task_id, event, payload, block)"
            " SELECT task_id, event, payload, block FROM journal"
            " WHERE task_id = ?1 AND substr(event, 1, length(?2)) = ?2 ORDER BY seq",
            (task_id, prefix),
        )
        self._db.execute(
            "DELETE FROM journal WHERE task_id = ?1 AND substr(event, 1, length(?2)) = ?2",
            (task_id, prefix),
        )
        self._db.execute(
            "DELETE FROM archive WHERE seq <= (SELECT max(seq) FROM archive) - ?", (ARCHIVED,)
        )

    def archived(self, task_id: bytes) -> list[Row]:
        """Return the rows of a task, or an auction, whose cases were put away, in order."""
        rows = self._db.execute(
            "SELECT task_id, event, payload, block FROM archive WHERE task_id = ? ORDER BY seq",
            (task_id,),
        ).fetchall()
        return [
            Row(task, event, payload, BlockNumber(block)) for task, event, payload, block in rows
        ]


class Numbers:
    """The port :class:`market.ports.Numbers`, also for what else the node signs.

    They follow the clock, in nanoseconds, so that they rise even where a database was lost, and never fall
    behind themselves where the clock does.
    """

    def __init__(self, database: Database, clock: Callable[[], int] = time.time_ns) -> None:
        self._db = database
        self._clock = clock

    def reserve(self, count: int) -> int:
        """Return the first of so many numbers that nobody has been given before.

        Raises:
            DatabaseError: the disk has failed or is full.
        """
        rows = self._db.execute(
            "INSERT INTO counter VALUES (?1, ?2 + ?3)"
            " ON CONFLICT (name) DO UPDATE SET next = max(next, ?2) + ?3 RETURNING next",
            (_ENVELOPES, self._clock(), count),
        ).fetchall()
        return int(rows[0][0]) - count


_COLUMNS: Final = "key, call, account, genesis, nonce, era_birth, era_period, raw, attempt, block, block_hash, place"


class Submissions:
    """The port :class:`chain.stored.Store`, over the table ``submission``."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def load(self, key: str) -> Submission | None:
        """Return what was saved last under a key."""
        query = f"SELECT {_COLUMNS} FROM submission WHERE key = ?"  # noqa: S608  (the names above)
        row = await self._db.run(lambda db: db.execute(query, (key,)).fetchone())
        return None if row is None else _submission(*row)

    def forget(self, prefix: str) -> None:
        """Forget what nobody asks for any more: keys that begin so.

        Raises:
            DatabaseError: the disk has failed or is full.
        """
        self._db.execute(
            "DELETE FROM submission WHERE key >= ?1 AND key < ?1 || char(1114111)", (prefix,)
        )

    async def save(self, submission: Submission) -> None:
        """Save under the submission's key; durable when this returns.

        Raises:
            DatabaseError: the disk has failed or is full.
        """
        s, place = submission, submission.place
        values = (
            *(s.key, s.call, s.account, s.genesis, s.nonce, s.era.birth, s.era.period, s.raw),
            s.attempt,
            *(
                (None,) * 3
                if place is None
                else (place.block.number, place.block.hash, place.index)
            ),
        )
        marks = ", ".join("?" * len(values))
        statement = f"INSERT OR REPLACE INTO submission ({_COLUMNS}) VALUES ({marks})"  # noqa: S608  (as above)
        await self._db.run(lambda db: db.execute(statement, values))


def _submission(
    key: str,
    call: str,
    account: bytes,
    genesis: bytes,
    nonce: int,
    birth: int,
    period: int,
    raw: bytes,
    attempt: int,
    *place: Any,
) -> Submission:
    block, block_hash, index = place
    return Submission(
        key=key,
        call=call,
        account=AccountId(account),
        genesis=GenesisHash(genesis),
        nonce=Nonce(nonce),
        era=Era(BlockNumber(birth), Blocks(period)),
        raw=raw,
        attempt=attempt,
        place=None if block is None else Place(BlockRef(BlockNumber(block), block_hash), index),
    )
