"""Agents that know nothing of any market stand behind a node, win a bid, and are paid."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.agent_servers import served
from tests.support.towns import BUYER, Town, until

pytestmark = [pytest.mark.e2e, pytest.mark.chain, pytest.mark.market, pytest.mark.timeout(400)]

DECLARED = """
from ainur import agent

TERMS = {{"price": "0.01 AINU", "input_schema": {{"type": "object", "required": ["text"]}}}}
a2a = agent.a2a("{a2a}", text="$text", capability="text.wordcount", **TERMS)
http = agent.http("{http}", capability="endpoint.http", **TERMS)
mcp = agent.mcp("count", url="{mcp}/mcp", capability="endpoint.mcp", **TERMS)
"""
ASKED = {
    "text.wordcount": {"text": "6 words"},
    "endpoint.http": {"words": 6, "key": False},
    "endpoint.mcp": {"words": 6},
}
"""By capability: what its server answers to six words. The first is sold by two more nodes, at twice the price."""


@pytest.fixture(scope="module")
def node(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A node in front of three servers."""
    file: Path = tmp_path_factory.mktemp("declared") / "endpoints.py"
    with served("a2a") as a2a, served("http") as http, served("mcp") as mcp:
        file.write_text(DECLARED.format(a2a=a2a, http=http, mcp=mcp))
        name = town.testnet.add_agent(file, network=True)
        town.until_known(3)
        yield name


@pytest.mark.parametrize("capability", ASKED)
def test_an_unmodified_server_wins_a_bid_and_is_paid(
    town: Town, node: str, capability: str
) -> None:
    def is_known() -> bool:
        found = town.testnet.api(BUYER).get("/v1/find", capability=capability)["matches"]
        return town.testnet.view.node(node).account in {each["agent"]["account"] for each in found}

    until(is_known)
    task = town.submit(capability=capability, input={"text": "to be or not to be"})
    assert town.winner(task) == node
    assert town.ended(task).startswith("released: paid ")
    assert town.result(task) == ASKED[capability]
    town.require_all_is_well(task)
