"""Which node, chain and account a command is about."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from chain.signing import development_signer
from market.errors import UsageError
from market.identity import ss58_from_account
from node.api.client import ApiError, NoNodeError
from node.chainhost import lock
from node.cli import api, on_chain
from node.cli.dispute import _asked
from node.cli.moments import about, in_blocks
from node.cli.on_chain import Place
from node.testnet.errors import TestnetError
from node.testnet.home import folder_of

ALICE, BOB = (ss58_from_account(development_signer(name).account) for name in ("Alice", "Bob"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AINUR_HOME", str(tmp_path))
    return tmp_path


Start = Callable[..., None]


@pytest.fixture
def start(home: Path) -> Iterator[Start]:
    """Give what holds the locks of testnets as if they ran, each with the nodes n1 and n2."""
    held = []

    def hold(*names: str) -> None:
        for name in names:
            folder = folder_of(name)
            for node in ("n1", "n2"):
                folder.node(node).path.mkdir(parents=True)
            handle = lock.try_lock(folder.lock)
            assert handle is not None
            held.append(handle)

    yield hold
    for handle in held:
        os.close(handle)


def pick(**options: Any) -> api.Picked:
    """Return what a command with these options would be given."""
    found: list[api.Picked] = []

    @click.command()
    @api.pick_option
    def command(pick: Any) -> None:
        found.append(pick())

    line = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    command.main(line, standalone_mode=False)
    return found[0]


def test_the_first_node_of_the_only_testnet_that_runs_is_meant(start: Start) -> None:
    start("one")
    picked = pick()
    assert picked.folder == folder_of("one").node("n1")
    assert (picked.testnet, picked.name) == (folder_of("one"), "n1")
    assert pick(node="n2").folder == folder_of("one").node("n2")


def test_of_several_testnets_none_is_taken_and_all_are_listed(home: Path, start: Start) -> None:
    start("one", "two")
    with pytest.raises(click.ClickException, match=r"--testnet \(one, two\)"):
        pick()
    assert pick(testnet="two", node="n2").folder == folder_of("two").node("n2")
    with pytest.raises(click.ClickException, match="there are n1, n2"):
        pick(testnet="two", node="n9")
    assert pick(**{"data-dir": home / "x"}).testnet is None
    with pytest.raises(click.UsageError, match="leave --testnet"):
        pick(**{"data-dir": home / "x", "testnet": "two"})


def test_where_nothing_runs_the_own_node_is_meant_and_said_not_to_run(home: Path) -> None:
    picked = pick()
    assert (picked.folder.path, picked.testnet) == (home / "node", None)
    with pytest.raises(NoNodeError, match="ainur node run"):
        on_chain._of_node(picked)


def test_a_node_without_a_chain_is_told_to_get_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Node:
        def get(self, _path: str) -> dict[str, Any]:
            return {"chain": {"url": None}, "account": ALICE}

    monkeypatch.setattr(on_chain, "connect", lambda _folder: Node())
    with pytest.raises(ApiError, match="start it with --chain"):
        on_chain._of_node(api.Picked(folder_of("x").node("n1")))


def test_the_chain_of_a_testnet_is_asked_of_its_supervisor_and_not_of_a_node_that_may_be_dead(
    start: Start,
) -> None:
    start("one")
    with pytest.raises(TestnetError, match="takes no orders"):
        on_chain._of_node(pick())


def test_accounts_are_named_by_address_or_by_a_testnets_nodes() -> None:
    place = Place("ws://x", own=ALICE, names={"n1": ALICE, "n2": BOB})
    assert ss58_from_account(place.sure_account(None)) == ALICE
    assert place.sure_account("n2") == place.sure_account(BOB)
    with pytest.raises(UsageError, match="one of n1, n2"):
        place.account("n3")
    with pytest.raises(UsageError, match="Name an account"):
        Place("ws://x").sure_account(None)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "less than 1 s"), (1, "about 1 s"), (119, "about 119 s"), (120, "about 2 min"),
        (7_199, "about 120 min"), (7_200, "about 2 h"), (172_800, "about 2 days"),
    ],
)  # fmt: skip
def test_times_are_told_in_one_unit(seconds: float, text: str) -> None:
    assert about(seconds) == text


def test_blocks_are_times_where_the_pace_is_known_and_they_are_to_come() -> None:
    assert in_blocks(1_100, 1_000, 250.0) == "block 1,100 (about 25 s)"
    assert in_blocks(1_100, 1_000, None) == "block 1,100"
    assert in_blocks(900, 1_000, 250.0) == "block 900"


@pytest.mark.parametrize(
    ("state", "arbiter", "asked"),
    [
        ("Disputed", ALICE, f"{ALICE[:8]}…"),
        ("Disputed", None, "the chain's own"),
        ("Escalated", ALICE, "the chain's own"),
    ],
)
def test_once_the_named_arbiter_was_silent_the_chains_own_is_asked(
    state: str, arbiter: str | None, asked: str
) -> None:
    assert _asked({"state": state, "arbiter": arbiter}) == asked
