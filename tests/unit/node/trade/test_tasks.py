"""Tasks and their copies, kept."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from market.hashing import AuctionId, TaskId
from market.messages import Blob
from node import database as databases
from node.database import Database
from node.trade.tasks import MAX_CALLS, Copy, Tasks, TaskSpec
from tests.support.settlements import hash_of

TASK = TaskId(b"t" * 32)
AUCTION = AuctionId(hash_of("auction"))
SPEC = TaskSpec(
    capability="text.x",
    input=Blob(hash=hash_of("input"), size=5, media_type="application/json"),
    budget=1_000,
    deadline_ms=1_000,
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.open(tmp_path / "node.sqlite", synchronous="OFF")
    yield database
    database.close()


async def added(database: Database, replicas: int = 1) -> Tasks:
    tasks = Tasks(database)
    await tasks.add([(TASK, msgspec.structs.replace(SPEC, replicas=replicas))])
    return tasks


async def test_the_first_copy_has_the_task_s_own_id_and_the_others_one_each(
    database: Database,
) -> None:
    tasks = await added(database, 3)
    copies = tasks.copies(TASK)
    assert copies[0].id == TASK
    assert len({copy.id for copy in copies}) == 3
    assert [copy.replica for copy in copies] == [0, 1, 2]
    assert [copy.id for copy in tasks.waiting()] == [copy.id for copy in copies]
    assert {tasks.task_of(copy.id) for copy in copies} == {TASK}
    assert tasks.task_of(b"o" * 32) == b"o" * 32


async def test_a_copy_that_was_called_for_waits_no_more(database: Database) -> None:
    tasks = await added(database)
    kept = tasks.get(TASK)
    assert kept is not None
    assert kept.auction is None
    tasks.called(TASK, AUCTION)
    assert list(tasks.waiting()) == []
    kept = tasks.get(TASK)
    assert kept is not None
    assert kept.auction == AUCTION


async def test_a_copy_is_renewed_a_few_times_and_each_only_once(database: Database) -> None:
    tasks = await added(database)
    last: Copy | None = tasks.copy(TASK)
    made = []
    while last is not None:
        made.append(last)
        tasks.called(last.id, AUCTION)
        renewed = await tasks.renew(last, "unsigned: we were away")
        if renewed is not None:
            assert await tasks.renew(last, "again") is None
        last = renewed
    assert len(made) == len(tasks.copies(TASK)) == MAX_CALLS
    assert [copy.ended for copy in tasks.copies(TASK)][:-1] == ["unsigned: we were away"] * 4
    kept = tasks.get(TASK)
    assert kept is not None
    assert kept.auction == AUCTION


async def test_what_is_cancelled_or_has_ended_is_not_renewed(database: Database) -> None:
    tasks = await added(database)
    copy = tasks.copy(TASK)
    assert copy is not None
    tasks.cancel(TASK)
    assert await tasks.renew(copy, "x: y") is None
    await tasks.end_copy(TASK, "cancelled: as was wanted")
    await tasks.end_copy(TASK, "another: end")
    assert [each.ended for each in tasks.copies(TASK)] == ["cancelled: as was wanted"]
    assert await tasks.end(TASK, "cancelled: as was wanted")
    assert not await tasks.end(TASK, "again: no")


def test_tasks_of_an_older_database_are_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "node.sqlite"
    with monkeypatch.context() as older:
        older.setattr(databases, "_MIGRATIONS", databases._MIGRATIONS[:1])
        Database.open(file, synchronous="OFF").close()
    with sqlite3.connect(file) as db:
        spec = msgspec.msgpack.encode(SPEC)
        db.execute(
            "INSERT INTO task VALUES (?, ?, 1, ?, 0, 'released: paid')", (TASK, spec, AUCTION)
        )
    db.close()
    database = Database.open(file, synchronous="OFF")
    tasks = Tasks(database)
    [copy] = tasks.copies(TASK)
    assert (copy.id, copy.task, copy.auction, copy.ended) == (TASK, TASK, AUCTION, "released: paid")
    kept = tasks.get(TASK)
    assert kept is not None
    assert (kept.auction, kept.ended) == (AUCTION, "released: paid")
    database.close()
