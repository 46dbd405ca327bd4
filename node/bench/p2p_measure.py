"""Measures one network in a process of its own: ``python -m node.bench.p2p_measure ours|stock [--quick]``.

All nodes of a measurement share one loop and one core, so that what is measured is work, not luck.
A process of its own because ours sets two things for the whole process (the DHT's name, how a
protocol's name is read), and stock should be as it comes.
"""

import hashlib
import json
import logging
import random
import sys
import time
from contextlib import AsyncExitStack
from typing import Final

import numpy as np
import trio

from node.bench.p2p_subjects import INVALID, SUBJECTS, Subject
from node.bench.report import Report
from node.p2p.dht import capability_key

__all__ = ["measure"]

PAYLOAD: Final = 1_024
NEIGHBOURS: Final = 3
"""Peers that each node dials besides the first one."""
MESSAGES_PER_SECOND: Final = 4.0
SETTLE_SECONDS: Final = 12.0
"""Until the look-ups that every node makes when it starts are over."""
IDLE_SECONDS: Final = 3.0
LATE_SECONDS: Final = 10.0
SPAM_PER_MESSAGE: Final = 25
"""Invalid messages that a liar sends to its neighbours with each honest one: a hundred a second."""


def _seed(name: object) -> bytes:
    return hashlib.sha256(f"bench {name}".encode()).digest()


def _spread(milliseconds: list[float]) -> Report:
    if not milliseconds:
        return {"p50_ms": None, "p95_ms": None, "count": 0}
    p50, p95 = (round(float(np.percentile(milliseconds, p)), 3) for p in (50, 95))
    return {"p50_ms": p50, "p95_ms": p95, "count": len(milliseconds)}


async def _open(subject: str, count: int, stack: AsyncExitStack) -> list[Subject]:
    return [await stack.enter_async_context(SUBJECTS[subject](_seed(i))) for i in range(count)]


async def _connect_and_ask(subject: str, *, quick: bool) -> Report:
    connects, requests = [], []
    for turn in range(5 if quick else 20):
        async with AsyncExitStack() as stack:
            a, b = await _open(subject, 2, stack)
            start = time.perf_counter()
            await b.connect(a.address)
            connects.append((time.perf_counter() - start) * 1e3)
            if turn:
                continue
            data = bytes(PAYLOAD)
            for _ in range(20):
                await b.ask(a.peer, data)
            for _ in range(100 if quick else 1_000):
                start = time.perf_counter()
                await b.ask(a.peer, data)
                requests.append((time.perf_counter() - start) * 1e3)
    return {"connect": _spread(connects), "request": _spread(requests)}


async def _wire(nodes: list[Subject], rng: random.Random) -> None:
    for i, node in enumerate(nodes[1:], 1):
        for other in {nodes[0], *rng.sample(nodes[:i], min(NEIGHBOURS, i))}:
            await node.connect(other.address)


async def _gossip(subject: str, count: int, messages: int) -> Report:
    rng = random.Random(count)  # noqa: S311  (a benchmark's topology)
    sent: dict[int, float] = {}
    took: list[float] = []

    def heard(data: bytes) -> None:
        took.append((time.perf_counter() - sent[int.from_bytes(data[:8], "big")]) * 1e3)

    async with AsyncExitStack() as stack:
        nodes = await _open(subject, count, stack)
        await _wire(nodes, rng)
        for node in nodes:
            await node.subscribe(heard)
        await trio.sleep(SETTLE_SECONDS)
        idle = time.process_time()
        await trio.sleep(IDLE_SECONDS)
        idle = (time.process_time() - idle) / IDLE_SECONDS
        cpu, wall = time.process_time(), time.perf_counter()
        for number in range(messages):
            sent[number] = time.perf_counter()
            await rng.choice(nodes).publish(number.to_bytes(8, "big") + bytes(PAYLOAD - 8))
            await trio.sleep(max(0.0, sent[number] + 1 / MESSAGES_PER_SECOND - time.perf_counter()))
        expected = messages * (count - 1)
        with trio.move_on_after(LATE_SECONDS):
            while len(took) < expected:  # noqa: ASYNC110  (whatever comes is counted as it comes)
                await trio.sleep(0.05)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    busy = max(cpu - idle * wall, 0.0)
    return {
        **_spread(took),
        "delivered": round(len(took) / expected, 4),
        "cpu_ms_per_message_per_node": round(busy * 1e3 / (messages * count), 3),
        "idle_cpu_ms_per_second_per_node": round(idle * 1e3 / count, 3),
    }


