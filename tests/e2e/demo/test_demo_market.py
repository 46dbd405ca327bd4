"""``ainur demo`` as a process: what it tells is on its chain, its tasks are paid, and it leaves nothing behind."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from node.demo.market.life import SAYINGS
from node.testnet.home import folder_of
from tests.support.demos import PATIENCE, Chain, ainur

pytestmark = [pytest.mark.e2e, pytest.mark.chain, pytest.mark.timeout(400)]

STARTING = 240.0
"""Seconds for five nodes to come up on a machine that does other things, too."""
PATIENT = ("--windows", "20,20,40")
"""Windows end early once all have answered: those of a testnet are for a machine that does nothing else."""


def run_demo(environment: dict[str, str], *options: str) -> "subprocess.CompletedProcess[str]":
    """Run the demo to its end."""
    return subprocess.run(
        [sys.executable, "-m", "ainur", "demo", *options],
        env=environment, capture_output=True, text=True, timeout=STARTING, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def of_kind(story: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [each for each in story["told"] if each["is"] == kind]


def test_five_nodes_do_real_work_and_all_that_is_told_is_on_their_chain(
    environment: dict[str, str],
) -> None:
    done = run_demo(environment, "--json", "--keep", *PATIENT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    story = json.loads(done.stdout)
    with contextlib.closing(Chain(story["chain"]["url"])) as chain:
        check_money(story, chain)
    check_work(story)
    ainur(environment, "testnet", "down", "--name", story["testnet"]["name"])
    assert list(Path(environment["TMPDIR"]).iterdir()) == []


def check_money(story: dict[str, Any], chain: Chain) -> None:
    """Escrows, payments, balances and scores are what the chain has, read by another decoder."""
    assert story["chain"]["genesis"] == chain.client.call("chain_getBlockHash", 0)
    [onchain] = of_kind(story, "onchain")
    escrow = chain.storage("Escrow", "Escrows", onchain["escrow"])
    assert escrow["state"] == "Released"
    outcome = of_kind(story, "outcome")[0]
    assert outcome["paid"] == escrow["price"] == escrow["paid"]
    for entry in onchain["entries"]:
        assert entry["block_hash"] == chain.client.call("chain_getBlockHash", entry["block"])
    assert [entry["event"] for entry in onchain["entries"]] == [
        *("Escrow.Opened", "Escrow.Accepted", "Escrow.Delivered", "Escrow.Paid"),
        *("Reputation.ScoreMoved", "Escrow.Ended"),
    ]
    assert onchain["link"].endswith(f"/explorer/query/{onchain['entries'][-1]['block_hash']}")
    assert onchain["score_after"] > onchain["score_before"]
    if (decoded := onchain["decoded_by_polkadot_js"]) is not None:
        assert isinstance(decoded, dict), decoded
        assert decoded["state"] == "Released"
        assert decoded["price"].replace(",", "") == str(escrow["price"])
    for ledger in (story["before"], story["after"]):
        for row in ledger["accounts"]:
            account = chain.storage("System", "Account", row["address"], at=ledger["block"])
            assert account["data"]["free"] == row["free"]
            record = chain.storage("Reputation", "Records", row["address"], at=ledger["block"])
            assert (record["active"], record["score"]) == (row["bond"], row["score"])


def check_work(story: dict[str, Any]) -> None:
    """Each task was bid for by several, won, done and paid; its auction is without fault."""
    results = {each["capability"]: each["result"] for each in of_kind(story, "outcome")}
    assert results["text.language"]["language"] == "en"
    assert results["table.query"]["columns"] == ["port", "calls", "tons", "hours"]
    assert results["image.thumbnail"]["width"] == 160
    assert "def totals(rows" in results["code.format"]["code"]
    assert results["text.summarize"]["sentences"] == 3
    verdicts = of_kind(story, "verdict")
    assert all(each["is_good"] for each in verdicts), verdicts
    assert verdicts[0]["opened"] >= 1
    steps = [each["kind"] for each in of_kind(story, "moment") if each["task"] == ""]
    wanted = [
        "submitted",
        "called",
        "closed",
        "award",
        "concluded",
        "proposed",
        "checked",
        "settled",
    ]
    # On a machine that is too busy it is handed in again; what counts is how it went in the end.
    last = len(steps) - steps[::-1].index("submitted") - 1
    assert [kind for kind in steps[last:] if kind in wanted] == wanted, steps
    before = {row["name"]: row for row in story["before"]["accounts"]}
    after = {row["name"]: row for row in story["after"]["accounts"]}
    assert after["n1"]["free"] < before["n1"]["free"]
    for outcome in of_kind(story, "outcome"):
        assert after[outcome["provider"]]["score"] > before[outcome["provider"]]["score"]


def test_the_words_hold_no_numbers() -> None:
    for saying in SAYINGS.values():
        assert not re.search(r"\d", saying.title + saying.why)


@pytest.mark.market
def test_the_text_is_plain_where_nobody_looks_and_ends_with_what_to_do_next(
    environment: dict[str, str],
) -> None:
    done = run_demo(environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    words = " ".join(done.stdout.split())
    for saying in SAYINGS["submitted"], SAYINGS["Delivered"], SAYINGS["settled"]:
        assert saying.why.format(who="n", buyer="n1").split(" n ")[0] in words
    assert "no fault found" in words
    assert "https://polkadot.js.org/apps/?rpc=ws%3A%2F%2F127.0.0.1%3A" in done.stdout
    assert "ainur demo --keep" in done.stdout
    check_readme(done.stdout)
    assert list(Path(environment["TMPDIR"]).iterdir()) == []


def check_readme(text: str) -> None:
    """What the README shows is what is told, but for the numbers."""
    readme = (Path(__file__).parents[3] / "README.md").read_text()
    [shown] = re.findall(r"```text\n\$ ./scripts/run\n(.*?)```", readme, re.DOTALL)

    def bare(lines: str) -> set[str]:
        return {" ".join(re.sub(r"\d[\d,.]*", "0", line).split()) for line in lines.splitlines()}

    assert bare(shown) - bare(text) <= {"..."}


def processes_of(environment: dict[str, str]) -> list[int]:
    """All processes with this home, from whatever parent."""
    found = []
    wanted = f"AINUR_HOME={environment['AINUR_HOME']}".encode()
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
    return found


@pytest.mark.market
@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize(
    "moment", ["", "A market of your own", "seals its bid", "is paid", "one auction"]
)
def test_an_interrupt_at_any_moment_leaves_nothing_running(
    environment: dict[str, str], moment: str, keep: bool
) -> None:
    arguments = [sys.executable, "-m", "ainur", "demo", *(["--keep"] if keep else [])]
    with (
        subprocess.Popen(
            arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as demo,
        contextlib.ExitStack() as stack,
    ):
        stack.callback(demo.kill)
        assert demo.stdout is not None
        if moment:
            assert any(moment in line for line in demo.stdout)
        else:  # while it comes up
            while not list(Path(environment["AINUR_HOME"]).parent.rglob("testnet.lock")):
                assert demo.poll() is None
        demo.send_signal(signal.SIGINT)
        _, complaint = demo.communicate(timeout=PATIENCE)
        assert demo.returncode == 130
        assert complaint.strip() == "SIGINT: stopped, nothing is left running"
    assert processes_of(environment) == []
    assert list(Path(environment["TMPDIR"]).iterdir()) == []


@pytest.mark.market
def test_a_demo_that_is_killed_takes_its_market_along(environment: dict[str, str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "ainur", "demo"], env=environment, stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        assert any("seals its bid" in line for line in demo.stdout)
        locks = list(Path(environment["TMPDIR"]).rglob("testnet.lock"))
        demo.kill()
    assert len(locks) == 1
    folder = folder_of("demo", locks[0].parent)
    give_up = STARTING
    while folder.is_running() and give_up > 0:
        signal.sigtimedwait((), 0.1)
        give_up -= 0.1
    assert not folder.is_running()
    assert processes_of(environment) == []


@pytest.mark.market
def test_a_second_demo_that_is_kept_says_how_to_stop_the_first(environment: dict[str, str]) -> None:
    assert run_demo(environment, "--keep", "--json").returncode == 0
    again = run_demo(environment, "--keep")
    assert again.returncode == 1
    assert "ainur testnet down --name demo" in again.stderr
    assert json.loads(ainur(environment, "testnet", "status", "--name", "demo", "--json"))[
        "running"
    ]
    ainur(environment, "testnet", "down", "--name", "demo")
