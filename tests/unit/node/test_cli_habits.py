"""What all commands have in common: exit codes, JSON alone on stdout, colour for terminals that want it."""

import json
import socket
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from node.cli import GROUPS, cli
from node.cli.configuration import commands_below, options_of
from node.cli.errors import EXITS

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AINUR_HOME", str(tmp_path))
    monkeypatch.delenv("NO_COLOR", raising=False)
    return tmp_path


def ainur(*arguments: str, **options: Any) -> Result:
    return CliRunner(**options).invoke(cli, arguments)


def all_commands() -> dict[tuple[str, ...], click.Command]:
    found: dict[tuple[str, ...], click.Command] = {}

    def walk(command: click.Command, path: tuple[str, ...]) -> None:
        below = dict(commands_below(command))
        for name, sub in below.items():
            walk(sub, (*path, name))
        if not below:
            found[path] = command

    for name in GROUPS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        walk(command, (name,))
    return found


def test_exit_codes_are_told_by_help_and_by_the_readme() -> None:
    told = " ".join(ainur("--help").stdout.split())
    readme = (ROOT / "README.md").read_text()
    for code, text in EXITS.items():
        assert f"{code} {text}" in told
        assert f"| {code} | {text} |" in readme


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--version"], 0),
        (["explain", "Escrow.TooLate"], 0),
        (["testnet", "up", "--dry-run"], 0),
        (["task", "list"], 1),
        (["testnet", "down"], 1),
        (["escrow", "list"], 1),
        (["doctor", "--chain", "ws://127.0.0.1:1"], 1),
        (["frobnicate"], 2),
        (["task", "list", "--frobnicate"], 2),
        (["submit"], 2),
        (["explain", "no.such"], 2),
        (["auction", "verify", "no-such-file"], 2),
        (["testnet", "status"], 3),
        (["chain", "status"], 3),
    ],
)
def test_each_way_to_end_has_its_exit_code(arguments: list[str], code: int) -> None:
    done = ainur(*arguments)
    assert done.exit_code == code, done.output
    assert code in EXITS
    if code in (1, 2) and arguments[0] != "doctor":  # which has looked, and says what it saw
        assert done.stdout == ""
        assert done.stderr


@pytest.mark.parametrize(
    "raised",
    [KeyboardInterrupt(), BaseExceptionGroup("", [BaseExceptionGroup("", [KeyboardInterrupt()])])],
)
def test_ctrl_c_ends_a_command_without_a_traceback(
    raised: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(_folder: object) -> None:
        raise raised

    monkeypatch.setattr("node.cli.peers.connect", connect)
    done = ainur("peers")
    assert (done.exit_code, done.stdout, done.stderr) == (130, "", "Interrupted\n")


def test_a_fault_of_ours_is_not_taken_for_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(_folder: object) -> None:
        raise ExceptionGroup("", [ZeroDivisionError()])

    monkeypatch.setattr("node.cli.peers.connect", connect)
    assert isinstance(ainur("peers").exception, ExceptionGroup)


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def coloured() -> bool:
        done = CliRunner().invoke(cli, ["explain", "Escrow.TooLate"], color=True)
        assert done.exit_code == 0
        return "\x1b[" in done.stdout

    assert coloured()
    monkeypatch.setenv("NO_COLOR", "")
    assert coloured()  # as https://no-color.org has it
    monkeypatch.setenv("NO_COLOR", "1")
    assert not coloured()
    monkeypatch.delenv("NO_COLOR")
    assert "\x1b[" not in ainur("explain", "Escrow.TooLate").stdout  # which is no terminal


WITHOUT_JSON = {
    ("completion",): "prints a script",
    ("task", "auction"): "writes a file",
    ("task", "result"): "prints JSON as it was delivered",
}
"""Commands whose answer is no report, and why."""


def test_every_command_can_answer_in_json() -> None:
    lacking = {
        path for path, command in all_commands().items() if "json" not in options_of(command)
    }
    assert lacking == set(WITHOUT_JSON)


CHANGING = {
    ("bond", "add"), ("bond", "remove"), ("bond", "withdraw"), ("chain", "advance"),
    ("chain", "down"), ("chain", "reset"), ("chain", "up"), ("dispute", "rule"),
    ("keys", "import"), ("keys", "new"), ("keys", "register"), ("keys", "rotate"), ("submit",),
    ("task", "cancel"),
    ("testnet", "add-agent"), ("testnet", "add-cheater"), ("testnet", "down"), ("testnet", "freeze"),
    ("testnet", "heal"), ("testnet", "kill"), ("testnet", "partition"), ("testnet", "reset"),
    ("testnet", "start"), ("testnet", "up"),
}  # fmt: skip
"""Commands that change what others depend on: a chain, a market, processes, keys."""


def test_what_changes_state_can_be_tried_without_changing_it() -> None:
    commands = all_commands()
    able = {path for path, command in commands.items() if "dry-run" in options_of(command)}
    assert able >= CHANGING
    assert commands.keys() >= CHANGING


@pytest.mark.parametrize(
    "arguments",
    [
        ["doctor"], ["explain"], ["explain", "TooLate"], ["config", "show"], ["keys", "list"],
        ["chain", "status"], ["testnet", "status"], ["testnet", "up", "--dry-run"],
        ["testnet", "reset", "--dry-run"], ["chain", "runtime"], ["agent", "list"],
    ],
)  # fmt: skip
def test_json_is_one_object_with_its_version_and_nothing_else(arguments: list[str]) -> None:
    done = ainur(*arguments, "--json")
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1
    assert json.loads(done.stdout)["version"] == 1


def test_help_and_explanations_need_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_arguments: object) -> None:
        raise AssertionError("nobody is to be asked")

    monkeypatch.setattr(socket.socket, "connect", connect)
    for path in [(), *all_commands()]:
        assert ainur(*path, "--help").exit_code == 0
    assert ainur("explain").exit_code == 0
