"""A chain on disk: SQLite, one transaction a block.

What is kept: every block's header and body; for recent blocks, what each changed; and the whole state at
the **base**, the oldest block whose state is still wanted. The state of any later block is the base's
with the changes on the way applied, on whichever fork. Moving the base forward (pruning) folds changes
into it, in the same transaction as a block, every :data:`PRUNE_EVERY` blocks.

The journal is a write-ahead log with ``synchronous = FULL``: when :meth:`Store.add` has returned, the
block survives a killed process and a power cut. A chain in memory uses the same tables, without state.

The schema's number is in ``user_version``. A file of a newer program is refused, and an older one is
brought up by :data:`_MIGRATIONS`, in one transaction.
"""

import sqlite3
import struct
import weakref
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

import attrs

from chain.devchain.block import Block, decode_body, encode_body
from chain.devchain.errors import StoreError
from chain.devchain.scale import decode_compact, decode_vec, encode_compact, encode_vec
from chain.devchain.state import Changes

__all__ = ["PRUNE_EVERY", "BlockRow", "Store", "decode_changes", "encode_changes"]

APPLICATION_ID = 0x44764368
"""``DvCh``: what ``file`` and a reader of the header see."""
PRUNE_EVERY = 64
"""Blocks between two moves of the base."""
_TOP = b""
"""Name of the top trie; a child trie is named by its own key behind a 1."""

Synchronous = Literal["FULL", "NORMAL", "OFF"]

_MIGRATIONS = (
    """
    CREATE TABLE meta (
        name TEXT PRIMARY KEY,
        value BLOB NOT NULL
    ) STRICT;
    CREATE TABLE block (
        hash BLOB PRIMARY KEY,
        number INTEGER NOT NULL,
        header BLOB NOT NULL,
        body BLOB NOT NULL,
        events BLOB,               -- System.Events as it stood at the end of the block
        state_version INTEGER NOT NULL,
        changes BLOB               -- NULL once the base has passed
    ) STRICT;
    CREATE INDEX block_number ON block (number);
    CREATE TABLE canonical (       -- the best chain
        number INTEGER PRIMARY KEY,
        hash BLOB NOT NULL
    ) STRICT;
    CREATE TABLE state (           -- at the base
        trie BLOB NOT NULL,
        key BLOB NOT NULL,
        value BLOB NOT NULL,
        state_version INTEGER NOT NULL,
        PRIMARY KEY (trie, key)
    ) STRICT, WITHOUT ROWID;
    """,
)
"""Step i brings schema i to schema i + 1."""


@attrs.frozen
class BlockRow:
    """A block and what it changed."""

    block: Block
    state_version: int
    changes: Changes | None
    """None once its state was pruned."""
    events: bytes | None


