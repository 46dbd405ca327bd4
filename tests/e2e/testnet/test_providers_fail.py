"""Providers that are killed, frozen, late or out of disk, at every step of a task: nobody loses what is theirs."""

import resource
from collections.abc import Iterator

import pytest

from tests.support.towns import BUYER, SELLERS, Town, until

pytestmark = [pytest.mark.e2e, pytest.mark.chain, pytest.mark.market, pytest.mark.timeout(400)]

BEST, NEXT = SELLERS
LOG_BYTES = 20_000
"""What a node may still log when its disk is full."""


@pytest.fixture(autouse=True)
def _all_run(town: Town) -> Iterator[None]:
    yield
    town.mend()


@pytest.mark.parametrize("step", ["agreed", "started", "done"])
def test_a_winner_killed_after_a_step_goes_on_when_it_is_back(town: Town, step: str) -> None:
    task = town.submit(seconds=1.0)
    town.wait_for(task, step, BEST)
    town.restart(BEST)
    assert town.ended(task).startswith("released")
    books = town.require_all_is_well(task)
    assert len(town.paid_to(books, task)) == 1
    assert town.result(task) == {"words": 6}


def test_a_winner_that_stays_away_while_it_works_expires_and_is_not_paid(town: Town) -> None:
    task = town.submit(seconds=20.0, deadline_ms=8_000)
    town.wait_for(task, "started", BEST)
    town.testnet.kill(BEST)
    assert town.ended(task).startswith("expired: nothing was paid")
    books = town.require_all_is_well(task)
    assert town.paid_to(books, task) == {}


def test_a_winner_killed_after_delivering_is_paid_once_it_shows_what_it_made(town: Town) -> None:
    task = town.submit()
    town.wait_for(task, "escrow", BEST, state="Delivered")
    town.testnet.kill(BEST)
    town.testnet.start(BEST)
    assert town.ended(task).startswith("released")
    books = town.require_all_is_well(task)
    assert list(town.paid_to(books, task)) == [BEST]


def test_a_winner_killed_before_it_is_paid_is_paid_without_it(town: Town) -> None:
    task = town.submit()
    town.wait_for(task, "checked")
    with town.without(BEST):
        assert town.ended(task).startswith("released")
    books = town.require_all_is_well(task)
    assert list(town.paid_to(books, task)) == [BEST]


def test_a_frozen_winner_goes_on_where_it_was(town: Town) -> None:
    task = town.submit(seconds=1.0)
    town.wait_for(task, "started", BEST)
    town.testnet.freeze(BEST)
    before = town.books().block.number
    until(lambda: town.books().block.number > before + 12)
    town.testnet.start(BEST)
    assert town.ended(task).startswith("released")
    books = town.require_all_is_well(task)
    assert list(town.paid_to(books, task)) == [BEST]


def test_a_winner_that_is_frozen_past_its_deadline_is_not_paid(town: Town) -> None:
    # Time enough that it bids, slow as it has been while it was frozen before.
    task = town.submit(seconds=5.0, deadline_ms=20_000)
    town.wait_for(task, "started", BEST)
    town.testnet.freeze(BEST)
    assert town.ended(task).startswith("expired: nothing was paid")
    town.testnet.start(BEST)
    books = town.require_all_is_well(task)
    assert town.paid_to(books, task) == {}


def test_who_delivers_late_is_not_paid_and_loses_score(town: Town) -> None:
    cheater = town.testnet.add_cheater("late")
    try:
        town.until_known(3)
        task = town.submit(deadline_ms=5_000)
        assert town.winner(task) == cheater
        assert town.ended(task).startswith("expired: nothing was paid")
        books = town.require_all_is_well(task)
        assert town.paid_to(books, task) == {}
    finally:
        town.testnet.kill(cheater)


@pytest.mark.parametrize("who", [BEST, BUYER])
def test_a_node_whose_disk_is_full_stops_says_why_and_goes_on_with_room(
    town: Town, who: str
) -> None:
    task = town.submit(seconds=1.0)
    town.wait_for(task, "started", BEST)
    view = town.testnet.node(who)
    assert view.pid is not None
    # Its database cannot grow any more, as on a disk that is full; its log can, for a while.
    folder = town.testnet.data_dir(who)
    most = max(file.stat().st_size for file in (folder / "node.log", folder / "crash.log"))
    most += LOG_BYTES
    assert (folder / "node.sqlite-wal").stat().st_size > most, "no write would fail"
    resource.prlimit(view.pid, resource.RLIMIT_FSIZE, (most, most))
    until(lambda: town.testnet.node(who).state == "ended")
    assert "free space on the disk, then start the node again" in town.testnet.log(who)
    assert "Traceback" not in town.testnet.log(who)
    town.testnet.start(who)
    assert town.ended(task).startswith("released")
    books = town.require_all_is_well(task)
    assert len(town.paid_to(books, task)) == 1


def test_a_winner_killed_before_it_accepts_leaves_the_task_to_the_next(town: Town) -> None:
    withholder = town.testnet.add_cheater("non-revealer")
    try:
        town.until_known(3)
        task = town.submit()
        # The one who withholds its bid keeps the auction open, while the best one is killed.
        town.wait_for(task, "revealed", provider=town.testnet.node(BEST).account)
        town.testnet.kill(BEST)
        assert town.winner(task) == BEST
        assert town.ended(task).startswith("released")
        books = town.require_all_is_well(task)
        assert list(town.paid_to(books, task)) == [NEXT]
    finally:
        town.testnet.kill(withholder)
