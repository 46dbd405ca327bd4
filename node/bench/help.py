"""Help: how long each command takes to say what it does, in a process of its own as a user starts it."""

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import click

from node.bench.report import Report, Table, goal, machine

__all__ = ["run", "tables"]

LIMIT_MS = 500.0
REPEATS = 5
PATIENCE = 60.0


def run(seed: int, *, quick: bool) -> Report:
    """Measure.

    Args:
        seed: nothing is drawn here.
        quick: the groups alone, twice each.
    """
    del seed
    paths = [path for path in _commands() if not quick or len(path) <= 1]
    rows: list[dict[str, Any]] = [{"command": " ".join(("ainur", *path)), **_measure(path, 2 if quick else REPEATS)} for path in paths]  # fmt: skip
    worst = max(float(row["median_ms"]) for row in rows)
    return {
        "schema": "ainur/bench/help/1",
        "machine": machine(),
        "commands": rows,
        "goals": [goal("--help of every command (ms)", worst, LIMIT_MS, met=worst < LIMIT_MS)],
    }


def _commands() -> Iterator[tuple[str, ...]]:
    from node.cli import cli
    from node.cli.configuration import commands_below

    def walk(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        yield path
        for name, sub in commands_below(command):
            yield from walk(sub, (*path, name))

    yield from walk(cli, ())


def _measure(path: tuple[str, ...], repeats: int) -> dict[str, float]:
    command = [sys.executable, "-m", "ainur", *path, "--help"]
    times, processor = [], []
    for _ in range(
        repeats + 1
    ):  # the first one, which may have to read from the disk, does not count
        start, used = time.perf_counter(), _processor_seconds()
        subprocess.run(command, capture_output=True, check=True, timeout=PATIENCE)  # noqa: S603  (our own arguments)
        times.append((time.perf_counter() - start) * 1e3)
        processor.append((_processor_seconds() - used) * 1e3)
    return {
        "median_ms": round(statistics.median(times[1:]), 1),
        "worst_ms": round(max(times[1:]), 1),
        "processor_ms": round(statistics.median(processor[1:]), 1),
    }


def _processor_seconds() -> float:
    """Return what all processes that we have started have used: on a busy machine it says more than the clock."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def tables(report: Report) -> list[Table]:
    """Return what is shown."""
    rows = sorted(report["commands"], key=lambda row: -row["median_ms"])
    columns = ["median_ms", "worst_ms", "processor_ms"]
    shown = [[row["command"], *(f"{row[column]:.0f}" for column in columns)] for row in rows]
    return [("Help, slowest first (ms)", ["command", "median", "worst", "processor"], shown)]
