"""``ainur chain inspect`` says what our pallets' entries mean."""

import json

import pytest
import trio
from click.testing import CliRunner, Result

from chain.calls import escrow
from chain.client import open_chain
from market.identity import ss58_from_account
from market.standing import EscrowId
from node.cli import cli
from tests.integration.chain.conftest import QUICK, QUICK_SUBMISSION
from tests.integration.chain.test_client import ALICE, DAVE, offer
from tests.support.backends import Backend, MemoryStore

pytestmark = [pytest.mark.integration, pytest.mark.chain]


async def inspect(backend: Backend, *options: str) -> Result:
    arguments = ["chain", "inspect", "--url", backend.url, *options]
    return await trio.to_thread.run_sync(CliRunner().invoke, cli, arguments)


async def test_agents_are_shown_with_bond_and_score_and_escrows_with_who_may_act_until_when(
    backend: Backend, store: MemoryStore
) -> None:
    async with open_chain(
        backend.url, store, patience=QUICK, submission_patience=QUICK_SUBMISSION
    ) as chain:
        made = offer(await chain.genesis(), (await chain.finalized()).number, b"task")
        await chain.submit("open", escrow.Open(made), ALICE)
        record = await chain.queries.escrow(EscrowId(0))
        assert record is not None
    shown = await inspect(backend, "--json")
    assert shown.exit_code == 0, shown.output
    meaning = json.loads(shown.output)["meaning"]
    assert len(meaning["agents"]) == 6  # those of genesis
    assert sorted(agent["score"] for agent in meaning["agents"]) == [500] * 6
    assert sum(agent["may_take_on_work"] for agent in meaning["agents"]) == 4
    [each] = meaning["escrows"]
    assert (each["escrow"], each["phase"], each["until"]) == (0, "Open", record.deadline)
    assert each["provider"] == ss58_from_account(DAVE.account)
    assert {(move["who"], move["call"]) for move in each["moves"]} == {
        ("provider's operator key", "accept"), ("provider's operator key", "decline"), ("requester", "cancel"),
    }  # fmt: skip
    table = await inspect(backend)
    assert table.exit_code == 0, table.output
    assert "Escrows" in table.output