async def _spam(count: int, messages: int) -> Report:
    """Ours alone: how late honest messages are while somebody sends invalid ones."""
    took: dict[bool, list[float]] = {False: [], True: []}
    sent: dict[int, tuple[float, bool]] = {}

    def heard(data: bytes) -> None:
        began, spammed = sent[int.from_bytes(data[:8], "big")]
        took[spammed].append((time.perf_counter() - began) * 1e3)

    rng = random.Random(count)  # noqa: S311  (a benchmark's topology)
    async with AsyncExitStack() as stack:
        nodes = await _open("ours", count, stack)
        liar = await stack.enter_async_context(SUBJECTS["ours"](_seed("liar")))
        await _wire(nodes, rng)
        for node in (*nodes, liar):
            await node.subscribe(heard)
        for node in nodes[:NEIGHBOURS]:
            await liar.connect(node.address)
        await trio.sleep(SETTLE_SECONDS)
        for number in range(2 * messages):
            spammed = number >= messages
            sent[number] = (time.perf_counter(), spammed)
            await rng.choice(nodes).publish(number.to_bytes(8, "big") + bytes(PAYLOAD - 8))
            if spammed:
                for _ in range(SPAM_PER_MESSAGE):
                    await liar.publish(INVALID)
            await trio.sleep(1 / MESSAGES_PER_SECOND)
        await trio.sleep(1.0)
    p99 = {spammed: round(float(np.percentile(each, 99)), 3) for spammed, each in took.items()}
    return {
        "p99_ms": p99[False],
        "p99_under_spam_ms": p99[True],
        "times": round(p99[True] / p99[False], 2),
        "invalid_per_second": round(SPAM_PER_MESSAGE * MESSAGES_PER_SECOND),
    }


async def _dht(subject: str, count: int, finds: int) -> Report:
    rng = random.Random(count)  # noqa: S311  (a benchmark's topology)
    took, right = [], 0
    async with AsyncExitStack() as stack:
        nodes = await _open(subject, count, stack)
        await _wire(nodes, rng)
        await trio.sleep(SETTLE_SECONDS)
        for number in range(finds):
            key = capability_key(f"bench.{number}", 0, 0)
            provider, seeker = rng.sample(nodes, 2)
            await provider.provide(key)
            start = time.perf_counter()
            found = await seeker.find(key)
            took.append((time.perf_counter() - start) * 1e3)
            right += provider.peer in found
    return {**_spread(took), "found": round(right / finds, 4)}


async def measure(subject: str, *, quick: bool) -> Report:
    """Return all figures of one network."""
    sizes = (10,) if quick else (10, 25)
    report = await _connect_and_ask(subject, quick=quick)
    report["gossip"] = {str(n): await _gossip(subject, n, 20 if quick else 80) for n in sizes}
    if subject == "ours":
        report["spam"] = await _spam(10, 20 if quick else 80)
    report["dht"] = {str(n): await _dht(subject, n, 10 if quick else 40) for n in sizes}
    return report


def main() -> None:
    """Measure what the arguments name, and print it as JSON."""
    logging.disable(logging.CRITICAL)
    json.dump(trio.run(lambda: measure(sys.argv[1], quick="--quick" in sys.argv)), sys.stdout)


if __name__ == "__main__":
    main()
