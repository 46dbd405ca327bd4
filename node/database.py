"""A node's database: one SQLite file that survives a killed process and a power cut.

It is a write-ahead log with ``synchronous = FULL``: what was committed is on the disk (NORMAL was seen to lose
acknowledged rows on simulated power cuts). One process owns it; a second is refused at once. The schema's number is in
``user_version``: an older file is brought up by :data:`_MIGRATIONS` in one transaction, a newer one is refused.

Everything that a node does at one moment is one :meth:`Database.batch`: written at once, synced once, in a thread,
while the rest of the node goes on. Whoever acts upon what it wrote does so after the batch.
"""

import logging
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Literal, Self, TypeVar

import trio

__all__ = [
    "Database",
    "DatabaseError",
    "DatabaseInUseError",
    "DuplicateRowError",
    "NewerSchemaError",
]

_LOG: Final = logging.getLogger("ainur.database")
APPLICATION_ID: Final = 0x61696E75
"""``ainu``: what ``file`` and a reader of the header see."""

T = TypeVar("T")
Synchronous = Literal["FULL", "NORMAL", "OFF"]

_MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """
        CREATE TABLE journal (           -- append-only; market.journal says what is in a row
            seq INTEGER PRIMARY KEY,
            task_id BLOB NOT NULL,
            event TEXT NOT NULL,
            payload BLOB NOT NULL,
            block INTEGER NOT NULL,
            UNIQUE (task_id, event)
        ) STRICT
        """,
        """
        CREATE TABLE counter (
            name TEXT PRIMARY KEY,
            next INTEGER NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE submission (        -- signed extrinsics, kept before they are sent
            key TEXT PRIMARY KEY,
            call TEXT NOT NULL,
            account BLOB NOT NULL,
            genesis BLOB NOT NULL,
            nonce INTEGER NOT NULL,
            era_birth INTEGER NOT NULL,
            era_period INTEGER NOT NULL,
            raw BLOB NOT NULL,
            attempt INTEGER NOT NULL,
            block INTEGER,               -- where it is on the finalised chain, once it is
            block_hash TEXT,
            place INTEGER
        ) STRICT
        """,
        """
        CREATE TABLE task (              -- what users have asked for
            task_id BLOB PRIMARY KEY,
            spec BLOB NOT NULL,
            submitted_ms INTEGER NOT NULL,
            auction BLOB,                -- NULL until it is called for
            is_cancelled INTEGER NOT NULL DEFAULT 0,
            ended TEXT                   -- how it ended; NULL while it has not
        ) STRICT
        """,
        """
        CREATE TABLE result (            -- what our agents have made; its bytes are a blob
            task_id BLOB NOT NULL,
            whose TEXT NOT NULL,
            milestone INTEGER NOT NULL,
            hash BLOB NOT NULL,
            size INTEGER NOT NULL,
            media_type TEXT NOT NULL,
            PRIMARY KEY (task_id, whose, milestone)
        ) STRICT
        """,
    ),
    (
        """
        CREATE TABLE copy (              -- a task as the market knows it
            copy_id BLOB PRIMARY KEY,    -- its id in calls and on chain
            task_id BLOB NOT NULL,
            replica INTEGER NOT NULL,
            auction BLOB,                -- NULL until it is called for
            ended TEXT                   -- how it ended; NULL while it has not
        ) STRICT
        """,
        "CREATE INDEX copy_task ON copy (task_id)",
        "CREATE INDEX copy_waiting ON copy (copy_id) WHERE auction IS NULL AND ended IS NULL",
        "INSERT INTO copy SELECT task_id, task_id, 0, auction, ended FROM task",
        "ALTER TABLE task DROP COLUMN auction",
        """
        CREATE TABLE archive (           -- rows of the journal whose cases are over for good
            seq INTEGER PRIMARY KEY,
            task_id BLOB NOT NULL,
            event TEXT NOT NULL,
            payload BLOB NOT NULL,
            block INTEGER NOT NULL
        ) STRICT
        """,
        "CREATE INDEX archive_task ON archive (task_id)",
    ),
)
"""Step i brings schema i to schema i + 1. What was released is never changed."""


class DatabaseError(Exception):
    """The database cannot be used, or the disk has failed: what was being done has not been done.

    Next: see whether the disk is full or failing (`ainur doctor`), then start the node again: it
    goes on where it was.
    """


class DatabaseInUseError(DatabaseError):
    """Another process has it.

    Next: stop the other process, or name another --data-dir.
    """


