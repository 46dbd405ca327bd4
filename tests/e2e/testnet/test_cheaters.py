"""Nodes that cheat in a market of real processes: what it costs them, and that the honest ones are well."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from node.testnet.errors import UsageError
from node.testnet.handle import Testnet
from node.testnet.money import read_funds
from tests.support.node import IS_NODE
from tests.support.runtime import runtime_code

pytestmark = [pytest.mark.e2e, pytest.mark.chain, pytest.mark.market, pytest.mark.timeout(600)]

PATIENCE = 120.0
ATTEMPTS = 5
SILENCE = 30.0
"""Seconds in which a silent buyer's provider is paid, with much to spare."""
TEXT = {"text": "Ships sail. Ships sail the sea in storms. The harbour sleeps. Nobody sees it."}


def until(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.2)


def submit(testnet: Testnet, buyer: str, *options: str) -> Any:
    """Have a text summarised; return what the command says."""
    done = subprocess.run(
        [sys.executable, "-m", "ainur", "submit", "text.summarize", "--input", json.dumps(TEXT),
         "--budget", "1 AINU", "--json", "--data-dir", str(testnet.data_dir(buyer)), *options],
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 2), done.stdout + done.stderr
    return json.loads(done.stdout)


def until_paid(testnet: Testnet, buyer: str, seller: str, *options: str) -> None:
    """Submit until a seller has gained: on a busy machine a bid may miss its window of half a second."""
    before = score(testnet, seller)
    for _ in range(ATTEMPTS):
        submit(testnet, buyer, *options)
        give_up = time.monotonic() + SILENCE
        while time.monotonic() < give_up:
            if score(testnet, seller) > before:
                return
            time.sleep(0.2)
    raise AssertionError(f"{seller} was not paid")


def score(testnet: Testnet, name: str) -> int:
    account = testnet.node(name).account
    return read_funds(testnet.chain_url, [account])[account].score


@pytest.mark.testnet(
    nodes=2, fresh=True, backend="node" if IS_NODE else "embedded", windows=(20, 20, 20)
)
def test_cheaters_win_nothing_by_it_and_nobody_waits_for_ever(testnet: Testnet) -> None:
    runtime_code()  # skips where there is none
    with pytest.raises(UsageError, match="non-revealer, late"):
        testnet.add_cheater("liar")

    # It asks least and never opens its bid: who opened theirs wins, and is paid.
    assert testnet.add_cheater("non-revealer") == "n3"
    assert testnet.node("n3").cheat == "non-revealer"
    until(lambda: testnet.api("n1").get("/v1/status")["agents"] == 2)
    before = score(testnet, "n2"), score(testnet, "n3")
    until_paid(testnet, "n1", "n2", "--wait")
    assert score(testnet, "n2") > before[0]
    assert score(testnet, "n3") <= before[1]
    testnet.kill("n3")

    # It takes the result and never releases: its silence pays the provider.
    assert testnet.add_cheater("silent-requester") == "n4"
    assert testnet.node("n4").agents == ()
    until(lambda: testnet.api("n4").get("/v1/status")["agents"] >= 1)
    until_paid(testnet, "n4", "n2")

    # It wins, accepts and delivers nothing: the buyer is not charged, and its score falls.
    assert testnet.add_cheater("non-deliverer") == "n5"
    until(lambda: "n5" in known_sellers(testnet))
    started = score(testnet, "n5")
    for _ in range(ATTEMPTS):
        submit(testnet, "n1", "--deadline", "5s", "--wait")
        if score(testnet, "n5") < started:
            break
    assert score(testnet, "n5") < started
    assert testnet.node("n1").state == "running"


def known_sellers(testnet: Testnet) -> set[str]:
    """The nodes whose agents the buyer knows."""
    by_account = {node.account: node.name for node in testnet.view.nodes}
    found = testnet.api("n1").get("/v1/find", capability="text.summarize")
    return {by_account[a] for a in by_account if a in json.dumps(found)}
