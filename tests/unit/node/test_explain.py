"""Each error that a command can print has a code, and ``ainur explain`` knows it."""

import ast
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import click
import pytest
from click.testing import CliRunner

import market.errors
import node
from chain.errors import DispatchError, UnavailableError, dispatch_error
from chain.refusals import REFUSALS
from node.api.client import NoNodeError, RefusedError
from node.api.reasons import REASONS, Reason
from node.cli import cli
from node.cli.errors import CommandError, UnusableAuctionError
from node.cli.output import failure, guarded
from node.executor.errors import CrashedError
from node.explain.codes import ROOMS, code_of, name_of
from node.explain.explanations import explanations, find
from node.testnet.errors import NotRunningError, TestnetError

ROOT = Path(node.__file__).parent.parent
PACKAGES = ("ainur", "chain", "market", "node", "routing")

NEVER_PRINTED = {
    "chain.devchain.rpc.errors.ParamError": "becomes an answer of JSON-RPC",
    "chain.devchain.rpc.errors.RpcError": "becomes an answer of JSON-RPC",
    "chain.devchain.wasm.OutOfBoundsError": "becomes a trap",
    "node.demo.interrupts.InterruptedDemoError": "a signal; the exit code says which",
    "node.directory.wire.MalformedError": "what a peer sent is dropped, and the log says so",
    "node.p2p.framing.FrameError": "becomes a RequestError",
    "node.simulation.disk.DuplicateRowError": "of the simulation, caught there",
    "node.simulation.party.CrashError": "of the simulation, caught there",
}
"""Errors that never end a command, and why."""


def defined() -> Iterator[tuple[str, str]]:
    """Yield the public classes of the sources that are called errors, without importing them."""
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            for each in ast.parse(file.read_text()).body:
                name = each.name if isinstance(each, ast.ClassDef) else ""
                if name.endswith("Error") and not name.startswith("_"):
                    yield module, name


def test_every_error_that_is_defined_is_explained_or_never_printed() -> None:
    known = explanations()
    rooms = {module: room for room, module in ROOMS.items()}
    seen = set()
    for module, each in defined():
        name = f"{module}.{each}"
        seen.add(name)
        if name in NEVER_PRINTED:
            continue
        assert module in rooms, (
            f"{name}: define it in a room of node.explain.codes, or say why it is never printed"
        )
        kind = getattr(importlib.import_module(module), each)
        if not issubclass(kind, DispatchError):
            assert f"{rooms[module]}.{name_of(kind)}" in known
    assert set(NEVER_PRINTED) <= seen


def test_every_explanation_says_what_it_means_and_what_to_do() -> None:
    for code, each in explanations().items():
        assert len(each.meaning) > 10, code
        assert len(each.action) > 10, code
        assert each.meaning.endswith("."), code
        assert each.action.endswith("."), code


def test_every_refusal_of_the_chain_and_every_reason_of_the_api_is_explained() -> None:
    known = explanations()
    for pallet, variants in REFUSALS.items():
        for variant in variants:
            error = dispatch_error(pallet, variant, "Escrow.release")
            assert known[code_of(error)].action == error.next_action
    assert set(get_args(Reason)) == set(REASONS)
    for reason in REASONS:
        assert code_of(RefusedError(reason, "")) in known


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NoNodeError(""), "Api.NoNode"),
        (RefusedError("no-chain", ""), "Api.no-chain"),
        (RefusedError("of a newer node", ""), "Api.Refused"),
        (UnavailableError(""), "Chain.Unavailable"),
        (market.errors.RefusedError("escrow", "WrongState"), "Escrow.WrongState"),
        (NotRunningError(""), "Testnet.NotRunning"),
        (TestnetError(""), "Testnet.Other"),
        (CrashedError("", None), "Executor.Crashed"),
        (UnusableAuctionError(""), "Command.UnusableAuction"),
        (ZeroDivisionError(), "Other.ZeroDivisionError"),
    ],
)
def test_codes_are_room_and_name(error: Exception, code: str) -> None:
    assert code_of(error) == code


@pytest.mark.parametrize(
    "text",
    ["Escrow.WrongState", "escrow.wrongstate", "escrow.wrong-state", "WrongState", "WRONG_STATE",
     "[Escrow.WrongState]", "WrongStateError"],
)  # fmt: skip
def test_an_error_is_found_however_it_is_written(text: str) -> None:
    assert [each.code for each in find(text)] == ["Escrow.WrongState"]


def test_a_name_of_several_rooms_finds_all_of_them() -> None:
    assert [e.code for e in find("NotRunning")] == ["ChainHost.NotRunning", "Testnet.NotRunning"]
    assert find("nonsense") == find("") == []


def run(*arguments: str, code: int = 0) -> Any:
    done = CliRunner().invoke(cli, ["explain", *arguments])
    assert done.exit_code == code, done.output
    return done.stdout if code == 0 else done.stderr


def test_the_command_explains_one_lists_all_and_suggests_what_was_meant() -> None:
    text = run("Escrow.TooLate")
    assert "it means: The state's deadline has passed" in text
    assert "claim the timeout" in text
    [one] = json.loads(run("Escrow.TooLate", "--json"))["errors"]
    assert (one["code"], one["fault"]) == ("Escrow.TooLate", "nobody: the chain has moved on, or not far enough")  # fmt: skip
    every = json.loads(run("--json"))
    assert every["version"] == 1
    assert len(every["errors"]) == len(explanations())
    assert run().count("\n") == len(every["errors"])
    assert "did you mean Escrow.TooLate?" in " ".join(run("Escrow.ToLate", code=2).split())
    assert "lists all" in run("\x1b[31mzzzzqqqq", code=2)


def test_an_error_ends_a_command_with_its_code_its_words_and_nothing_on_stdout() -> None:
    @click.command()
    @guarded(TestnetError)
    def command() -> None:
        raise NotRunningError("no testnet runs: start one with `ainur testnet up`\x1b[2J")

    done = CliRunner().invoke(command)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        "Error [Testnet.NotRunning]: no testnet runs: start one with `ainur testnet up`?[2J\n"
    )


def test_an_error_that_has_a_code_keeps_it_and_its_exit_code() -> None:
    @click.command()
    @guarded(click.ClickException)
    def command() -> None:
        raise UnusableAuctionError("x", "Api.NoNode")

    done = CliRunner().invoke(command)
    assert (done.exit_code, done.stderr) == (2, "Error [Api.NoNode]: x\n")
    ended = failure(CrashedError("it is gone", -9), 2)
    assert isinstance(ended, CommandError)
    assert (ended.code, ended.exit_code) == ("Executor.Crashed", 2)