class NewerSchemaError(DatabaseError):
    """A newer program has written it.

    Next: install the newer program, or name another --data-dir.
    """


class DuplicateRowError(DatabaseError):
    """A row is there already: two drives have one journal, and this one must not go on.

    Next: stop the node that is started twice on one folder.
    """


class Database:
    """The file; what is in its tables is the affair of :mod:`node.journal` and its neighbours."""

    def __init__(self, db: sqlite3.Connection, file: Path) -> None:
        """Use :meth:`open`."""
        self._db, self._file = db, file
        self._has_told = False
        self._lock = trio.Lock()

    @classmethod
    def open(cls, file: Path, *, synchronous: Synchronous = "FULL") -> Self:
        """Open or create a database.

        Args:
            file: its folder is made if need be.
            synchronous: ``OFF`` is for tests that lose no power.

        Raises:
            DatabaseInUseError: another process has it.
            NewerSchemaError: a newer program has written it.
            DatabaseError: it is something else, damaged, or cannot be opened.
        """
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(file, isolation_level=None, timeout=1.0, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise DatabaseError(f"{file} cannot be opened: {error}") from error
        try:
            _prepare(db, file, synchronous)
        except sqlite3.OperationalError as error:
            db.close()
            if "locked" in str(error):
                raise DatabaseInUseError(
                    f"{file} is in use by another process: stop that node first"
                ) from error
            raise DatabaseError(f"{file} cannot be used: {error}") from error
        except sqlite3.DatabaseError as error:
            db.close()
            raise DatabaseError(
                f"{file} is damaged or no node's database ({error}): restore a copy, or move it away and"
                " the node takes up what is open from the chain"
            ) from error
        except DatabaseError:
            db.close()
            raise
        return cls(db, file)

    def close(self) -> None:
        """Close it; nothing can be asked afterwards."""
        self._db.close()

    def execute(self, statement: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        """Run a statement: part of the batch that is open, otherwise durable when this returns.

        Raises:
            DatabaseError: the disk has failed or is full.
            sqlite3.IntegrityError: what must be there once is there already.
        """
        try:
            return self._db.execute(statement, values)
        except sqlite3.OperationalError as error:
            raise self._failed(error) from error

    @asynccontextmanager
    async def batch(self) -> AsyncIterator[None]:
        """Make all that is written in a block one transaction, synced in a thread at its end.

        The block does not wait for anything. When it raises, or the disk fails, nothing of it was written.

        Raises:
            DatabaseError: the disk has failed or is full.
        """
        async with self._lock:
            self.execute("BEGIN IMMEDIATE")
            before = self._db.total_changes
            try:
                yield
                await self._commit(is_changed=self._db.total_changes > before)
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    async def run(self, work: Callable[[Self], T]) -> T:
        """Do something in a thread, as one transaction that is durable when this returns.

        Raises:
            DatabaseError: the disk has failed or is full.
        """

        def whole() -> T:
            self.execute("BEGIN IMMEDIATE")
            try:
                done = work(self)
                self.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
            return done

        async with self._lock:
            return await trio.to_thread.run_sync(whole)

    async def _commit(self, *, is_changed: bool) -> None:
        if not is_changed:
            self.execute("COMMIT")  # nothing to sync, so nothing to wait for
            return
        # What was decided is written, also when the node is being stopped.
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(self.execute, "COMMIT")

    def _failed(self, error: sqlite3.Error) -> DatabaseError:
        failed = DatabaseError(
            f"{self._file} cannot be written ({error}): free space on the disk, then start the node again;"
            " it goes on where it was"
        )
        if not self._has_told:  # whoever was writing, this ends the node: its log says why
            self._has_told = True
            _LOG.error("%s", failed)
        return failed


def _prepare(db: sqlite3.Connection, file: Path, synchronous: Synchronous) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and application != APPLICATION_ID:
        raise DatabaseError(f"{file} is some other program's database: name another folder")
    if version > len(_MIGRATIONS):
        raise NewerSchemaError(
            f"{file} has schema {version}, and this program knows up to {len(_MIGRATIONS)}: use the"
            " newer program, or another data folder"
        )
    # Exclusive: one process owns it, and a second one is told so at once.
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute(f"PRAGMA synchronous = {synchronous}")
    db.execute("BEGIN IMMEDIATE")
    for step in _MIGRATIONS[version:]:
        for statement in step:
            db.execute(statement)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")
    db.execute("COMMIT")
