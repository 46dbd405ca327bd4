"""``ainur keys``: JSON and text, and that a secret goes in and out by files alone."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from market.identity import Identity
from node.cli import cli
from node.cli.keys import export, import_, new
from node.keystore import store as keystore
from node.keystore.passphrase import VARIABLE

SECRET = "correct horse"
SEED = "11" * 32


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AINUR_HOME", str(tmp_path))
    monkeypatch.setenv(VARIABLE, SECRET)
    # Cheap, so that tests are about the rest; the command's own cost is measured where it is chosen.
    monkeypatch.setattr(
        keystore.Keystore.create, "__kwdefaults__", {"account": None, "cost": 2**10}
    )
    return tmp_path


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["keys", *arguments], input=stdin)


def read(*arguments: str, stdin: str | None = None) -> dict[str, Any]:
    result = run(*arguments, "--json", stdin=stdin)
    assert result.exit_code == 0, result.output
    shown: dict[str, Any] = json.loads(result.stdout)
    assert shown.pop("version") == 1
    return shown


def test_a_key_is_made_listed_and_shown_alike() -> None:
    made = read("new", "node")
    path = made.pop("path")
    assert Path(path).name == "node.key.json"
    assert read("list")["keys"] == [made]
    assert read("show", "node") == {**made, "path": path}
    assert made["peer_id"] in run("list").output
    assert made["account"] in run("show").output


def test_who_makes_a_key_is_told_when_a_running_node_takes_it_up() -> None:
    assert "when it is started again" in run("new", "node").output


def test_a_second_key_of_one_name_is_refused() -> None:
    read("new", "node")
    result = run("new", "node")
    assert result.exit_code == 1
    assert "choose another name" in result.output


def test_an_exported_key_opens_elsewhere_and_only_with_its_passphrase(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = read("new", "node")
    out = home / "copy.json"
    assert read("export", "node", "--output", str(out)) == {
        "name": "node",
        "encrypted": True,
        "path": str(out),
    }
    monkeypatch.setenv(VARIABLE, "another")
    refused = run("import", "copy", "--file", str(out))
    assert refused.exit_code == 1
    assert "does not open" in refused.output
    monkeypatch.setenv(VARIABLE, SECRET)
    assert read("import", "copy", "--file", str(out))["peer_id"] == made["peer_id"]


def test_a_seed_comes_from_stdin_or_a_file_and_can_be_revealed(home: Path) -> None:
    peer = Identity.from_seed(bytes.fromhex(SEED)).peer
    assert read("import", "piped", "--seed-file", "-", stdin=f"0x{SEED}\n")["peer_id"] == peer
    path = home / "seed"
    path.write_text(SEED)
    path.chmod(0o600)
    assert read("import", "filed", "--seed-file", str(path))["peer_id"] == peer
    assert read("export", "filed", "--reveal-seed", "--yes")["seed"] == SEED
    asked = run("export", "filed", "--reveal-seed", stdin="n\n")
    assert asked.exit_code == 1
    assert SEED not in asked.output


def test_a_seed_file_that_others_may_read_is_refused(home: Path) -> None:
    path = home / "seed"
    path.write_text(SEED)
    path.chmod(0o644)
    result = run("import", "x", "--seed-file", str(path))
    assert result.exit_code == 1
    assert "chmod 600" in result.output
    assert SEED not in result.output


def test_a_development_key_is_shown_as_one() -> None:
    assert read("import", "alice", "--dev", "Alice")["development"] == "//Alice"
    assert "everybody has its secret" in run("show", "alice").output
    assert "Alice, Bob" in run("import", "x", "--dev", "Mallory").output


@pytest.mark.parametrize("given", [[], ["--dev", "Bob", "--seed-file", "-"]])
def test_import_takes_one_source(given: list[str]) -> None:
    assert run("import", "x", *given).exit_code == 2


@pytest.mark.parametrize("command", [new, export, import_])
def test_no_option_takes_a_secret_itself(command: Any) -> None:
    names = {option for parameter in command.params for option in parameter.opts}
    assert not names & {"--passphrase", "--password", "--seed", "--secret"}


def test_without_terminal_and_passphrase_the_way_out_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(VARIABLE)
    result = run("new", "node")
    assert result.exit_code == 1
    assert "--passphrase-file" in result.output


def test_a_damaged_key_does_not_hide_the_others() -> None:
    path = Path(read("new", "bad")["path"])
    path.write_text("{}")
    read("new", "good")
    rows = {row["name"]: row for row in read("list")["keys"]}
    assert "no key of this version" in rows["bad"]["error"]
    assert "error" not in rows["good"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "nobody"], "ainur keys new nobody"),
        (["show", "../../etc/passwd"], "no name for a key"),
        (["new", "x", "--for", "nonsense"], "not an SS58 address"),
        (["rotate", "nobody", "--to", "other"], "there is no key"),
        (["register", "nobody"], "there is no key"),
    ],
)
def test_nonsense_is_told_in_one_line(arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert said in result.output
    assert "Traceback" not in result.output


def test_rotation_without_a_chain_says_how_to_have_one() -> None:
    read("new", "node")
    result = run("rotate", "node", "--to", "node-2")
    assert result.exit_code == 1
    assert "ainur chain up" in result.output


def test_rotation_of_anothers_operator_key_needs_a_key_that_may(home: Path) -> None:
    account = read("new", "owner")["account"]
    (home / "keys" / "owner.key.json").unlink()
    read("new", "operator", "--for", account)
    result = run("rotate", "operator", "--to", "next", "--chain", "ws://127.0.0.1:1")
    assert result.exit_code == 1
    assert "--signed-by" in result.output


def test_a_key_can_be_planned_without_being_made(home: Path) -> None:
    file = home / "seed"
    file.write_text(SEED)
    file.chmod(0o600)
    planned = read("new", "one", "--dry-run"), read("import", "--seed-file", str(file), "--dry-run")
    assert [each["dry_run"] for each in planned] == [True, True]
    assert str(home / "keys" / "one.key.json") in planned[0]["would"]
    assert read("list")["keys"] == []
    read("new", "one")
    refused = run("new", "one", "--dry-run")
    assert refused.exit_code == 1
    assert "choose another name" in refused.output


def test_a_dry_run_changes_nothing(home: Path) -> None:
    read("new", "node")
    shown = read("rotate", "node", "--to", "next", "--chain", "ws://127.0.0.1:1", "--dry-run")
    assert shown["dry_run"] is True
    assert [row["name"] for row in read("list")["keys"]] == ["node"]
