"""The chain client: settlements a second, latency, recovery from a cut, memory, and where its time goes."""

import trio

from chain.client import open_chain
from node.bench.chain_subjects import Hosted, Unavailable
from node.bench.client_cuts import recovery
from node.bench.client_load import Escrows, ForgetfulStore, Heads, latencies
from node.bench.client_memory import memory
from node.bench.client_profile import cost
from node.bench.report import Report, Table, goal, machine

__all__ = ["run", "tables"]

BACKENDS = ("embedded", "node")
IN_BLOCK_LIMIT_MS = 2_000.0
RECOVERY_LIMIT_MS = 2_000.0
BYTES_LIMIT = 200.0


def run(seed: int, *, quick: bool) -> Report:  # noqa: ARG001  (nothing here is drawn)
    """Measure the client on every backend that can run here.

    Args:
        seed: not used: the load is always the same.
        quick: few of everything, for a look.
    """
    backends: Report = {}
    for name in BACKENDS:
        try:
            Hosted(name).prepare()
            backends[name] = _measure(name, quick=quick)
        except Unavailable as why:
            backends[name] = {"unavailable": str(why)}
    return {
        "schema": "ainur/bench/client/1",
        "machine": machine(),
        "quick": quick,
        "backends": backends,
        "goals": _goals(backends, quick=quick),
    }


def _measure(name: str, *, quick: bool) -> Report:
    # Through the wire that is cut, clients name another port than the node's own.
    instant = Hosted(name, options={"allow_origin": ("*",)})
    with instant.running(cold=False) as started:
        url = f"ws://127.0.0.1:{started.port}"
        report: Report = trio.run(_on_instant, url, quick)
    paced = Hosted(name, options={"seal": "0.25", "finality_lag": 2})
    with paced.running(cold=False) as started:
        url = f"ws://127.0.0.1:{started.port}"
        report["latency"]["every 250 ms, final 2 blocks later"] = trio.run(
            _latency, url, 8 if quick else 40, "paced"
        )
    return report


async def _on_instant(url: str, quick: bool) -> Report:
    single = await _latency(url, 30 if quick else 200, "single")
    report: Report = {"latency": {"as soon as there is something": single}}
    async with open_chain(url, ForgetfulStore()) as chain:
        count = 40 if quick else 200
        await Escrows(chain, 6, "warm").pipelined(12)  # does not count
        report["settlements"] = {
            "one account": await Escrows(chain, 1, "one").pipelined(count),
            "six accounts": await Escrows(chain, 6, "six").pipelined(count),
        }
        report["memory"] = await memory(chain, 1_000 if quick else 10_000)
    report["recovery"] = await recovery(url, 5 if quick else 25)
    report["cost"] = await trio.to_thread.run_sync(cost, url, 20 if quick else 100)
    return report


async def _latency(url: str, count: int, label: str) -> Report:
    heads = Heads(url)
    try:
        async with open_chain(url, ForgetfulStore()) as chain:
            return await latencies(chain, heads, count, label)
    finally:
        heads.close()


def _goals(backends: Report, *, quick: bool) -> list[Report]:
    goals = []
    for name, found in backends.items():
        if "unavailable" in found:
            continue
        instant = found["latency"]["as soon as there is something"]["in_block_ms"]["p95"]
        cut = found["recovery"]["submission_ms"]["p95"]
        grown = found["memory"]["bytes_per_submission"]
        goals += [
            goal(f"{name}: call to in-block p95, ms", instant, IN_BLOCK_LIMIT_MS, met=instant <= IN_BLOCK_LIMIT_MS),
            goal(f"{name}: a submission that was cut, p95, ms", cut, RECOVERY_LIMIT_MS, met=cut <= RECOVERY_LIMIT_MS),
        ]  # fmt: skip
        if not quick:  # a few submissions only fill caches
            goals.append(
                goal(
                    f"{name}: memory grown by a submission, bytes",
                    grown,
                    BYTES_LIMIT,
                    met=grown <= BYTES_LIMIT,
                )
            )
    return goals


def tables(report: Report) -> list[Table]:
    """Lay a report out for people: one column a backend."""
    backends: Report = report["backends"]
    there = {name: found for name, found in backends.items() if "unavailable" not in found}
    rows: dict[str, list[str]] = {}
    for found in there.values():
        for label, value in _lines(found):
            rows.setdefault(label, []).append(str(value))
    made: list[Table] = [
        ("The chain client", ["measure", *there], [[label, *cells] for label, cells in rows.items()])
    ]  # fmt: skip
    missing = [[name, f["unavailable"]] for name, f in backends.items() if "unavailable" in f]
    if missing:
        made.append(("Not measured", ["backend", "why"], missing))
    return made


def _lines(found: Report) -> list[tuple[str, object]]:
    lines: list[tuple[str, object]] = []
    for accounts, rates in found["settlements"].items():
        lines += [
            (f"{what.removesuffix('_per_s')}, a second, {accounts}", rate)
            for what, rate in rates.items()
            if what != "escrows"
        ]
    for seal, times in found["latency"].items():
        for what, label in (("in_block_ms", "in block"), ("final_ms", "final")):
            values = times[what]
            lines.append((f"call to {label}, p50 / p95, ms; blocks {seal}", _pair(values)))
    recovered = found["recovery"]
    lines.append(("a question after a cut, p50 / p95, ms", _pair(recovered["question_ms"])))
    lines.append(("a submission that is cut, p50 / p95, ms", _pair(recovered["submission_ms"])))
    grown = found["memory"]
    lines.append((f"memory over {grown['submissions']:,} submissions, MB",
                  f"{grown['first_mb']} to {grown['last_mb']}"))  # fmt: skip
    lines.append(("memory grown by a submission, bytes", grown["bytes_per_submission"]))
    spent = found["cost"]
    lines.append(("requests to the node for one submission", spent["requests"]))
    lines += [(f"of a submission's time: {what}, ms", ms) for what, ms in spent["ms"].items()]
    return lines


def _pair(values: Report) -> str:
    return f"{values['p50']} / {values['p95']}" if values else "-"
