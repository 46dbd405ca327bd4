"""``ainur bench task``: what is reported of tasks that were measured, and which goals that meets."""

import contextlib
import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner

from node.bench import task
from node.bench.task_measure import Timed, _growth
from node.cli import cli

PAID = Timed(
    ended="released: paid 1 AINU",
    submission_ms=60.0,
    window_ms=200.0,
    auction_ms=90.0,
    settlement_ms=700.0,
    whole_ms=2_600.0,
)


def measure(monkeypatch: pytest.MonkeyPatch, timed: Timed, growth: float = 1.0) -> Any:
    """Run the command where every task is as given."""

    @contextlib.contextmanager
    def nothing(_nodes: int, _seed: int) -> Iterator[None]:
        yield None

    def one(_testnet: object, _rng: Random) -> Timed:
        return timed

    sustained = {"paid_a_minute": 40.0, "latency_growth": growth, "memory_growth": 1.0}
    recovery = [{"who": "n2", "p50_s": 3.0, "worst_s": 4.0, "runs": 1}]
    monkeypatch.setattr(task, "_testnet", nothing)
    monkeypatch.setattr(task, "measure_task", one)
    monkeypatch.setattr(task, "measure_sustained", lambda *_: sustained)
    monkeypatch.setattr(task, "measure_recovery", lambda *_: recovery)
    result = CliRunner().invoke(cli, ["bench", "task", "--quick", "--json"])
    return result.exit_code, json.loads(result.stdout)


def test_steps_are_reported_at_each_size_and_good_ones_meet_the_goals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, report = measure(monkeypatch, PAID)
    assert code == 0
    assert report["schema"] == "ainur/bench/task/1"
    assert [row["nodes"] for row in report["rows"]] == [5, 10]
    for row in report["rows"]:
        assert row["paid"] == row["tasks"] == 20
        assert row["whole"] == {"p50_ms": 2_600.0, "p95_ms": 2_600.0, "runs": 20}
    assert all(goal["met"] for goal in report["goals"])


def test_tasks_that_are_not_paid_miss_the_goals_and_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, report = measure(monkeypatch, Timed(ended="no-bid: nobody"))
    assert code == 1
    assert report["rows"][0]["unpaid"] == ["no-bid: nobody"] * 20
    missed = {goal["goal"] for goal in report["goals"] if not goal["met"]}
    assert "tasks that were paid" in missed
    assert "submission to paid, p50 at 5, ms" in missed


def test_what_grows_is_not_flat(monkeypatch: pytest.MonkeyPatch) -> None:
    code, report = measure(monkeypatch, PAID, growth=1.5)
    assert code == 1
    [missed] = [goal["goal"] for goal in report["goals"] if not goal["met"]]
    assert missed.startswith("sustained: latency")


def test_growth_is_the_last_third_by_the_first() -> None:
    assert _growth([1.0, 1.0, 9.0, 9.0, 2.0, 2.0]) == 2.0
    assert _growth([1.0, 2.0]) is None
