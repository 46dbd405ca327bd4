"""The fixture ``testnet``: real processes, and what becomes of them under each fault."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from node.chainhost.client import Client
from node.testnet.errors import StartError, UsageError
from node.testnet.handle import CHAIN, Testnet
from node.testnet.money import read_funds
from node.testnet.plan import BOND, ENDOWMENT
from tests.support.node import IS_NODE
from tests.support.runtime import runtime_code

pytestmark = [
    pytest.mark.market,
    *(pytest.mark.e2e, pytest.mark.chain, pytest.mark.timeout(300)),
    pytest.mark.testnet(nodes=3, backend="node" if IS_NODE else "embedded", windows=(20, 20, 20)),
]

PATIENCE = 60.0


@pytest.fixture(autouse=True)
def _needs_the_runtime() -> None:
    runtime_code()  # skips where there is none


def until(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def peers(testnet: Testnet, name: str) -> int:
    return int(testnet.api(name).get("/v1/status")["peers"])


def test_all_run_and_know_each_other_and_the_providers_are_bonded(testnet: Testnet) -> None:
    view = testnet.view
    assert [node.name for node in view.nodes] == ["n1", "n2", "n3"]
    assert all(node.state == "running" for node in view.nodes)
    assert len({node.pid for node in view.nodes} | {view.chain.pid, view.pid}) == 5
    funds = read_funds(view.chain.url, [node.account for node in view.nodes])
    for node in view.nodes:
        assert funds[node.account].bond == (BOND if node.is_provider else 0)
        assert 0 <= ENDOWMENT - funds[node.account].free - funds[node.account].bond < BOND // 100
        assert bool(node.agents) == node.is_provider
        shown = testnet.api(node.name).get("/v1/status")
        assert (shown["peer_id"], shown["account"]) == (node.peer_id, node.account)
        assert shown["announces"] == list(node.agents)
        assert shown["chain"]["genesis"] == view.chain.genesis
    assert testnet.api("n1").get("/v1/status")["agents"] == 2


def test_the_chain_seals_by_interval_and_finality_lags_two_blocks(testnet: Testnet) -> None:
    client = Client(testnet.view.chain.port)
    first = client.call("dev_status")["head"]["number"]
    until(lambda: client.call("dev_status")["head"]["number"] > first + 2)
    now = client.call("dev_status")
    assert now["head"]["number"] - now["finalized"]["number"] == 2
    client.close()


def test_a_task_is_submitted_auctioned_done_and_paid(testnet: Testnet) -> None:
    text = "Ships sail. Ships sail the sea in storms. The harbour sleeps. Nobody sees it."
    before = read_funds(testnet.chain_url, [testnet.node(name).account for name in testnet.names])
    done = subprocess.run(
        [sys.executable, "-m", "ainur", "submit", "text.summarize", "--input", json.dumps({"text": text}),
         "--budget", "1 AINU", "--deadline", "30s", "--wait", "--json",
         "--data-dir", str(testnet.data_dir("n1"))],
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    after = read_funds(testnet.chain_url, list(before))
    won = [a for a in before if after[a].score > before[a].score]
    assert len(won) == 1
    assert won[0] in {testnet.node(name).account for name in ("n2", "n3")}
    buyer = testnet.node("n1").account
    assert after[won[0]].free > before[won[0]].free  # the price, less the fees of its own calls
    assert after[buyer].free < before[buyer].free


def test_a_killed_node_comes_back_where_it_was(testnet: Testnet) -> None:
    before = testnet.node("n2")
    testnet.kill("n2")
    killed = testnet.node("n2")
    assert (killed.state, killed.status, killed.pid, killed.api) == ("killed", -9, None, None)
    with pytest.raises(UsageError, match="ainur testnet start n2"):
        testnet.kill("n2")
    until(lambda: peers(testnet, "n3") == 1)
    testnet.start("n2")
    after = testnet.node("n2")
    assert after.pid not in (None, before.pid)
    assert (after.peer_id, after.multiaddr, after.api) == (
        before.peer_id,
        before.multiaddr,
        before.api,
    )
    until(lambda: peers(testnet, "n2") == 2)
    with pytest.raises(UsageError, match="running already"):
        testnet.start("n2")


def test_a_frozen_node_is_noticed_and_goes_on_as_the_same_process(testnet: Testnet) -> None:
    before = testnet.node("n3").pid
    testnet.freeze("n3")
    assert testnet.node("n3").state == "frozen"
    until(lambda: peers(testnet, "n1") == 1)
    testnet.start("n3")
    assert testnet.node("n3").pid == before
    until(lambda: peers(testnet, "n1") == 2)


def test_a_partition_cuts_both_sides_off_and_heals(testnet: Testnet) -> None:
    testnet.partition(["n1"])
    assert testnet.node("n1").refuses == ("n2", "n3")
    assert testnet.node("n3").refuses == ("n1",)
    until(lambda: [peers(testnet, name) for name in testnet.names] == [0, 1, 1])
    testnet.kill("n2")
    testnet.start("n2")  # and does not forget whom it refuses
    until(lambda: [peers(testnet, name) for name in testnet.names] == [0, 1, 1])
    testnet.heal()
    until(lambda: [peers(testnet, name) for name in testnet.names] == [2, 2, 2])


def test_a_node_that_was_frozen_learns_of_the_partition_when_it_goes_on(testnet: Testnet) -> None:
    testnet.freeze("n2")
    testnet.partition(["n2"], ["n1", "n3"])
    testnet.start("n2")
    until(lambda: [peers(testnet, name) for name in testnet.names] == [1, 0, 1])


def test_a_partition_that_makes_no_sense_is_refused(testnet: Testnet) -> None:
    for sides in ([["n1", "n2", "n3"]], [["n1"], ["n1"]], [["n9"]]):
        with pytest.raises(UsageError):
            testnet.partition(*sides)
    assert not any(node.refuses for node in testnet.view.nodes)


def test_a_killed_chain_goes_on_with_its_blocks_and_the_nodes_find_it(testnet: Testnet) -> None:
    before = testnet.view.chain
    head = testnet.api("n1").get("/v1/status")["chain"]["head"]
    testnet.kill(CHAIN)
    assert testnet.view.chain_state == "killed"
    testnet.start(CHAIN)
    after = testnet.view.chain
    assert (after.url, after.genesis) == (before.url, before.genesis)
    assert after.pid != before.pid
    until(lambda: testnet.api("n1").get("/v1/status")["chain"]["head"] > head + 4)


def test_faults_of_the_test_before_are_mended(testnet: Testnet) -> None:
    view = testnet.view
    assert view.chain_state == "running"
    assert all(node.state == "running" and not node.refuses for node in view.nodes)


AGENT = """
from ainur import agent


