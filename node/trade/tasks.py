"""What users have asked for: a task as it was submitted, kept until it has ended and after, and its copies.

A *copy* is a task as the market knows it, with an id of its own in calls and on chain. A task has one for each replica
that its user wants, and one more each time that a replica has to be called for anew. The first copy has the task's id.
"""

import secrets
import time
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final

import attrs
import msgspec
from msgspec import Meta

from market.hashing import AuctionId, TaskId
from market.messages import Blob
from market.messages.fields import CapabilityName
from node.database import Database

__all__ = ["MAX_CALLS", "MAX_REPLICAS", "Copy", "Kept", "TaskSpec", "Tasks"]

MAX_REPLICAS: Final = 7
"""More providers for one task than anybody needs to believe them."""
MAX_CALLS: Final = 5
"""Times that one replica is called for, before its user is told that it came to nothing."""


class TaskSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A task as its user wants it."""

    capability: CapabilityName
    version: Annotated[int, Meta(ge=0, le=65_535)] = 1
    input: Blob
    budget: Annotated[int, Meta(gt=0)]
    """The most that is paid to its provider, planck; fees and deposits come on top."""
    deadline_ms: Annotated[int, Meta(gt=0)]
    """From the opening of the escrow until the result has to be on chain."""
    output_schema: dict[str, Any] | None = None
    """What a result must fit; None: any JSON."""
    check: str | None = None
    """Names a check of the requester's own, which its node knows."""
    check_command: tuple[str, ...] = ()
    """A program that checks the result; empty: none does."""
    replicas: Annotated[int, Meta(ge=1, le=MAX_REPLICAS)] = 1
    """Providers that do it, each paid by itself; what most of them say is the result."""


@attrs.frozen(kw_only=True)
class Kept:
    """A task and what became of it."""

    id: TaskId
    spec: TaskSpec
    submitted_ms: int
    """By the node's clock, Unix milliseconds."""
    auction: AuctionId | None
    """The one in which it was called last; None while it waits."""
    is_cancelled: bool
    """Whether its user wants it no more."""
    ended: str | None
    """How it ended, in a line; None while it has not."""


@attrs.frozen(kw_only=True)
class Copy:
    """A task as the market knows it."""

    id: TaskId
    task: TaskId
    """Whose copy it is."""
    replica: int
    """From 0."""
    spec: TaskSpec
    auction: AuctionId | None
    """In which it is, or was; None while it waits."""
    ended: str | None
    """How it ended, in a line; None while it has not."""


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(TaskSpec)
_SELECT: Final = (
    "SELECT task_id, spec, submitted_ms, (SELECT auction FROM copy WHERE copy.task_id = task.task_id"
    " ORDER BY auction IS NULL, copy.rowid DESC LIMIT 1), is_cancelled, ended FROM task"
)
_COPIES: Final = (
    "SELECT copy_id, copy.task_id, replica, spec, copy.auction, copy.ended"
    " FROM copy JOIN task ON task.task_id = copy.task_id"
)
_NEW_COPY: Final = "INSERT INTO copy (copy_id, task_id, replica) VALUES (?, ?, ?)"
_END_COPY: Final = "UPDATE copy SET ended = ? WHERE copy_id = ? AND ended IS NULL"


