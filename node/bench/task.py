"""``ainur bench task``: a task from submission to payment, in testnets of real processes."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, Final

from node.bench.report import Report, Table, goal, machine
from node.bench.task_measure import Timed, measure_recovery, measure_sustained, measure_task
from node.testnet import control
from node.testnet.config import USUAL_WINDOWS
from node.testnet.handle import Testnet
from node.testnet.home import folder_of

__all__ = ["run", "tables"]

SIZES: Final = (5, 10)
SUBMISSION_MS: Final = 100.0
AUCTION_MS: Final = 200.0
SETTLEMENT_MS: Final = 2_000.0
WHOLE_MS: Final = 3_000.0
RECOVERY_S: Final = 10.0
GROWTH: Final = 1.2
"""What latency and memory may have grown by between the first and the last third, and still count as flat."""
STEPS: Final = ("submission", "window", "auction", "settlement", "whole")


@contextmanager
def _testnet(nodes: int, seed: int) -> Iterator[Testnet]:
    with tempfile.TemporaryDirectory(prefix="ainur-bench-") as path:
        folder = folder_of("bench", Path(path))
        wanted = control.Wanted(nodes=nodes, seed=f"bench {seed}", owner=os.getpid())
        control.up(folder, wanted)
        try:
            yield Testnet(folder)
        finally:
            control.down(folder)


def _spread(times: list[float]) -> Report:
    ranked = sorted(times)
    if not ranked:
        return {"p50_ms": None, "p95_ms": None, "runs": 0}
    return {
        "p50_ms": round(ranked[len(ranked) // 2], 1),
        "p95_ms": round(ranked[int(len(ranked) * 0.95)], 1),
        "runs": len(ranked),
    }


def _row(nodes: int, timed: list[Timed]) -> Report:
    paid = [each for each in timed if each.is_paid]
    return {
        "nodes": nodes,
        "tasks": len(timed),
        "paid": len(paid),
        "unpaid": sorted(each.ended for each in timed if not each.is_paid),
        **{step: _spread([getattr(each, f"{step}_ms") for each in paid]) for step in STEPS},
    }


def _measure(seed: int, *, quick: bool) -> Report:
    rng = Random(seed)  # noqa: S311  # a benchmark's instances, not secrets
    rows: list[Report] = []
    report: Report = {"rows": rows}
    for nodes in SIZES:
        with _testnet(nodes, seed) as testnet:
            for _ in range(2):  # the first ones open connections and load code
                measure_task(testnet, rng)
            count = 20 if quick else 100
            rows.append(_row(nodes, [measure_task(testnet, rng) for _ in range(count)]))
            if nodes == SIZES[0]:
                report["sustained"] = measure_sustained(testnet, rng, 60.0 if quick else 600.0)
                report["recovery"] = measure_recovery(testnet, rng, 1 if quick else 5)
    return report


def run(seed: int, *, quick: bool) -> Report:
    """Measure, and return the report with its goals."""
    measured = _measure(seed, quick=quick)
    return {
        "schema": "ainur/bench/task/1",
        "machine": machine(),
        "windows": dict(zip(("commit", "reveal", "accept"), USUAL_WINDOWS, strict=True)),
        **measured,
        "goals": _goals(measured),
    }


def _goals(measured: Report) -> list[Report]:
    few, many = measured["rows"][0], measured["rows"][-1]
    sustained, recovery = measured["sustained"], measured["recovery"]

    def within(name: str, value: float | None, limit: float) -> Report:
        shown = "none" if value is None else value
        return goal(name, shown, limit, met=value is not None and value < limit)

    return [
        within(f"submission to the call sent, p95 at {few['nodes']}, ms", few["submission"]["p95_ms"], SUBMISSION_MS),
        within(f"last sealed bid to award, p95 at {many['nodes']}, ms", many["auction"]["p95_ms"], AUCTION_MS),
        within(f"release to final, p95 at {few['nodes']}, ms", few["settlement"]["p95_ms"], SETTLEMENT_MS),
        within(f"submission to paid, p50 at {few['nodes']}, ms", few["whole"]["p50_ms"], WHOLE_MS),
        goal("tasks that were paid", few["paid"] + many["paid"], few["tasks"] + many["tasks"],
             met=few["paid"] + many["paid"] == few["tasks"] + many["tasks"]),
        within("sustained: latency, last third by first", sustained["latency_growth"], GROWTH),
        within("sustained: memory, last third by first", sustained["memory_growth"], GROWTH),
        *(within(f"recovery after kill -9 of {each['who']}, worst, s", each["worst_s"], RECOVERY_S) for each in recovery),
    ]  # fmt: skip


def tables(report: Report) -> list[Table]:
    """Return the report as tables."""
    columns = ["nodes", "step", "p50 ms", "p95 ms", "tasks"]
    rows: list[list[Any]] = [
        [row["nodes"], step, row[step]["p50_ms"], row[step]["p95_ms"], row[step]["runs"]]
        for row in report["rows"]
        for step in STEPS
    ]
    sustained = report["sustained"]
    return [
        ("A task, step by step", columns, [[str(cell) for cell in row] for row in rows]),
        (
            "Sustained, at five nodes",
            list(sustained),
            [[str(value) for value in sustained.values()]],
        ),
        (
            "Recovery after kill -9, s",
            ["who", "p50", "worst", "runs"],
            [
                [each["who"], str(each["p50_s"]), str(each["worst_s"]), str(each["runs"])]
                for each in report["recovery"]
            ],
        ),
    ]
