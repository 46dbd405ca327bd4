"""Agents: how long a worker takes to start, a task to go there and back, and a hostile one to be stopped."""

import base64
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

import trio

from node.agents.builtin import builtin_agents
from node.agents.declaration import agent
from node.agents.specs import AgentSpec, FunctionAgent
from node.bench.report import Report, Table, goal, machine
from node.executor.errors import KilledByLimitError, TimedOutError
from node.executor.limits import Grants, Limits
from node.executor.loading import load_agents
from node.executor.running import RunningAgent, open_executor
from node.executor.sandbox import find_bubblewrap

__all__ = ["run", "tables"]

ROUND_TRIP_MS = 2.0
"""For the median: workers run at a lower priority, so that the tail says how busy the machine is."""
FUEL_MS = 100.0
FUEL = 10_000_000
OVERRUN_MS = 750.0
"""Half a second of it is the agent's grace to stop by itself."""
ECHO = """
from ainur import agent
@agent(capability="bench.echo", price=0)
async def echo(task):
    while task.input == "spin":
        pass
    return task.input
"""
SPIN = '(module (memory (export "memory") 1) (func (export "_start") (loop (br 0))))'
WORDS = ("market", "agent", "escrow", "sells", "work", "storm", "the", "of", "a", "port", "harbour")


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    start = time.perf_counter()
    await work()
    return (time.perf_counter() - start) * 1e3


async def _perform(running: RunningAgent, given: Any, seconds: float = 30.0) -> Any:
    return await running.perform(given, trio.current_time() + seconds)


async def _expect(
    running: RunningAgent, given: Any, seconds: float, error: type[Exception]
) -> None:
    try:
        await _perform(running, given, seconds)
    except error:
        return
    raise AssertionError(f"{running.offer.capability} was not stopped")


def _spread(times: list[float]) -> Report:
    ranked = sorted(times)
    return {
        "p50_ms": round(statistics.median(ranked), 3),
        "p95_ms": round(ranked[int(len(ranked) * 0.95)], 3),
        "runs": len(ranked),
    }


async def _worker(folder: Path, repeats: int) -> Report:
    file = folder / "echo.py"
    file.write_text(ECHO)
    limits, grants = Limits(), Grants(unsandboxed=True)
    (spec,) = await load_agents(file, limits, grants)
    starts = []
    for _ in range(max(3, repeats // 50)):
        start = time.perf_counter()
        async with open_executor(spec, limits, grants):
            starts.append((time.perf_counter() - start) * 1e3)
    async with open_executor(spec, limits, grants) as running:
        trips = [await _timed(lambda: _perform(running, {"n": 1})) for _ in range(repeats)]
        overruns = []
        for _ in range(3):
            await running.warm_up()
            spun = await _timed(lambda: _expect(running, "spin", 0.3, TimedOutError))
            overruns.append(spun - 300)
    return {
        "start": _spread(starts),
        "round_trip": _spread(trips),
        "overrun_ms": round(max(overruns), 1),
    }


async def _fuel(folder: Path) -> Report:
    file = folder / "spin.wat"
    file.write_text(SPIN)
    spec = agent.wasm(str(file), capability="bench.spin", price=0, fuel=FUEL)
    async with open_executor(spec, Limits(tasks_per_worker=100), Grants(files=(file,))) as running:
        times = []
        for _ in range(3):
            times.append(
                await _timed(lambda: _expect(running, None, 30.0, KilledByLimitError))
            )  # fmt: skip
            # The worker that met its limit is replaced; its start is not what is measured here.
            await running.warm_up()
    return {"fuel": FUEL, "stopped_ms": round(max(times), 1)}


def _inputs(rng: Random) -> dict[str, Any]:
    sentences = [" ".join(rng.choices(WORDS, k=12)).capitalize() + "." for _ in range(100)]
    rows = [f"{i},{rng.random()},{rng.choice(WORDS)}" for i in range(10_000)]
    # 64 x 64 grey pixels, the plainest picture that Pillow reads: the decoder is not what is measured.
    bitmap = (
        b"BM" + (54 + 64 * 64 * 3).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little")
    )
    bitmap += (40).to_bytes(4, "little") + (64).to_bytes(4, "little") * 2
    bitmap += b"\x01\0\x18\0" + bytes(24) + rng.randbytes(64 * 64 * 3)
    return {
        "text.summarize": {"text": " ".join(sentences)},
        "text.language": {"text": sentences[0]},
        "image.thumbnail": {"image": base64.b64encode(bitmap).decode(), "width": 32, "height": 32},
        "table.query": {
            "csv": "\n".join(["n,x,word", *rows]),
            "sql": "select word, avg(x) from data group by all order by all",
        },
        "code.format": {"code": "def f( x ):\n  return [ i for i in x ]\n" * 50},
    }


async def _builtin(spec: AgentSpec, given: Any, repeats: int) -> Report:
    start = time.perf_counter()
    async with open_executor(spec) as running:
        opened = (time.perf_counter() - start) * 1e3
        first = await _timed(lambda: _perform(running, given))
        times = [await _timed(lambda: _perform(running, given)) for _ in range(repeats)]
        memory = running.memory_bytes()
    name = spec.name if isinstance(spec, FunctionAgent) else ""
    return {
        "capability": spec.offer.capability,
        "name": name,
        "price": spec.offer.price_text,
        "start_ms": round(opened),
        "first_ms": round(first, 2),
        "memory_mib": memory >> 20,
        **_spread(times),
    }


async def _measure(seed: int, quick: bool) -> Report:
    repeats = 200 if quick else 1_000
    inputs = _inputs(Random(seed))  # noqa: S311  # a benchmark's instances, not secrets
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        worker = await _worker(folder, repeats)
        fuel = await _fuel(folder)
    builtin = [
        await _builtin(spec, inputs[spec.offer.capability], max(3, repeats // 50))
        for spec in builtin_agents()
    ]
    return {"worker": worker, "wasm": fuel, "builtin": builtin}


def run(seed: int, *, quick: bool) -> Report:
    """Run agents and return what was measured, with the goals."""
    measured = trio.run(_measure, seed, quick)
    trip, overrun = measured["worker"]["round_trip"]["p50_ms"], measured["worker"]["overrun_ms"]
    stopped = measured["wasm"]["stopped_ms"]
    return {
        "schema": "ainur/bench/agents/1",
        "machine": machine(),
        "sandboxed": find_bubblewrap().program is not None,
        **measured,
        "goals": [
            goal("a task there and back, p50, ms", trip, ROUND_TRIP_MS, met=trip < ROUND_TRIP_MS),
            goal("fuel stops a spin, ms", stopped, FUEL_MS, met=stopped < FUEL_MS),
            goal("a spin ends after its deadline, ms", overrun, OVERRUN_MS, met=overrun < OVERRUN_MS),
        ],
    }  # fmt: skip


def tables(report: Report) -> list[Table]:
    """Return the report as tables."""
    rows = [
        [what, str(found["p50_ms"]), str(found["p95_ms"]), str(found["runs"])]
        for what, found in (
            ("start a worker", report["worker"]["start"]),
            ("a task there and back", report["worker"]["round_trip"]),
        )
    ]
    columns = [
        "capability",
        "name",
        "price",
        "start_ms",
        "first_ms",
        "p50_ms",
        "p95_ms",
        "memory_mib",
    ]
    return [
        ("Workers, ms", ["what", "p50", "p95", "runs"], rows),
        (
            "The node's own agents",
            columns,
            [[str(row[column]) for column in columns] for row in report["builtin"]],
        ),
    ]
