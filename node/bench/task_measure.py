"""What ``ainur bench task`` measures in a testnet that runs: one task, many at once for long, and who was killed."""

import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any, Final

import attrs

from node.api.client import ApiError
from node.bench.report import Report
from node.executor.usage import memory_of
from node.testnet.handle import CHAIN, Testnet
from node.testnet.home import FIRST

__all__ = ["Timed", "measure_recovery", "measure_sustained", "measure_task"]

AT_ONCE: Final = 2
"""Tasks under way at a time, where they are many; each provider works on one at a time."""
SAMPLE_SECONDS: Final = 2.0
PATIENCE: Final = 60.0
WORDS: Final = "schiff wind hafen sturm markt arbeit preis vertrag ufer segel nacht morgen".split()  # noqa: SIM905  # reads better


@attrs.frozen(kw_only=True)
class Timed:
    """A task and what its steps took, milliseconds; those of one that was not paid are 0."""

    ended: str
    submission_ms: float = 0.0
    """From asking for it to the call having left the node."""
    window_ms: float = 0.0
    """From the call to the last sealed bid."""
    auction_ms: float = 0.0
    """From the last sealed bid to the award: the root, all reveals, the clearing."""
    settlement_ms: float = 0.0
    """From the result being found good to its payment being final."""
    whole_ms: float = 0.0
    """From asking for it to its payment being final."""

    @property
    def is_paid(self) -> bool:
        """Return whether its provider was paid."""
        return self.ended.startswith("released")


def measure_task(testnet: Testnet, rng: Random) -> Timed:
    """Have a task done, and time its steps by the clock that all processes share.

    Raises:
        ApiError: the node does not answer.
    """
    body = {
        "capability": "text.language",
        "input": {"text": " ".join(rng.choices(WORDS, k=20))},
        "budget": "2 AINU",  # above all their costs: who cannot bid lets the window run out
        "deadline_ms": 30_000,
    }
    began = time.time_ns() / 1e6
    task = testnet.api(FIRST).post("/v1/tasks", body)["task"]["id"]
    at: dict[str, float] = {}
    ended = "its node was stopped"
    for event in testnet.api(FIRST).events("/v1/events", task=task):
        at[event["kind"]] = event["at_ms"]  # of sealed bids the last one counts
        if event["kind"] in ("ended", "stream-ended"):
            ended = f"{event.get('how')}: {event.get('why')}"
            break
    if not {"called", "committed", "award", "checked", "settled"} <= at.keys():
        return Timed(ended=ended)
    return Timed(
        ended=ended,
        submission_ms=at["called"] - began,
        window_ms=at["committed"] - at["called"],
        auction_ms=at["award"] - at["committed"],
        settlement_ms=at["settled"] - at["checked"],
        whole_ms=at["settled"] - began,
    )


def _memory(testnet: Testnet) -> float:
    """Return what the processes of all nodes hold, MiB; their agents' are not theirs."""
    pids = [node.pid for node in testnet.view.nodes if node.pid is not None]
    return memory_of(pids, enough=0) / 2**20


def _growth(values: list[float]) -> float | None:
    """Return the median of the last third by that of the first."""
    third = len(values) // 3
    if third == 0:
        return None
    return round(statistics.median(values[-third:]) / statistics.median(values[:third]), 3)


def measure_sustained(testnet: Testnet, rng: Random, seconds: float) -> Report:
    """Keep a few tasks under way for a time; say how many were paid, and whether it stays as it began."""
    end = time.monotonic() + seconds
    seeds = [rng.getrandbits(64) for _ in range(AT_ONCE)]
    done: list[Timed] = []
    memory: list[float] = []
    is_over = threading.Event()

    def work(seed: int) -> None:
        own = Random(seed)  # noqa: S311  # as above
        while time.monotonic() < end:
            done.append(measure_task(testnet, own))

    def watch() -> None:
        while not is_over.wait(SAMPLE_SECONDS):
            memory.append(_memory(testnet))

    began = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE + 1) as pool:
        watching = pool.submit(watch)
        working = [pool.submit(work, seed) for seed in seeds]
        try:
            for each in working:
                each.result()
        finally:
            is_over.set()
        watching.result()
    took = time.monotonic() - began
    paid = [each for each in done if each.is_paid]
    return {
        "seconds": round(took, 1),
        "at_once": AT_ONCE,
        "tasks": len(done),
        "paid": len(paid),
        "paid_a_minute": round(len(paid) * 60 / took, 1),
        "latency_growth": _growth([each.whole_ms for each in paid]),
        "memory_growth": _growth(memory),
        "memory_mib": round(memory[-1]) if memory else None,
    }


def measure_recovery(testnet: Testnet, rng: Random, repeats: int) -> list[Report]:
    """Kill a provider, the requester and the chain in turn; time until each is back and the market works again."""
    rows: list[Report] = []
    for who in ("n2", FIRST, CHAIN):
        times = [_recover(testnet, who, rng) for _ in range(repeats)]
        rows.append(
            {
                "who": who,
                "p50_s": round(statistics.median(times), 2),
                "worst_s": round(max(times), 2),
                "runs": repeats,
            }
        )
    return rows


def _recover(testnet: Testnet, who: str, rng: Random) -> float:
    providers = sum(node.is_provider for node in testnet.view.nodes)
    testnet.kill(who)
    began = time.monotonic()
    testnet.start(who)
    while not _is_whole(testnet, providers):
        if time.monotonic() - began > PATIENCE:
            raise TimeoutError(
                f"{who} was killed, and {PATIENCE:g} s later the market is not whole again"
            )
        time.sleep(0.05)
    took = time.monotonic() - began
    measure_task(testnet, rng)  # and it works
    return took


def _is_whole(testnet: Testnet, providers: int) -> bool:
    """Return whether the first node answers, is connected to all others, knows their agents and follows the chain."""
    try:
        status: dict[str, Any] = testnet.api(FIRST).get("/v1/status")
    except ApiError:
        return False
    return (
        status["agents"] >= providers
        and status["peers"] >= len(testnet.names) - 1
        and bool(status["chain"]["current"])
    )
