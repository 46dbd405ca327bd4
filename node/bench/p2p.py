"""``ainur bench p2p``: the network beside the library as it comes, and what a directory query costs."""

import json
import subprocess
import sys
from typing import Any, Final

from node.bench.report import Report, Table, goal, machine

__all__ = ["run", "tables"]

LIMIT_SECONDS: Final = 900
GOALS: Final = (
    ("connect p50, ms", ("connect", "p50_ms"), 20.0),
    ("request p95, ms", ("request", "p95_ms"), 5.0),
    ("gossip p95 at 10 nodes, ms", ("gossip", "10", "p95_ms"), 50.0),
    ("gossip p95 at 25 nodes, ms", ("gossip", "25", "p95_ms"), 250.0),
    (
        "CPU per message per node at 25 nodes, ms",
        ("gossip", "25", "cpu_ms_per_message_per_node"),
        3.0,
    ),
    ("gossip p99 under spam, times that without", ("spam", "times"), 2.0),
    ("DHT find p95 at 25 nodes, ms", ("dht", "25", "p95_ms"), 300.0),
)
ROWS: Final = (
    ("connect p50, ms", ("connect", "p50_ms")),
    ("connect p95, ms", ("connect", "p95_ms")),
    ("request p50, ms", ("request", "p50_ms")),
    ("request p95, ms", ("request", "p95_ms")),
    *(
        (f"{what} at {size} nodes{unit}", (kind, size, key))
        for size in ("10", "25")
        for kind, what, key, unit in (
            ("gossip", "gossip p95", "p95_ms", ", ms"),
            ("gossip", "gossip delivered", "delivered", ""),
            ("gossip", "CPU per message per node", "cpu_ms_per_message_per_node", ", ms"),
            ("gossip", "idle CPU per second per node", "idle_cpu_ms_per_second_per_node", ", ms"),
            ("dht", "DHT find p95", "p95_ms", ", ms"),
            ("dht", "DHT found", "found", ""),
        )
    ),
    ("gossip p99 at 10 nodes, ms", ("spam", "p99_ms")),
    ("... while one sends 100 invalid messages a second, ms", ("spam", "p99_under_spam_ms")),
)


def run(seed: int, *, quick: bool) -> Report:
    """Measure both networks, one after the other, and the directory.

    Args:
        seed: of the directory's agents; the networks are always the same.
        quick: ten nodes and few messages, for a look; no directory.
    """
    networks = {name: _measure(name, quick=quick) for name in ("ours", "stock")}
    report: Report = {
        "schema": "ainur/bench/p2p/1",
        "machine": machine(),
        "quick": quick,
        "networks": networks,
        "goals": _goals(networks["ours"]),
    }
    if not quick:
        from node.bench import directory

        report["directory"] = directory.run(seed, quick=False)
        report["goals"] += report["directory"]["goals"]
    return report


def _measure(name: str, *, quick: bool) -> Report:
    command = [sys.executable, "-m", "node.bench.p2p_measure", name, *(["--quick"] * quick)]
    try:
        done = subprocess.run(  # noqa: S603  (this interpreter, this program)
            command, capture_output=True, text=True, check=True, timeout=LIMIT_SECONDS
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        if name == "ours":
            raise
        return {"failed": str(error)}
    figures: Report = json.loads(done.stdout)
    return figures


def _at(figures: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if not isinstance(figures, dict) or key not in figures:
            return None
        figures = figures[key]
    return figures


def _goals(ours: Report) -> list[Report]:
    return [
        goal(name, value, limit, met=value < limit)
        for name, path, limit in GOALS
        if (value := _at(ours, path)) is not None
    ]


def tables(report: Report) -> list[Table]:
    """Lay a report out for people: one column a network."""
    networks: Report = report["networks"]
    rows = [
        [line, *("-" if (v := _at(f, path)) is None else str(v) for f in networks.values())]
        for line, path in ROWS
        if any(_at(f, path) is not None for f in networks.values())
    ]
    made: list[Table] = [
        ("Networks on loopback, all nodes on one core", ["measure", *networks], rows)
    ]
    if "directory" in report:
        from node.bench import directory

        made += directory.tables(report["directory"])
    return made