class Store:
    """The tables, and nothing of what they mean."""

    def __init__(self, connection: sqlite3.Connection, keeps_state: bool) -> None:
        """Use :meth:`open` or :meth:`in_memory`."""
        self._db = connection
        self.keeps_state = keeps_state
        # A chain that nobody closed is closed with its last reference, and warns nobody.
        weakref.finalize(self, connection.close)

    @classmethod
    def in_memory(cls) -> "Store":
        """Open an empty store that ends with this object."""
        store = cls(
            sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False),
            keeps_state=False,
        )
        store._migrate(0)
        return store

    @classmethod
    def open(cls, folder: Path, synchronous: Synchronous = "FULL") -> "Store":
        """Open or create a store in a folder.

        Raises:
            StoreError: the file is not a chain, is of a newer program, is damaged, or is in use.
        """
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "chain.sqlite"
        try:
            db = sqlite3.connect(file, isolation_level=None, timeout=1.0, check_same_thread=False)
        except sqlite3.Error as error:
            raise StoreError(f"{file} cannot be opened: {error}") from error
        try:
            store = cls(db, keeps_state=True)
            store._prepare(file, synchronous)
        except sqlite3.OperationalError as error:
            db.close()
            if "locked" in str(error):
                raise StoreError(f"{file} is in use by another process; stop it first") from error
            raise StoreError(f"{file} cannot be used: {error}") from error
        except sqlite3.DatabaseError as error:
            db.close()
            raise StoreError(
                f"{file} is damaged or not a chain ({error}); move it away to start anew"
            ) from error
        except StoreError:
            db.close()
            raise
        return store

    def _prepare(self, file: Path, synchronous: Synchronous) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if tables and application != APPLICATION_ID:
            raise StoreError(f"{file} is some other program's database; name another folder")
        if version > len(_MIGRATIONS):
            raise StoreError(
                f"{file} has schema {version}, and this program knows up to {len(_MIGRATIONS)}:"
                " use the newer program, or another folder"
            )
        # Exclusive: one process owns a chain, and a second one is told so at once.
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute(f"PRAGMA synchronous = {synchronous}")
        self._migrate(version)

    def _migrate(self, version: int) -> None:
        with self.transaction():
            for step in _MIGRATIONS[version:]:
                for statement in _statements(step):
                    self._db.execute(statement)
            self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._db.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")

    def close(self) -> None:
        """Close the file; nothing can be asked afterwards."""
        self._db.close()

    def copy(self) -> "Store":
        """Return a store in memory with the same blocks."""
        other = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        if self.keeps_state:
            copy = Store(other, keeps_state=False)
            copy._migrate(0)
            for table in ("meta", "block", "canonical"):
                rows = self._db.execute(f"SELECT * FROM {table}")  # noqa: S608  (the names above)
                marks = ", ".join("?" * len(rows.description))
                other.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608
            return copy
        self._db.backup(other)
        return Store(other, keeps_state=False)

    def transaction(self) -> "_Transaction":
        """Make what is written in a ``with`` block one transaction."""
        return _Transaction(self._db)

    # -- writing (inside a transaction) -------------------------------------------------------

    def set_meta(self, **values: bytes) -> None:
        """Write named values."""
        self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())

    def add(self, row: BlockRow) -> None:
        """Write a block."""
        block = row.block
        changes = row.changes
        self._db.execute(
            "INSERT OR REPLACE INTO block VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                block.hash,
                block.number,
                block.header,
                encode_body(block.extrinsics),
                row.events,
                row.state_version,
                encode_changes(changes) if self.keeps_state and changes is not None else None,
            ),
        )

    def set_canonical(self, blocks: Iterable[Block], above: int | None = None) -> None:
        """Write blocks into the best chain, after taking out all above a number."""
        if above is not None:
            self._db.execute("DELETE FROM canonical WHERE number > ?", (above,))
        self._db.executemany(
            "INSERT OR REPLACE INTO canonical VALUES (?, ?)", ((b.number, b.hash) for b in blocks)
        )

    def forget(self, hashes: Iterable[bytes]) -> None:
        """Take out blocks: forks that finality has left behind."""
        self._db.executemany("DELETE FROM block WHERE hash = ?", ((h,) for h in hashes))

    def forget_bodies_below(self, number: int) -> None:
        """Take out the oldest blocks, to bound a chain in memory."""
        self._db.execute("DELETE FROM block WHERE number < ? AND number > 0", (number,))
        self._db.execute("DELETE FROM canonical WHERE number < ? AND number > 0", (number,))

    def move_base(self, rows: Iterable[BlockRow]) -> None:
        """Fold blocks' changes, the oldest first, into the state at the base."""
        for row in rows:
            if row.changes is None:
                continue
            for trie, values in _tries(row.changes):
                for key, value in values.items():
                    if value is None:
                        self._db.execute(
                            "DELETE FROM state WHERE trie = ? AND key = ?", (trie, key)
                        )
                    else:
                        self._db.execute(
                            "INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?)",
                            (trie, key, value, row.state_version),
                        )
            self._db.execute("UPDATE block SET changes = NULL WHERE hash = ?", (row.block.hash,))
            self.set_meta(base=row.block.hash)

    def rewrite(
        self,
        base: BlockRow,
        state: Iterable[tuple[bytes | None, bytes, bytes, int]],
        rows: Iterable[BlockRow],
        canonical: Iterable[Block],
    ) -> None:
        """Put other blocks in place of all above a base, and the base's state in place of ours."""
        number = base.block.number
        self._db.execute("DELETE FROM block WHERE number >= ?", (number,))
        self.set_canonical(canonical, above=number - 1)
        if self.keeps_state and self.meta()["base"] != base.block.hash:
            self._db.execute("DELETE FROM state")
            self._db.executemany(
                "INSERT INTO state VALUES (?, ?, ?, ?)",
                ((_TOP if c is None else b"\1" + c, k, v, version) for c, k, v, version in state),
            )
        self.add(base)
        for row in rows:
            self.add(row)
        self.set_meta(base=base.block.hash)

    # -- reading ------------------------------------------------------------------------------

    def meta(self) -> dict[str, bytes]:
        """Return all named values."""
        return dict(self._db.execute("SELECT name, value FROM meta"))

    def block(self, hash_: bytes) -> BlockRow | None:
        """Return a block."""
        row = self._db.execute(f"{_SELECT} WHERE hash = ?", (hash_,)).fetchone()
        return None if row is None else _block_row(row)

    def hash_at(self, number: int) -> bytes | None:
        """Return the hash of the best chain's block of that number."""
        row = self._db.execute("SELECT hash FROM canonical WHERE number = ?", (number,)).fetchone()
        return None if row is None else bytes(row[0])

    def with_changes(self) -> Iterator[BlockRow]:
        """Yield blocks above the base, by number."""
        for row in self._db.execute(f"{_SELECT} WHERE changes IS NOT NULL ORDER BY number"):
            yield _block_row(row)

    def base_state(self) -> Iterator[tuple[bytes | None, bytes, bytes, int]]:
        """Yield child key (None for the top trie), key, value and state version at the base."""
        for trie, key, value, version in self._db.execute("SELECT * FROM state ORDER BY trie, key"):
            yield (trie[1:] if trie else None), key, value, version


