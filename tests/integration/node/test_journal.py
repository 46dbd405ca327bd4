import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import apsw
import pytest
import trio

from chain.eras import Era
from chain.session import BlockRef
from chain.stored import Place, Submission
from chain.units import Blocks, Nonce
from market.hashing import GenesisHash
from market.identity import AccountId
from market.journal import Row
from market.units import BlockNumber
from node import journal as journals
from node.database import (
    Database,
    DatabaseError,
    DatabaseInUseError,
    DuplicateRowError,
    NewerSchemaError,
)
from node.journal import Journal, Numbers, Submissions
from tests.support.powerloss import Recorder

pytestmark = pytest.mark.integration


def row(number: int, task: bytes = b"t" * 32) -> Row:
    return Row(task, f"auction//{number:06d}/HeadMoved", b"payload", BlockNumber(number))


def submission(key: str, place: Place | None = None, attempt: int = 1) -> Submission:
    return Submission(
        key=key,
        call="Escrow.release",
        account=AccountId(b"a" * 32),
        genesis=GenesisHash(b"g" * 32),
        nonce=Nonce(7),
        era=Era(BlockNumber(100), Blocks(256)),
        raw=b"signed",
        attempt=attempt,
        place=place,
    )


def test_rows_come_back_in_order_after_a_restart(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "node.sqlite")
    journal = Journal(database)
    rows = [row(n, bytes([n % 3]) * 32) for n in range(20)]
    for each in rows:
        journal.append(each)
    database.close()
    again = Database.open(tmp_path / "node.sqlite")
    assert list(Journal(again).load()) == rows
    again.close()


def test_what_is_put_away_is_not_loaded_and_can_still_be_read(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "node.sqlite")
    journal = Journal(database)
    mine, other = b"m" * 32, b"o" * 32
    rows = [row(n, name) for n in range(3) for name in (mine, other)]
    similar = Row(mine, "auction_/000000/HeadMoved", b"payload", BlockNumber(1))
    for each in (*rows, similar):
        journal.append(each)
    journal.retire(mine, "auction//")
    assert list(journal.load()) == [*rows[1::2], similar]
    assert journal.archived(mine) == rows[::2]
    assert journal.archived(other) == []
    database.close()


def test_the_archive_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "ARCHIVED", 10)
    database = Database.open(tmp_path / "node.sqlite", synchronous="OFF")
    journal = Journal(database)
    for task in range(20):
        name = bytes([task]) * 32
        journal.append(row(0, name))
        journal.retire(name, "auction//")
    kept = [task for task in range(20) if journal.archived(bytes([task]) * 32)]
    assert kept == list(range(10, 20))
    database.close()


async def test_submissions_that_nobody_asks_for_are_forgotten_by_their_prefix(
    tmp_path: Path,
) -> None:
    database = Database.open(tmp_path / "node.sqlite", synchronous="OFF")
    store = Submissions(database)
    for key in ("task/a/open", "task/a/release/0", "task/ab/open", "auction/a/anchor"):
        await store.save(submission(key))
    store.forget("task/a/")
    assert await store.load("task/a/open") is None
    assert await store.load("task/a/release/0") is None
    assert await store.load("task/ab/open") is not None
    assert await store.load("auction/a/anchor") is not None
    database.close()


def test_a_row_that_is_there_is_refused_and_the_first_one_kept(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "node.sqlite")
    journal = Journal(database)
    journal.append(row(1))
    with pytest.raises(DuplicateRowError, match="stop the other node"):
        journal.append(Row(b"t" * 32, row(1).event, b"other", BlockNumber(9)))
    assert list(journal.load()) == [row(1)]
    database.close()


async def test_a_batch_that_raises_leaves_nothing_behind(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "node.sqlite")
    journal, numbers = Journal(database), Numbers(database, lambda: 1)

    async def fail() -> None:
        async with database.batch():
            journal.append(row(1))
            numbers.reserve(10)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert list(journal.load()) == []
    assert numbers.reserve(1) == 1
    async with database.batch():
        journal.append(row(1))
    assert list(journal.load()) == [row(1)]
    database.close()


async def test_a_batch_that_is_cancelled_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "node.sqlite")
    journal = Journal(database)
    with trio.CancelScope() as scope:
        async with database.batch():
            journal.append(row(1))
            journal.append(row(2))
            scope.cancel()
    kept = list(journal.load())
    assert kept in ([], [row(1), row(2)])
    journal.append(row(3))  # and the database goes on
    database.close()


async def test_what_is_saved_during_a_batch_waits_for_it(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "node.sqlite")
    journal, store = Journal(database), Submissions(database)
    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(store.save, submission(f"k{number}"))
            async with database.batch():
                journal.append(row(number))
    assert len(list(journal.load())) == 20
    assert [await store.load(f"k{n}") for n in range(20)] == [
        submission(f"k{n}") for n in range(20)
    ]
    database.close()


