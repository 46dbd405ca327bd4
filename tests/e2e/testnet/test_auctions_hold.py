"""Auctions of real processes in which somebody or something is missing: everybody keeps what is theirs."""

from pathlib import Path

import pytest
import trio

from chain.calls.frame import TransferKeepAlive
from chain.client import open_chain
from chain.signing import signer_from_identity
from chain.stored import MemoryStore
from market.units import AINU, Planck
from node.api.client import RefusedError
from tests.support.towns import BUYER, CAPABILITY, SELLERS, Town

pytestmark = [pytest.mark.e2e, pytest.mark.chain, pytest.mark.market, pytest.mark.timeout(400)]

UNTOUCHED = "your money was not touched"


def test_a_task_is_done_by_the_cheapest_and_paid_the_price_of_the_next(town: Town) -> None:
    task = town.submit()
    assert town.ended(task).startswith("released: paid 0.0")
    books = town.require_all_is_well(task)
    [(seller, paid)] = town.paid_to(books, task).items()
    assert seller == SELLERS[0]
    assert 20 * AINU // 1_000 <= paid <= 24 * AINU // 1_000
    assert town.result(task) == {"words": 6}


def test_two_tasks_that_come_together_are_cleared_in_one_auction(town: Town) -> None:
    tasks = [town.submit(), town.submit()]
    for task in tasks:
        assert town.ended(task).startswith("released")
    books = town.require_all_is_well(*tasks)
    assert len({town.task(task)["auction"] for task in tasks}) == 1
    # Each has one slot, so each gets one.
    sellers = [seller for task in tasks for seller in town.paid_to(books, task)]
    assert sorted(sellers) == sorted(SELLERS)


def test_a_lone_bidder_is_awarded_the_task_and_paid_once(town: Town) -> None:
    with town.without(SELLERS[0]):
        task = town.submit()
        assert town.ended(task).startswith("released")
        books = town.require_all_is_well(task)
        assert list(town.paid_to(books, task)) == [SELLERS[1]]
    town.until_known(2)


def test_where_nobody_bids_the_user_is_told_and_the_money_is_untouched(town: Town) -> None:
    before = town.books()
    with town.without(SELLERS[0]), town.without(SELLERS[1]):
        task = town.submit()
        told = town.ended(task)
        assert told.startswith("no-bid: ")
        assert UNTOUCHED in told
        unknown = town.submit(capability="text.unheard-of")
        assert town.ended(unknown).startswith("no-provider: nobody is known who offers")
        books = town.require_all_is_well(task, unknown)
    assert books.free == before.free
    town.until_known(2)


def test_a_budget_below_every_cost_finds_nobody_and_costs_nothing(town: Town) -> None:
    before = town.books()
    task = town.submit(budget="0.001 AINU")
    told = town.ended(task)
    assert UNTOUCHED in told
    assert town.require_all_is_well(task).free == before.free


def test_a_withheld_reveal_delays_the_auction_and_gains_nothing(town: Town) -> None:
    cheater = town.testnet.add_cheater("non-revealer")
    try:
        town.until_known(3)
        task = town.submit()
        assert town.ended(task).startswith("released")
        books = town.require_all_is_well(task)
        [seller] = town.paid_to(books, task)
        assert seller in SELLERS
        committed = [each["provider"] for each in town.events(task) if each["kind"] == "committed"]
        revealed = [each["provider"] for each in town.events(task) if each["kind"] == "revealed"]
        account = town.testnet.node(cheater).account
        assert account in committed
        assert account not in revealed
    finally:
        town.testnet.kill(cheater)


def test_what_is_no_task_is_refused_in_a_line_before_anything_is_kept(town: Town) -> None:
    client = town.testnet.api(BUYER)
    good = {"capability": CAPABILITY, "input": {}, "budget": "1 AINU", "deadline_ms": 10_000}
    before = client.get("/v1/tasks")["tasks"]
    for wrong, words in (
        ({"capability": "Not A Name"}, "no such task"),
        ({"budget": "-1 AINU"}, "-1 AINU"),
        ({"budget": "1 planck"}, "the least is"),
        ({"deadline_ms": 1}, "at least"),
        ({"deadline_ms": 10**12}, "at most"),
        ({"output_schema": {"type": "nonsense"}}, "schema"),
        ({"check": "nobody knows it"}, "no check"),
        ({"mode": "nonsense"}, "mode"),
    ):
        with pytest.raises(RefusedError, match=words) as refused:
            client.post("/v1/tasks", {**good, **wrong})
        assert "\n" not in str(refused.value)
    assert client.get("/v1/tasks")["tasks"] == before


def test_an_input_that_no_provider_takes_is_told_and_costs_nothing(town: Town) -> None:
    before = town.books()
    task = town.submit(input={"words": "in the wrong place"})
    told = town.ended(task)
    assert told.startswith("refused: ")
    assert UNTOUCHED in told
    assert town.require_all_is_well(task).free == before.free


def test_work_that_fails_is_given_back_and_its_price_with_it(town: Town) -> None:
    task = town.submit(input={"text": 5})
    assert town.ended(task).startswith("refunded: nothing was paid")
    books = town.require_all_is_well(task)
    assert town.paid_to(books, task) == {}


def test_a_node_short_of_funds_is_told_so_before_anybody_is_asked(
    town: Town, tmp_path: Path
) -> None:
    file = tmp_path / "idle.py"
    file.write_text(
        "from ainur import agent\n\n\n"
        '@agent(capability="text.idle", price="1 AINU")\n'
        "async def idle(task):\n    return {}\n"
    )
    poor = town.testnet.add_agent(file)
    try:
        town.until_known(2, buyer=poor)
        trio.run(_give_away, town, poor)
        task = town.submit(buyer=poor, budget="50 AINU")
        told = town.ended(task, poor)
        assert told.startswith("no-funds: it may cost")
        assert "fund it" in told
        town.require_all_is_well(task, node=poor)
    finally:
        town.testnet.kill(poor)


async def _give_away(town: Town, name: str) -> None:
    """Leave a node with less than two AINU that it may spend."""
    identity = next(m.identity for m in town.plan.spares if m.name == name)
    async with open_chain(town.url, MemoryStore()) as chain:
        free = await chain.free_balance(identity.account)
        arbiter = town.plan.arbiter.identity.account
        call = TransferKeepAlive(arbiter, Planck(free - 2 * AINU))
        await chain.submit("give away", call, signer_from_identity(identity))
