"""Dev chains: ours against chopsticks and the Substrate node, with one client on one machine."""

import statistics
import time
from typing import Any

from node.bench.chain_load import Load
from node.bench.chain_subjects import Started, Subject, Unavailable, resident_mb, subjects
from node.bench.report import Report, Table, goal, machine
from node.chainhost.client import Client

__all__ = ["run", "tables"]

HEIGHTS, QUICK_HEIGHTS = (10, 1_000, 10_000), (10, 200)
JUMP, JUMPS = 400_000, 5
ROWS = (
    ("start_cold_s", "start, cold, s"),
    ("start_warm_s", "start, warm, s"),
    ("inclusion_p50_ms", "inclusion p50, ms"),
    ("inclusion_p95_ms", "inclusion p95, ms"),
    ("extrinsics_per_s", "extrinsics/s, pipelined, 6 accounts"),
    ("pipelined_included", "... share of them included at all"),
    ("memory_start_mb", "memory at start, MB"),
    ("memory_end_mb", "memory at the last height, MB"),
    ("jump_ms", "jump of 400,000 blocks, ms"),
)


def run(seed: int, *, quick: bool) -> Report:  # noqa: ARG001  (nothing here is drawn)
    """Measure every chain that can run here.

    Args:
        seed: not used: the load is always the same.
        quick: low heights and few transfers, for a look; the figures at 10,000 are then missing.
    """
    chains: Report = {}
    for subject in subjects():
        try:
            subject.prepare()
            chains[subject.name] = _measure(subject, quick=quick)
        except Unavailable as why:
            chains[subject.name] = {"unavailable": str(why)}
    return {
        "schema": "ainur/bench/chain/1",
        "machine": machine(),
        "quick": quick,
        "chains": chains,
        "goals": _goals(chains["embedded"]),
    }


def _measure(subject: Subject, *, quick: bool) -> Report:
    with subject.running(cold=True) as cold:
        cold_s = cold.seconds
    warm = []
    for _ in range(2):
        with subject.running(cold=False) as started:
            warm.append(started.seconds)
    with subject.running(cold=False) as started:
        warm.append(started.seconds)
        report = _measure_running(subject, started, quick=quick)
    return {
        "start_cold_s": round(cold_s, 3),
        "start_warm_s": round(statistics.median(warm), 3),
        **report,
    }


def _measure_running(subject: Subject, started: Started, *, quick: bool) -> Report:
    count = (60 if quick else 200) if subject.is_quick else 10
    each = (50 if quick else 200) if subject.is_quick else 5
    heights = (QUICK_HEIGHTS if quick else HEIGHTS) if subject.is_quick else (10,)
    memory = resident_mb(started.pid)
    load = Load(started.port)
    try:
        load.inclusions_ms(3)  # does not count
        by_height = {}
        first: list[float] = []
        for height in heights:
            load.fill(height)
            took = load.inclusions_ms(count)
            by_height[str(height)] = round(statistics.median(took), 2)
            first = first or took
        rate, share = load.pipelined(each)
    finally:
        load.close()
    return {
        "inclusion_p50_ms": round(statistics.median(first), 2),
        "inclusion_p95_ms": round(first[int(len(first) * 0.95)], 2),
        "extrinsics_per_s": round(rate, 1),
        "pipelined_included": round(share, 3),
        "p50_ms_by_height": by_height,
        "memory_start_mb": memory,
        "memory_end_mb": resident_mb(started.pid),
        "jump_ms": _jump_ms(subject, started.port),
    }


def _jump_ms(subject: Subject, port: int) -> float | None:
    client = Client(port)
    try:
        client.call("system_chain")  # connects
        took = []
        for _ in range(JUMPS):
            start = time.perf_counter()
            subject.jump(client, JUMP)
            took.append((time.perf_counter() - start) * 1e3)
        return round(statistics.median(took), 2)
    except Unavailable:
        return None
    finally:
        client.close()


def _goals(ours: Report) -> list[Report]:
    heights: dict[str, float] = ours["p50_ms_by_height"]
    growth = round(heights["10000"] / heights["10"], 2) if "10000" in heights else None
    at_most = [
        ("start, warm, s", ours["start_warm_s"], 0.4),
        ("inclusion p50, ms", ours["inclusion_p50_ms"], 7.0),
        ("inclusion p95, ms", ours["inclusion_p95_ms"], 12.0),
        ("jump of 400,000 blocks, ms", ours["jump_ms"], 10.0),
    ]
    if growth is not None:
        at_most += [
            ("inclusion p50 at block 10,000, times that at block 10", growth, 1.3),
            ("memory at block 10,000, MB", ours["memory_end_mb"], 150.0),
        ]
    rate = ours["extrinsics_per_s"]
    return [
        *(goal(name, value, limit, met=value <= limit) for name, value, limit in at_most),
        goal("extrinsics/s, pipelined, at least", rate, 250.0, met=rate >= 250.0),
    ]


def tables(report: Report) -> list[Table]:
    """Lay a report out for people: one column a chain."""
    chains: Report = report["chains"]
    there = {name: figures for name, figures in chains.items() if "unavailable" not in figures}
    rows = [[line, *(_cell(figures[key]) for figures in there.values())] for key, line in ROWS]
    heights = dict.fromkeys(h for figures in there.values() for h in figures["p50_ms_by_height"])
    rows += [
        [f"inclusion p50 at block {int(height):,}, ms",
         *(_cell(figures["p50_ms_by_height"].get(height)) for figures in there.values())]
        for height in heights
    ]  # fmt: skip
    made: list[Table] = [("Dev chains", ["measure", *there], rows)]
    missing = [[name, f["unavailable"]] for name, f in chains.items() if "unavailable" in f]
    if missing:
        made.append(("Not measured", ["chain", "why"], missing))
    return made


def _cell(value: Any) -> str:
    return "-" if value is None else str(value)
