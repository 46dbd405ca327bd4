import sqlite3
from pathlib import Path

import pytest
import trio
import trio.testing

from market.units import BlockNumber
from node.trade.life import Life

TASK, OTHER = b"t" * 32, b"o" * 32


def life_in(folder: Path) -> Life:
    return Life(folder / "life.sqlite", clock_ms=lambda: 7)


async def test_a_stream_tells_what_was_and_what_comes_then_ends_with_the_node(
    tmp_path: Path,
) -> None:
    life = life_in(tmp_path)
    life.tell(TASK, "one", BlockNumber(1), {"a": "b"})
    life.tell(OTHER, "else", BlockNumber(1), {})
    told: list[tuple[str, int]] = []

    async def watch() -> None:
        told.extend([(event.kind, event.id) async for event in life.stream(TASK)])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        await trio.testing.wait_all_tasks_blocked()
        life.tell(TASK, "two", BlockNumber(2), {})
        await trio.testing.wait_all_tasks_blocked()
        life.end_streams()
    assert told == [("one", 1), ("two", 3), ("stream-ended", 3)]
    life.close()


async def test_a_stream_goes_on_after_an_id_over_a_restart(tmp_path: Path) -> None:
    life = life_in(tmp_path)
    for number in range(5):
        life.tell(TASK, f"k{number}", BlockNumber(number), {})
    life.close()
    life = life_in(tmp_path)
    life.tell(TASK, "k5", BlockNumber(5), {})
    assert [event.kind for event in life.past(TASK, after=3)] == ["k3", "k4", "k5"]
    stream = life.stream(TASK, after=5)
    assert (await anext(stream)).kind == "k5"
    life.close()


async def test_two_watchers_are_told_the_same(tmp_path: Path) -> None:
    life = life_in(tmp_path)
    told: list[list[int]] = [[], []]

    async def watch(into: list[int]) -> None:
        into.extend([event.id async for event in life.stream()])

    async with trio.open_nursery() as nursery:
        for into in told:
            nursery.start_soon(watch, into)
        for number in range(20):
            life.tell(TASK if number % 2 else OTHER, "k", BlockNumber(number), {})
            if number % 5 == 0:
                await trio.testing.wait_all_tasks_blocked()
        await trio.testing.wait_all_tasks_blocked()
        life.end_streams()
    assert told[0] == told[1] == [*range(1, 21), 20]
    life.close()


def test_a_file_of_another_format_is_begun_anew(tmp_path: Path) -> None:
    life = life_in(tmp_path)
    life.tell(TASK, "old", BlockNumber(1), {})
    life.close()
    db = sqlite3.connect(tmp_path / "life.sqlite")
    db.execute("PRAGMA user_version = 99")
    db.close()
    life = life_in(tmp_path)
    assert life.past() == []
    life.close()


def test_a_full_disk_loses_events_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    life = life_in(tmp_path)
    life.tell(TASK, "one", BlockNumber(1), {})
    (pages,) = life._db.execute("PRAGMA page_count").fetchone()
    life._db.execute(f"PRAGMA max_page_count = {pages}")
    for _ in range(200):
        life.tell(TASK, "more", BlockNumber(2), {"a": "b" * 100})
    assert "free space on the disk" in caplog.text
    assert life.past(TASK)[0].kind == "one"
    life.close()
