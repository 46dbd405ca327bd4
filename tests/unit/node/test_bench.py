"""``ainur bench``: JSON and nothing else, and an exit code that says whether the goals are met."""

import json

import pytest
from click.testing import CliRunner

from node.bench import vcg
from node.bench.report import growth_exponent
from node.cli import cli


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vcg, "SIZES", ((20, 5), (40, 10)))
    monkeypatch.setattr(vcg, "_bundles", lambda _seed, _count: dict(SMALL_BUNDLES))


SMALL_BUNDLES = {"tasks": 20, "bidders": 100, "bids": 500, "worst_s": 1.0, "all_proven": True}


def test_json_is_all_that_is_printed_and_the_methods_agree() -> None:
    result = CliRunner().invoke(cli, ["bench", "vcg", "--quick", "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["schema"] == "ainur/bench/vcg/1"
    assert {row["payments_agree"] for row in report["rows"] if row["capacity"] == 1} == {True}
    assert all(row["milp_ms"] > 0 for row in report["rows"] if row["capacity"] == 1)


def test_missed_goal_is_exit_code_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SMALL_BUNDLES, "all_proven", False)
    result = CliRunner().invoke(cli, ["bench", "vcg", "--quick"])
    assert result.exit_code == 1
    assert "MISSED: 20 tasks" in result.stdout


def test_generated_bundles_are_the_size_they_are_called() -> None:
    problem = vcg.bundle_problem(seed=1)
    assert len(problem.tasks) == 20
    assert sum(len(bid.ask.bundles) for bid in problem.bids) == 500


def test_exponent_of_a_power_law_is_found() -> None:
    assert growth_exponent([1, 2, 4], [3, 12, 48]) == 2.0
    assert growth_exponent([1], [3]) is None


def test_order_of_arrival_changes_no_award() -> None:
    from node.bench import fairness

    for seed in range(10):
        awards = {tuple(fairness._award_when_shuffled(seed, order)) for order in range(4)}
        assert len(awards) == 1


def test_help_is_measured_of_every_command(monkeypatch: pytest.MonkeyPatch) -> None:
    from node.bench import help as help_

    every = list(help_._commands())
    assert () in every
    assert ("testnet", "up") in every
    monkeypatch.setattr(help_, "_commands", lambda: iter([(), ("testnet", "up")]))
    monkeypatch.setattr(help_, "LIMIT_MS", 1e9)
    result = CliRunner().invoke(cli, ["bench", "help", "--quick", "--json"])
    assert result.exit_code == 0, result.output
    [row] = json.loads(result.stdout)["commands"]
    assert row["command"] == "ainur"
    assert row["median_ms"] > 0
    assert row["processor_ms"] > 0
    monkeypatch.setattr(help_, "LIMIT_MS", 0.0)
    assert CliRunner().invoke(cli, ["bench", "help", "--quick"]).exit_code == 1


def test_fairness_reports_and_meets_its_goals() -> None:
    result = CliRunner().invoke(cli, ["bench", "fairness", "--quick", "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["arrival"]["awards_changed_by_order"] == 0
    assert report["duels"]["surplus_percent"]["first_come"] < 100


def test_directory_queries_are_timed_at_each_size(monkeypatch: pytest.MonkeyPatch) -> None:
    from node.bench import directory

    monkeypatch.setattr(directory, "SIZES", (50, 200))
    monkeypatch.setattr(directory, "QUERIES", 20)
    monkeypatch.setattr(directory, "P95_LIMIT_MS", 1e9)  # speed is not for tests
    result = CliRunner().invoke(cli, ["bench", "directory", "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["schema"] == "ainur/bench/directory/1"
    rows = {(row["agents"], row["query"]): row for row in report["rows"]}
    assert set(rows) == {(n, kind) for n in (50, 200) for kind in ("name", "prefix", "text")}
    assert all(row["found"] > 0 for row in report["rows"])
