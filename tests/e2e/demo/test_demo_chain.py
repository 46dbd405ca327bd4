"""``ainur demo chain`` as a process: what it tells is what is on its chain, and it leaves nothing behind."""

import contextlib
import functools
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

from chain.devchain.signing import account
from market.identity import AccountId, ss58_from_account
from node.chainhost.backend import BACKENDS, get_backend
from node.chainhost.config import ChainConfig, Record
from node.chainhost.errors import BackendUnavailableError
from node.chainhost.home import folder_of
from node.demo.chain.run import Result, run_demo
from node.demo.facts import Chapter, Snapshot, Step, Told
from tests.support.demos import PATIENCE, Chain, ainur

pytestmark = [pytest.mark.e2e, pytest.mark.chain]
ADDRESS = {
    n: ss58_from_account(AccountId(account(n).public)) for n in ("Eve", "Dave", "Ferdie", "Bob")
}


def numbers(value: Any) -> set[int]:
    """Return every whole number in a decoded value."""
    match value:
        case bool():
            return set()
        case int():
            return {value}
        case dict():
            return numbers(list(value.values()))
        case list() | tuple():
            return {number for each in value for number in numbers(each)}
    return set()


CALLS = [
    *("Registry.register", "Reputation.bond"),
    *("Escrow.open", "Escrow.accept", "Escrow.deliver", "Escrow.release"),
    *("Escrow.open_with_offer", "Escrow.claim_timeout"),
    *("Escrow.open_with_offer", "Escrow.deliver", "Escrow.dispute", "Escrow.rule"),
    *("Reputation.report_offence", "Reputation.apply_slash", "Escrow.open"),
]


def check_step(step: Step, chain: Chain) -> None:
    """Every number of a call is in the events of the very extrinsic that it is told of."""
    assert step.block is not None
    assert step.extrinsic is not None
    events = chain.events(step.block, step.extrinsic)
    there = numbers([event.attributes for event in events])
    for fact in step.facts:
        if fact.name == "arbiter":
            assert fact.value == sum(
                event.attributes["amount"] for event in events
                if event.name == "TransferOnHold" and event.attributes["dest"] == ADDRESS["Ferdie"]
            ) > 0  # fmt: skip
        elif fact.name == "least_bond":
            assert fact.value == chain.storage("Reputation", "Parameters")["min_bond"]
        elif isinstance(fact.value, int):
            assert fact.value in there, (step.title, fact.name)


def check_snapshot(told: Snapshot, chain: Chain) -> None:
    """What everybody may spend, the score and the bond are those of storage at that block."""
    for name, free in told.free.items():
        account_ = chain.storage("System", "Account", ADDRESS[name], at=told.block)
        assert account_["data"]["free"] == free
    record = chain.storage("Reputation", "Records", ADDRESS["Dave"], at=told.block)
    assert (record["score"], record["active"]) == (told.score, told.bond)
    assert (record["suspended_at"] is not None) is told.suspended


