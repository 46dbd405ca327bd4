"""What the command line says of a testnet's chain, asked as a user asks: by the testnet's name and its nodes'."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from market.units import AINU
from node.testnet.handle import Testnet
from node.testnet.plan import BOND
from tests.support.runtime import runtime_code

pytestmark = [
    pytest.mark.market,
    *(pytest.mark.e2e, pytest.mark.chain, pytest.mark.timeout(300)),
    pytest.mark.testnet(nodes=3),
]

PATIENCE = 60.0


@pytest.fixture(autouse=True)
def _needs_the_runtime() -> None:
    runtime_code()  # skips where there is none


class Ainur:
    """The command, where the testnet is one below AINUR_HOME."""

    def __init__(self, testnet: Testnet, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (home / "testnets").mkdir()
        self.name = testnet.folder.name
        (home / "testnets" / self.name).symlink_to(testnet.folder.path)
        monkeypatch.setenv("AINUR_HOME", str(home))

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "ainur", *arguments], capture_output=True, text=True,
            timeout=PATIENCE, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json").stdout)


@pytest.fixture
def ainur(testnet: Testnet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ainur:
    return Ainur(testnet, tmp_path, monkeypatch)


def until(condition: Callable[[], Any]) -> Any:
    """Wait until something is so, and return it."""
    give_up = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < give_up
        time.sleep(0.2)
    return found


def submit(ainur: Ainur, *options: str) -> str:
    """Submit a task; return its id."""
    line = ["submit", "text.language", "--input", '{"text": "Wer bin ich?"}', "--budget", "1 AINU"]
    task: str = ainur.json(*line, *options)["tasks"][0]["id"]
    return task


def test_the_auction_of_a_task_is_shown_verified_and_explained_by_its_id(ainur: Ainur) -> None:
    task = submit(ainur, "--wait")
    shown = ainur.json("auction", "show", task)
    assert [each["task"] for each in shown["tasks"]] == [task]
    assert len(shown["bids"]) == 2
    checked = ainur.json("auction", "verify", task, "--testnet", ainur.name)
    assert (checked["ok"], checked["facts_checked_against_chain"]) == (True, True)
    [winner] = ainur.json("auction", "explain", task)["winners"]
    assert winner["payment"] == shown["rounds"][0]["awards"][0]["price"]
    [escrow] = [e for e in ainur.json("escrow", "list", "--ended")["escrows"] if e["task"] == task]
    assert (escrow["state"], escrow["price"]) == ("Released", winner["payment"])
    standing = ainur.json("reputation", "show", winner["provider"])["standing"]
    assert standing["settled"] >= 1


def test_the_arbiter_of_a_testnet_rules_with_the_key_in_its_folder(
    ainur: Ainur, testnet: Testnet, tmp_path: Path
) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps({"type": "object", "required": ["what it never says"]}))
    task = submit(ainur, "--output-schema", str(schema))

    def disputed() -> Any:
        return [e for e in ainur.json("dispute", "list")["disputes"] if e["task"] == task]

    [escrow] = until(disputed)
    number = str(escrow["escrow"])
    assert escrow["arbiter"] == testnet.view.arbiter
    assert ainur.json("dispute", "list", "--account", "arbiter")["disputes"]
    ruled = ainur.json("dispute", "rule", number, "--to", "requester")
    assert (ruled["by"], ruled["escrow"]["state"]) == (testnet.view.arbiter, "Ruled")
    again = ainur.run("dispute", "rule", number, "--to", "provider", code=1)
    assert "Command.NotNow" in again.stderr
    ended = until(lambda: ainur.json("task", "show", task)["task"]["ended"])
    assert "ruled" in ended


def test_a_bond_is_raised_while_its_node_trades_and_the_first_node_may_be_dead(
    ainur: Ainur, testnet: Testnet
) -> None:
    before = int(ainur.json("bond", "show", "n2")["standing"]["bond"])
    assert before >= BOND
    more = ainur.json("bond", "add", "5 AINU", "--node", "n2")
    assert int(more["standing"]["bond"]) == before + 5 * AINU
    testnet.kill("n1")
    assert int(ainur.json("bond", "show", "n2")["standing"]["bond"]) == before + 5 * AINU
    assert "Api.NoNode" in ainur.run("task", "list", code=1).stderr
    wrong = ainur.run("bond", "show", "n9", code=1)
    assert "one of n1, n2, n3, arbiter" in wrong.stderr
