"""What users have asked for: a task as it was submitted, kept until it has ended and after."""

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

__all__ = ["Kept", "TaskSpec", "Tasks"]


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


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(TaskSpec)
_SELECT: Final = "SELECT task_id, spec, submitted_ms, auction, is_cancelled, ended FROM task"


class Tasks:
    """The table ``task``."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def add(self, tasks: Sequence[tuple[TaskId, TaskSpec]]) -> list[Kept]:
        """Keep tasks, all or none, and return them; when this returns they are not forgotten any more.

        Raises:
            DatabaseError: the disk has failed or is full.
        """
        now = time.time_ns() // 10**6
        rows = [(task, _ENCODER.encode(spec), now) for task, spec in tasks]
        statement = "INSERT INTO task (task_id, spec, submitted_ms) VALUES (?, ?, ?)"

        def write(db: Database) -> None:
            for row in rows:
                db.execute(statement, row)

        await self._db.run(write)
        return [_kept(*row, None, 0, None) for row in rows]

    def get(self, task: bytes) -> Kept | None:
        """Return a task."""
        row = self._db.execute(f"{_SELECT} WHERE task_id = ?", (task,)).fetchone()
        return None if row is None else _kept(*row)

    def newest(self, limit: int = 100) -> list[Kept]:
        """Return tasks, the newest first."""
        rows = self._db.execute(f"{_SELECT} ORDER BY rowid DESC LIMIT ?", (limit,))
        return [_kept(*row) for row in rows]

    def open(self) -> Iterator[Kept]:
        """Yield tasks that have not ended, the oldest first."""
        rows = self._db.execute(f"{_SELECT} WHERE ended IS NULL ORDER BY rowid").fetchall()
        return (_kept(*row) for row in rows)

    def called(self, task: bytes, auction: AuctionId) -> None:
        """Note in which auction a task is; part of the batch that is open."""
        self._db.execute("UPDATE task SET auction = ? WHERE task_id = ?", (auction, task))

    def cancel(self, task: bytes) -> None:
        """Note that its user wants a task no more; part of the batch that is open."""
        self._db.execute("UPDATE task SET is_cancelled = 1 WHERE task_id = ?", (task,))

    async def requeue(self, task: bytes, auction: AuctionId) -> bool:
        """Let a task wait again, if it is still in that auction; return whether it does.

        Raises:
            DatabaseError: the disk has failed or is full.
        """
        statement = (
            "UPDATE task SET auction = NULL WHERE task_id = ? AND auction = ? AND ended IS NULL"
        )
        return await self._db.run(lambda db: db.execute(statement, (task, auction)).rowcount == 1)

    async def end(self, task: bytes, how: str) -> bool:
        """Note how a task has ended, once; return whether this was the first time.

        Raises:
            DatabaseError: the disk has failed or is full.
        """
        statement = "UPDATE task SET ended = ? WHERE task_id = ? AND ended IS NULL"
        return await self._db.run(lambda db: db.execute(statement, (how, task)).rowcount == 1)


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
