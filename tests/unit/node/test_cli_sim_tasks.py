"""``ainur sim tasks``: what it prints, and its exit codes."""

import json

import pytest
from click.testing import CliRunner, Result

from node.cli import cli
from node.simulation.planted import BUGS


def ainur(*args: object) -> Result:
    result = CliRunner().invoke(cli, ["sim", "tasks", *(str(arg) for arg in args)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_runs_without_violations_succeed_and_add_up() -> None:
    result = ainur("--seeds", 12, "--first", 3, "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (report["schema"], report["mode"], report["runs"]) == ("ainur/sim/tasks/1", "safety", 12)
    assert report["violations"] == {}
    assert sum(report["escrows"].values()) > 0
    text = ainur("--seeds", 12, "--first", 3)
    assert "0 seeds with violations" in text.stdout
    assert f"crashes: {report['crashes']}" in text.stdout


def test_one_seed_is_told_and_told_the_same_again() -> None:
    result = ainur("--seed", 9, "--mode", "liveness")
    assert result.exit_code == 0
    assert "calls for" in result.stdout
    assert ainur("--seed", 9, "--mode", "liveness").stdout == result.stdout
    report = json.loads(ainur("--seed", 9, "--mode", "liveness", "--json").stdout)
    assert report["digest"] in result.stdout
    assert report["story"]


def test_planted_bug_that_is_noticed_is_a_success_and_its_seed_is_named() -> None:
    result = ainur("--seeds", 10, "--bug", "blind-release")
    assert result.exit_code == 0
    assert "VIOLATION with seed" in result.stdout
    assert "ainur sim tasks --mode safety --seed" in result.stdout


def test_planted_bug_that_goes_unnoticed_fails() -> None:
    quiet = next(n for n in range(50) if ainur("--seed", n, "--bug", "double-settle").exit_code)
    assert ainur("--first", quiet, "--seeds", 1, "--bug", "double-settle").exit_code == 1


def test_bugs_are_planted_on_the_mirror_alone() -> None:
    result = ainur("--bug", min(BUGS), "--chain", "runtime")
    assert result.exit_code == 2
    assert "mirror" in result.output


@pytest.mark.parametrize("wrong", [("--seeds", 0), ("--mode", "hope"), ("--bug", "none")])
def test_nonsense_is_refused(wrong: tuple[str, object]) -> None:
    assert ainur(*wrong).exit_code == 2