class Tasks:
    """The tables ``task`` and ``copy``."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def add(self, tasks: Sequence[tuple[TaskId, TaskSpec]]) -> None:
        """Keep tasks and their copies, all or none; when this returns they are not forgotten any more.

        Raises:
            DatabaseError: the disk has failed or is full.
        """
        now = time.time_ns() // 10**6
        rows = [(task, _ENCODER.encode(spec), now, spec.replicas) for task, spec in tasks]

        def write(db: Database) -> None:
            for *values, replicas in rows:
                db.execute(
                    "INSERT INTO task (task_id, spec, submitted_ms) VALUES (?, ?, ?)", tuple(values)
                )
                for replica in range(replicas):
                    copy = values[0] if replica == 0 else _new_id()
                    db.execute(_NEW_COPY, (copy, values[0], replica))

        await self._db.run(write)

    def get(self, task: bytes) -> Kept | None:
        """Return a task."""
        row = self._db.execute(f"{_SELECT} WHERE task_id = ?", (task,)).fetchone()
        return None if row is None else _kept(*row)

    def newest(self, limit: int = 100) -> list[Kept]:
        """Return tasks, the newest first."""
        rows = self._db.execute(f"{_SELECT} ORDER BY rowid DESC LIMIT ?", (limit,))
        return [_kept(*row) for row in rows]

    def copy(self, copy: bytes) -> Copy | None:
        """Return a copy."""
        row = self._db.execute(f"{_COPIES} WHERE copy_id = ?", (copy,)).fetchone()
        return None if row is None else _copy(*row)

    def copies(self, task: bytes) -> list[Copy]:
        """Return a task's copies, the oldest first."""
        order = f"{_COPIES} WHERE copy.task_id = ? ORDER BY copy.rowid"
        return [_copy(*row) for row in self._db.execute(order, (task,))]

    def waiting(self) -> Iterator[Copy]:
        """Yield copies that nobody was called for yet, the oldest first."""
        where = "WHERE copy.auction IS NULL AND copy.ended IS NULL"
        rows = self._db.execute(f"{_COPIES} {where} ORDER BY copy.rowid").fetchall()
        return (_copy(*row) for row in rows)

    def task_of(self, copy: bytes) -> TaskId:
        """Return whose copy something is; itself where it is none, as what others have asked for."""
        row = self._db.execute("SELECT task_id FROM copy WHERE copy_id = ?", (copy,)).fetchone()
        return TaskId(copy if row is None else row[0])

    def called(self, copy: bytes, auction: AuctionId) -> None:
        """Note in which auction a copy is; part of the batch that is open."""
        self._db.execute("UPDATE copy SET auction = ? WHERE copy_id = ?", (auction, copy))

    def cancel(self, task: bytes) -> None:
        """Note that its user wants a task no more; part of the batch that is open."""
        self._db.execute("UPDATE task SET is_cancelled = 1 WHERE task_id = ?", (task,))

    async def renew(self, copy: Copy, why: str) -> Copy | None:
        """Put a new copy in place of one that came to nothing; None where there were enough, or nobody wants one.

        Raises:
            DatabaseError: the disk has failed or is full.
        """

        def write(db: Database) -> TaskId | None:
            made = db.execute(
                "SELECT count(*) FROM copy JOIN task ON task.task_id = copy.task_id"
                " WHERE copy.task_id = ? AND replica = ? AND task.ended IS NULL AND is_cancelled = 0",
                (copy.task, copy.replica),
            ).fetchone()[0]
            if not 0 < made < MAX_CALLS:
                return None
            if db.execute(_END_COPY, (why, copy.id)).rowcount == 0:
                return None
            new = _new_id()
            db.execute(_NEW_COPY, (new, copy.task, copy.replica))
            return new

        new = await self._db.run(write)
        return None if new is None else self.copy(new)

    async def end_copy(self, copy: bytes, how: str) -> None:
        """Note how a copy has ended; what was noted first stays.

        Raises:
            DatabaseError: the disk has failed or is full.
        """
        await self._db.run(lambda db: db.execute(_END_COPY, (how, copy)))

    async def end(self, task: bytes, how: str) -> bool:
        """Note how a task has ended, once; return whether this was the first time.

        Raises:
            DatabaseError: the disk has failed or is full.
        """
        statement = "UPDATE task SET ended = ? WHERE task_id = ? AND ended IS NULL"
        return await self._db.run(lambda db: db.execute(statement, (how, task)).rowcount == 1)


def _new_id() -> TaskId:
    return TaskId(secrets.token_bytes(32))


def _kept(
    task: bytes,
    spec: bytes,
    submitted_ms: int,
    auction: bytes | None,
    is_cancelled: int,
    ended: str | None,
) -> Kept:
    return Kept(
        id=TaskId(task),
        spec=_DECODER.decode(spec),
        submitted_ms=submitted_ms,
        auction=None if auction is None else AuctionId(auction),
        is_cancelled=bool(is_cancelled),
        ended=ended,
    )


def _copy(
    copy: bytes, task: bytes, replica: int, spec: bytes, auction: bytes | None, ended: str | None
) -> Copy:
    return Copy(
        id=TaskId(copy),
        task=TaskId(task),
        replica=replica,
        spec=_DECODER.decode(spec),
        auction=None if auction is None else AuctionId(auction),
        ended=ended,
    )