def test_numbers_rise_over_restarts_and_over_a_lost_database(tmp_path: Path) -> None:
    clock = iter([1_000_000, 1, 1_005_000, 2_000_000])
    seen = []
    for _ in range(3):
        database = Database.open(tmp_path / "node.sqlite")
        numbers = Numbers(database, lambda: next(clock))
        seen.append(numbers.reserve(1024))
        database.close()
    assert seen == [1_000_000, 1_001_024, 1_005_000]
    (tmp_path / "node.sqlite").unlink()
    database = Database.open(tmp_path / "node.sqlite")
    assert Numbers(database, lambda: next(clock)).reserve(1) > seen[-1]
    database.close()


async def test_submissions_come_back_as_they_were_saved_last(tmp_path: Path) -> None:
    place = Place(BlockRef(BlockNumber(120), "0xabc"), 3)
    database = Database.open(tmp_path / "node.sqlite")
    store = Submissions(database)
    await store.save(submission("one"))
    await store.save(submission("one", attempt=2))
    await store.save(submission("two", place))
    assert await store.load("none") is None
    database.close()
    database = Database.open(tmp_path / "node.sqlite")
    store = Submissions(database)
    assert await store.load("one") == submission("one", attempt=2)
    assert await store.load("two") == submission("two", place)
    database.close()


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "node.sqlite")
    script = (
        "import sys; from pathlib import Path; from node.database import Database\n"
        "Database.open(Path(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "node.sqlite")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert DatabaseInUseError.__name__ in done.stderr
    assert "stop that node first" in done.stderr
    database.close()


@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        ("PRAGMA user_version = 99", NewerSchemaError, "use the newer program"),
        ("PRAGMA application_id = 7", DatabaseError, "some other program's"),
    ],
)
def test_a_file_of_another_program_is_refused_and_left_alone(
    tmp_path: Path, spoil: str, error: type[Exception], words: str
) -> None:
    file = tmp_path / "node.sqlite"
    database = Database.open(file)
    Journal(database).append(row(1))
    database.close()
    db = sqlite3.connect(file)
    db.execute(spoil)
    db.close()
    before = file.read_bytes()
    with pytest.raises(error, match=words):
        Database.open(file)
    assert file.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "node.sqlite"
    file.write_bytes(b"no database at all" * 100)
    with pytest.raises(DatabaseError, match="damaged or no node's"):
        Database.open(file)


async def test_a_full_disk_costs_the_batch_and_says_what_to_do(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "node.sqlite")
    journal = Journal(database)
    journal.append(row(1))
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {pages}")

    async def fill() -> None:
        async with database.batch():
            for number in range(2, 2000):
                journal.append(row(number))

    with pytest.raises(DatabaseError, match="free space"):
        await fill()
    assert list(journal.load()) == [row(1)]
    database.execute("PRAGMA max_page_count = 1000000")
    journal.append(row(2))
    database.close()


CHILD = """
import sys
from pathlib import Path
import trio
from node.database import Database
from node.journal import Journal, Numbers
from tests.integration.node.test_journal import row

async def main():
    database = Database.open(Path(sys.argv[1]))
    journal, numbers = Journal(database), Numbers(database, lambda: 1)
    number = len(list(journal.load()))
    while True:
        async with database.batch():
            journal.append(row(number))
            reserved = numbers.reserve(4)
        print(number, reserved, flush=True)
        number += 1

trio.run(main)
"""


def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    rng = random.Random(11)
    file = tmp_path / "node.sqlite"
    last, reserved = -1, 0
    for _ in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(file)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        assert child.stdout is not None
        for _ in range(rng.randint(1, 80)):
            last, reserved = map(int, child.stdout.readline().split())
        os.kill(child.pid, signal.SIGKILL)
        for line in child.stdout.read().splitlines(keepends=True):
            if line.endswith("\n"):  # told before the kill, read after it
                last, reserved = map(int, line.split())
        child.wait()
        child.stdout.close()
        database = Database.open(file)
        rows = list(Journal(database).load())
        assert rows == [row(n) for n in range(len(rows))]
        assert len(rows) > last
        assert Numbers(database, lambda: 1).reserve(4) > reserved
        database.close()


@pytest.mark.parametrize("seed", range(4))
def test_nothing_acknowledged_is_lost_when_the_power_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    recorder, rng = Recorder(), random.Random(seed)
    with recorder.recording() as vfs, monkeypatch.context() as patch:

        def connect(file: Path, **_: object) -> apsw.Connection:
            connection = apsw.Connection(str(file), vfs=vfs)
            connection.pragma("wal_autocheckpoint", 8)  # often, so that cuts fall into it
            return connection

        patch.setattr("node.database.sqlite3.connect", connect)
        database = Database.open(tmp_path / "recorded.sqlite")
        journal = Journal(database)
        for number in range(40):
            journal.append(row(number))
            recorder.acknowledge(number)
        database.close()
    for i in range(12):
        files, acknowledged = recorder.image(rng.randint(1, len(recorder.log)), rng)
        file = tmp_path / str(i) / "recorded.sqlite"
        file.parent.mkdir()
        for name, data in files.items():
            (file.parent / name).write_bytes(data)
        again = Database.open(file)
        rows = list(Journal(again).load())
        assert rows == [row(n) for n in range(len(rows))]
        assert len(rows) > acknowledged
        again.close()
