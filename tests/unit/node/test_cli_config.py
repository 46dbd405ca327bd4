"""Configuration: a flag goes before the environment, that before the file, that before what is usual."""

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from node.cli import GROUPS, cli
from node.cli.configuration import commands_below, options_of, variable_of


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AINUR_HOME", str(tmp_path))
    return tmp_path


def write(home: Path, text: str) -> None:
    (home / "config.toml").write_text(text)


def ainur(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def planned(*arguments: str) -> str:
    """Return what `testnet up` would do."""
    done = ainur("testnet", "up", "--dry-run", *arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def shown(*arguments: str, code: int = 0) -> dict[str, Any]:
    done = ainur("config", "show", "--json", *arguments)
    assert done.exit_code == code, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["version"] == 1
    return found


def test_a_flag_goes_before_the_environment_before_the_file_before_the_usual(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "5 nodes" in planned()
    write(home, "[testnet.up]\nnodes = 3\n")
    assert "3 nodes" in planned()
    monkeypatch.setenv("AINUR_TESTNET_UP_NODES", "4")
    assert "4 nodes" in planned()
    assert "2 nodes" in planned("--nodes", "2")


def test_each_setting_is_shown_with_its_origin(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown()["settings"] == []
    write(home, '[testnet.up]\nnodes = 3\n[node.run]\nbootstrap = "/ip4/x"\nbuiltin = true\n')
    monkeypatch.setenv("AINUR_SUBMIT_DEADLINE", "2m")
    found = {(s["path"], s["name"]): (s["value"], s["origin"]) for s in shown()["settings"]}
    assert found == {
        ("testnet up", "nodes"): (3, "file"),
        ("node run", "bootstrap"): (["/ip4/x"], "file"),
        ("node run", "builtin"): (True, "file"),
        ("submit", "deadline"): ("2m", "environment"),
    }
    every = {s["name"]: s for s in shown("testnet", "up")["settings"]}
    assert every["name"]["origin"] == "default"
    assert every["nodes"]["variable"] == "AINUR_TESTNET_UP_NODES"
    text = ainur("config", "show", "--origin").stdout
    assert f"nodes = 3                                # file {home}/config.toml" in text
    assert "# environment AINUR_SUBMIT_DEADLINE" in text
    assert "AINUR_TESTNET_UP_SEED" in ainur("config", "show", "--origin", "testnet", "up").stdout


def test_what_is_shown_is_such_a_file_itself(home: Path) -> None:
    write(home, '[testnet.up]\nnodes = 3\n[node.run]\nlisten = ["/ip4/x", "/ip4/y"]\n[client]\nnode = "n2"\n')  # fmt: skip
    before = shown()["settings"]
    text = ainur("config", "show").stdout
    write(home, text)
    assert shown()["settings"] == before


def test_what_holds_for_all_clients_is_shown_once_and_given_way_to(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home, '[client]\ntestnet = "one"\n[task.list]\ntestnet = "two"\n')
    found = {(s["path"], s["name"]): s["value"] for s in shown()["settings"]}
    assert found == {("client", "testnet"): "one", ("task list", "testnet"): "two"}
    [peers] = [s for s in shown("peers")["settings"] if s["name"] == "testnet"]
    assert (peers["value"], peers["origin"]) == ("one", "file")
    assert "'one'" in ainur("peers").stderr
    assert "'two'" in ainur("task", "list").stderr
    assert "'three'" in ainur("peers", "--testnet", "three").stderr
    # What names a node in another way replaces it, instead of contradicting it.
    by_hand = ainur("peers", "--data-dir", str(home / "x"))
    assert f"no node runs on {home / 'x'}" in by_hand.stderr
    monkeypatch.setenv("AINUR_CLIENT_TESTNET", "four")
    assert "'four'" in ainur("peers").stderr
    assert "'four'" in ainur("escrow", "list").stderr


def test_a_chain_that_is_set_for_all_gives_way_to_a_node_that_is_named(home: Path) -> None:
    write(home, '[client]\nchain = "nonsense"\n')
    assert "'nonsense' is not like ws://" in ainur("reputation", "top").stderr
    assert "'dev'" in ainur("reputation", "top", "--testnet", "dev").stderr
    assert ainur("peers").exit_code == 1  # it takes no chain, and is not told one


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "is no TOML"),
        ("[testnet.up]\nnods = 3", "did you mean 'nodes'?"),
        ("[testnet]\nnods = 3", "[testnet] has no 'nods'"),
        ("testnet = 3", "testnet is a table"),
        ("[testnet]\nup = 3", "testnet.up is a table"),
        ("[testnet.up]\nnodes = [1]", "is one value"),
        ("[testnet.up]\nwide = 1", "is true or false"),
        ("[client]\nbudget = 1", "[client] has no 'budget'"),
        ("[testnet.up.more]\na = 1", "has no 'more'"),
    ],
)
def test_a_file_that_is_wrong_is_named_with_what_is_wrong_and_help_works_nevertheless(
    home: Path, text: str, words: str
) -> None:
    write(home, text)
    refused = ainur("testnet", "up", "--dry-run")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "Command.Configuration" in refused.stderr
    assert str(home / "config.toml") in refused.stderr
    assert words in refused.stderr
    assert ainur("testnet", "up", "--help").exit_code == 0
    assert ainur("--help").exit_code == 0


def test_a_file_that_cannot_be_read_is_said(home: Path) -> None:
    (home / "config.toml").mkdir()
    assert "cannot be read" in ainur("task", "list").stderr


def test_a_table_of_no_command_and_a_value_that_is_none_are_found_by_showing(home: Path) -> None:
    write(home, "[testnt.up]\nnodes = 3\n")
    assert "did you mean 'testnet'?" in ainur("config", "show").stderr
    write(home, '[testnet.up]\nnodes = "many"\n')
    [wrong] = shown(code=1)["settings"]
    assert "is not a valid integer" in wrong["wrong"]
    assert "WRONG" in ainur("config", "show").stdout
    used = ainur("testnet", "up", "--dry-run")
    assert used.exit_code == 2
    assert "--nodes" in used.stderr


def test_a_command_that_is_none_has_nothing_to_show(home: Path) -> None:
    refused = ainur("config", "show", "no", "such")
    assert refused.exit_code == 2


def test_every_option_of_every_command_has_a_variable_of_its_own() -> None:
    seen: dict[str, tuple[str, ...]] = {}

    def walk(command: click.Command, path: tuple[str, ...]) -> None:
        for name in options_of(command):
            variable = variable_of(path, name)
            assert variable not in seen, (variable, path, seen[variable])
            assert variable not in ("AINUR_HOME", "AINUR_PASSPHRASE", "AINUR_NODE")
            seen[variable] = path
        for name, sub in commands_below(command):
            walk(sub, (*path, name))

    for name in GROUPS:
        walk(cli.get_command(click.Context(cli), name) or click.Command(""), (name,))
    assert len(seen) > 200