@pytest.mark.parametrize("backend", list(BACKENDS))
def test_what_is_told_is_on_the_chain_at_the_moment_it_is_told(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    try:
        get_backend(backend).check(ChainConfig("demo", "unused"))
    except BackendUnavailableError as why:
        pytest.skip(str(why))
    monkeypatch.setenv("AINUR_HOME", environment["AINUR_HOME"])
    calls: list[str] = []
    snapshots: list[Snapshot] = []
    results: list[Result] = []

    chains: list[Chain] = []  # one, once it is known where it is

    def tell(what: Told) -> None:
        if not chains:
            record = Record.read(folder_of("demo", None))
            assert record is not None
            chains.append(Chain(record.url))
        match what:
            case Chapter():
                assert not re.search(r"\d", what.title + what.words)
            case Step():
                assert not re.search(r"\d", what.title + what.words)
                if what.call is not None:
                    calls.append(what.call)
                    check_step(what, chains[0])
            case Snapshot():
                snapshots.append(what)
                check_snapshot(what, chains[0])

    # The chain is another process, so that it answers while we look.
    trio.run(functools.partial(run_demo, backend, tell, results.append, keep=True))
    chains[0].close()
    ainur(environment, "chain", "down", "--name", "demo")
    assert calls == CALLS
    assert results[0].snapshots == tuple(snapshots)
    scores = [each.score for each in snapshots]
    assert scores[0] == scores[1] < scores[2] > scores[3] == scores[4] > scores[5] == 0
    bonds = [each.bond for each in snapshots]
    assert bonds[1] > bonds[3] > bonds[4] > bonds[5]


@pytest.fixture
def told(environment: dict[str, str]) -> Iterator[tuple[dict[str, Any], Chain]]:
    """The whole story in JSON, and its chain, which runs on."""
    story = json.loads(ainur(environment, "demo", "chain", "--json", "--keep"))
    with contextlib.closing(Chain(story["chain"]["url"])) as chain:
        yield story, chain
    assert "is stopped" in ainur(environment, "chain", "down", "--name", story["chain"]["name"])


def test_the_escrows_end_as_told_and_the_inspector_shows_the_same(
    told: tuple[dict[str, Any], Chain],
) -> None:
    story, chain = told
    assert story["chain"]["genesis"] == chain.client.call("chain_getBlockHash", 0)
    assert [s["call"] for s in story["steps"] if s["call"] is not None] == CALLS
    states = [chain.storage("Escrow", "Escrows", number)["state"] for number in range(4)]
    assert states == ["Released", "Expired", {"Ruled": {"provider_bps": 6_000}}, "Open"]
    shown = {each["escrow"]: each["phase"] for each in story["meaning"]["escrows"]}
    assert shown == {0: "Released", 1: "Expired", 2: "Ruled", 3: "Open"}
    check_snapshot(Snapshot(**story["snapshots"][-1]), chain)
    [dave] = [a for a in story["meaning"]["agents"] if a["account"] == ADDRESS["Dave"]]
    assert (dave["bond"], dave["score"]) == (story["snapshots"][-1]["bond"], 0)


def test_the_text_shows_every_step_and_is_plain_where_nobody_looks(
    told: tuple[dict[str, Any], Chain], environment: dict[str, str]
) -> None:
    story, _ = told
    # The second demo is the same story on another chain: all but the genesis hash and the port are equal.
    text = ainur(environment, "demo", "chain")
    assert "\x1b" not in text
    for step in story["steps"]:
        assert step["title"] in text
        if step["call"] is not None:
            where = f"{step['call']}, signed by {step['signer']}: extrinsic {step['extrinsic']} of block"
            assert f"{where} {step['block']:,}" in text
    for amount in ("1.5 AINU", "1.69 AINU", "0.075 AINU", "60 %", "500.5 points", "14,400 blocks"):
        assert amount in text
    assert "https://polkadot.js.org/apps/?rpc=ws%3A%2F%2F127.0.0.1%3A" in text


def test_the_readme_shows_the_demo_as_it_is(environment: dict[str, str]) -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text()
    [shown] = re.findall(r"```text\n\$ ainur demo chain\n(.*?)```", readme, re.DOTALL)
    # Lines that a table fills up end in blanks, which an editor takes away.
    there = [
        line.rstrip()
        for line in ainur({**environment, "COLUMNS": "80"}, "demo", "chain").splitlines()
    ]
    for part in shown.strip().split("\n...\n"):
        lines = part.removeprefix("...\n").removesuffix("\n...").splitlines()
        starts = [at for at, line in enumerate(there) if line == lines[0]]
        assert any(there[at : at + len(lines)] == lines for at in starts), part


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("moment", ["", "The chain is up", "Dave accepts it", "Time passes"])
def test_an_interrupt_at_any_moment_leaves_nothing_running(
    environment: dict[str, str], moment: str, keep: bool
) -> None:
    arguments = [sys.executable, "-m", "ainur", "demo", "chain", *(["--keep"] if keep else [])]
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
        demo.send_signal(signal.SIGINT)
        _, complaint = demo.communicate(timeout=PATIENCE)
        assert demo.returncode != 0
        if moment:
            assert demo.returncode == 130
            assert complaint.strip() == "SIGINT: stopped, nothing is left running"
    assert list(Path(environment["TMPDIR"]).iterdir()) == []


def test_a_reader_that_goes_away_ends_it_without_a_word(environment: dict[str, str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "ainur", "demo", "chain"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as demo:  # fmt: skip
        assert demo.stdout is not None
        assert demo.stderr is not None
        demo.stdout.close()
        complaint = demo.stderr.read()
        assert demo.wait(PATIENCE) == 1
    assert complaint == ""
    assert list(Path(environment["TMPDIR"]).iterdir()) == []


def test_a_second_demo_that_is_kept_says_how_to_stop_the_first(environment: dict[str, str]) -> None:
    first = json.loads(ainur(environment, "demo", "chain", "--json", "--keep"))
    again = subprocess.run(
        [sys.executable, "-m", "ainur", "demo", "chain", "--keep"],
        env=environment, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert again.returncode == 1
    assert "ainur chain down --name demo" in again.stderr
    status = json.loads(ainur(environment, "chain", "status", "--name", "demo", "--json"))
    assert status["genesis"] == first["chain"]["genesis"]
    ainur(environment, "chain", "down", "--name", "demo")
