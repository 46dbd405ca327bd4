"""``ainur submit``: what is made of its options."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from node.cli import cli

TASK = ["submit", "text.x", "--input", "{}", "--budget", "1 AINU", "--dry-run"]


def submitted(*options: str) -> dict[str, object]:
    result = CliRunner().invoke(cli, [*TASK, *options])
    assert result.exit_code == 0, result.output
    [task] = json.loads(result.stdout)["would_submit"]
    found: dict[str, object] = task
    return found


def test_a_check_is_a_program_and_its_arguments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)  # one with a slash is meant from here, wherever the node runs
    assert submitted("--check", "./check 'a b'")["check_command"] == [
        str(tmp_path / "check"),
        "a b",
    ]
    assert submitted("--check", "check.py -q")["check_command"] == ["check.py", "-q"]
    assert "check_command" not in submitted()
    refused = CliRunner().invoke(cli, [*TASK, "--check", "'"])
    assert refused.exit_code == 2
    assert "--check" in refused.output


def test_replicas_are_a_small_number() -> None:
    assert submitted("--replicas", "3")["replicas"] == 3
    assert "replicas" not in submitted()
    for wrong in ("0", "8", "many"):
        assert CliRunner().invoke(cli, [*TASK, "--replicas", wrong]).exit_code == 2