_SELECT = "SELECT header, body, events, state_version, changes FROM block"


def _block_row(row: tuple[bytes, bytes, bytes | None, int, bytes | None]) -> BlockRow:
    header, body, events, version, changes = row
    return BlockRow(
        Block.of(header, decode_body(body)),
        version,
        None if changes is None else decode_changes(changes),
        events,
    )


class _Transaction:
    """``BEGIN IMMEDIATE`` and ``COMMIT``; ``ROLLBACK`` when something was raised."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_rest: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")


def _statements(script: str) -> Iterator[str]:
    """Split a script: ``executescript`` would end the transaction that it runs in."""
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _tries(changes: Changes) -> Iterator[tuple[bytes, Mapping[bytes, bytes | None]]]:
    yield _TOP, changes.top
    for child, values in changes.children.items():
        yield b"\1" + child, values


def encode_changes(changes: Changes) -> bytes:
    """Encode changes: for each trie its name, a count, and keys with values or a zero."""
    parts = [struct.pack("<I", 1 + len(changes.children))]
    for trie, values in _tries(changes):
        parts += [encode_vec(trie), encode_compact(len(values))]
        for key, value in values.items():
            parts.append(encode_vec(key))
            parts.append(b"\0" if value is None else b"\1" + encode_vec(value))
    return b"".join(parts)


def decode_changes(data: bytes) -> Changes:
    """Decode what :func:`encode_changes` encoded.

    Raises:
        ValueError: the bytes end too early.
    """
    (tries,) = struct.unpack_from("<I", data)
    at = 4
    decoded: dict[bytes, dict[bytes, bytes | None]] = {}
    for _ in range(tries):
        name, at = decode_vec(data, at)
        count, at = decode_compact(data, at)
        values = decoded[name] = {}
        for _ in range(count):
            key, at = decode_vec(data, at)
            some = data[at]
            at += 1
            if some:
                value, at = decode_vec(data, at)
                values[key] = value
            else:
                values[key] = None
    top = decoded.pop(_TOP)
    return Changes(top, {name[1:]: values for name, values in decoded.items()})
