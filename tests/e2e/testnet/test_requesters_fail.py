"""A requester that is killed or frozen at every step of its task, and a chain that goes: the task goes on."""

from collections.abc import Iterator
from typing import Any

import pytest

from node.testnet.handle import CHAIN
from tests.support.towns import BUYER, SELLERS, Town, until

pytestmark = [pytest.mark.e2e, pytest.mark.chain, pytest.mark.market, pytest.mark.timeout(400)]


@pytest.fixture(autouse=True)
def _all_run(town: Town) -> Iterator[None]:
    yield
    town.mend()


STEPS: list[tuple[str, dict[str, Any]]] = [
    *((kind, {}) for kind in ("submitted", "called", "committed", "closed", "award", "concluded")),
    *((kind, {}) for kind in ("proposed", "signed")),
    ("escrow", {"state": "Accepted"}),
    ("progress", {}),
    ("escrow", {"state": "Delivered"}),
    *((kind, {}) for kind in ("checked", "settled")),
]


@pytest.mark.parametrize(
    ("step", "fields"), STEPS, ids=["-".join([k, *f.values()]) for k, f in STEPS]
)
def test_a_requester_killed_after_a_step_goes_on_when_it_is_back(
    town: Town, step: str, fields: dict[str, Any]
) -> None:
    task = town.submit(seconds=0.5)
    town.wait_for(task, step, **fields)
    town.restart(BUYER)
    assert town.ended(task).startswith("released"), town.events(task)
    books = town.require_all_is_well(task)
    assert len(town.paid_to(books, task)) == 1
    assert town.result(task) == {"words": 6}


def test_a_requester_that_stays_away_pays_by_its_silence(town: Town) -> None:
    task = town.submit(seconds=0.5)
    seller = town.winner(task)
    town.wait_for(task, "escrow", state="Accepted")
    with town.without(BUYER):
        town.wait_for(task, "settled", seller)
    assert town.ended(task).startswith("released")
    books = town.require_all_is_well(task)
    assert list(town.paid_to(books, task)) == [seller]


@pytest.mark.parametrize("step", ["called", "award", "signed"])
def test_a_requester_frozen_after_a_step_goes_on_when_it_thaws(town: Town, step: str) -> None:
    task = town.submit(seconds=0.5)
    town.wait_for(task, step)
    town.testnet.freeze(BUYER)
    before = town.books().block.number
    until(lambda: town.books().block.number > before + 20)
    town.testnet.start(BUYER)
    assert town.ended(task).startswith("released"), town.events(task)
    books = town.require_all_is_well(task)
    assert len(town.paid_to(books, task)) == 1


@pytest.mark.parametrize("step", ["called", "signed", "progress"])
def test_a_chain_that_was_killed_delays_a_task_and_no_more(town: Town, step: str) -> None:
    task = town.submit(seconds=0.5)
    town.wait_for(task, step)
    town.restart(CHAIN)
    assert town.ended(task).startswith("released"), town.events(task)
    books = town.require_all_is_well(task)
    [seller] = town.paid_to(books, task)
    assert seller in SELLERS