@agent(capability="text.shout", price="0.02 AINU")
async def shout(task):
    return {"text": task.input["text"].upper()}
"""


def test_an_agent_of_the_user_s_own_joins_and_sells(testnet: Testnet, tmp_path: Path) -> None:
    file = tmp_path / "shout.py"
    file.write_text(AGENT)
    bad = tmp_path / "bad.py"
    bad.write_text("1 / 0")
    with pytest.raises(StartError, match="n4 did not start"):
        testnet.add_agent(bad)
    assert testnet.names == ["n1", "n2", "n3"]
    assert testnet.add_agent(file) == "n4"
    added = testnet.node("n4")
    assert added.agents == ("text.shout",)
    assert read_funds(testnet.chain_url, [added.account])[added.account].bond == BOND
    until(lambda: testnet.api("n1").get("/v1/status")["agents"] == 3)
    testnet.kill("n4")
    testnet.start("n4")
    assert testnet.node("n4").agents == ("text.shout",)


@pytest.mark.testnet(nodes=1, fresh=True, seed="reset")
def test_a_single_node_both_buys_and_sells_and_is_forgotten_by_a_reset(testnet: Testnet) -> None:
    view = testnet.view
    assert view.nodes[0].is_provider
    assert view.nodes[0].agents
    mark = testnet.data_dir("n1") / "mark"
    mark.touch()
    testnet.reset()
    after = testnet.view
    assert not mark.exists()
    assert after.pid != view.pid
    assert (after.chain.genesis, after.nodes[0].account) == (
        view.chain.genesis,
        view.nodes[0].account,
    )
    assert after.data_dir == view.data_dir
