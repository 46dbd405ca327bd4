"""Whether the client's memory stays flat."""

import os
import statistics
from pathlib import Path

import trio

from chain.client import Chain
from node.bench.client_load import REQUESTERS, transfer
from node.bench.report import Report

__all__ = ["memory"]

AT_ONCE = 6
SAMPLES = 20


async def memory(chain: Chain, count: int) -> Report:
    """Return what so many submissions do to this process's memory, and the slope over the later half.

    Source: least squares; the earlier half fills caches that are bounded.
    """
    samples: list[tuple[int, float]] = []
    done = 0

    async def some(account: int, numbers: range) -> None:
        nonlocal done
        for number in numbers:
            await chain.submit(f"memory {account} {number}", transfer(number), REQUESTERS[account])
            done += 1
            if done % (count // SAMPLES) == 0:
                samples.append((done, _own_mb()))

    async with trio.open_nursery() as nursery:
        for account in range(AT_ONCE):
            nursery.start_soon(some, account, range(account, count, AT_ONCE))
    later = samples[len(samples) // 2 :]
    slope = statistics.linear_regression([n for n, _ in later], [mb for _, mb in later]).slope
    return {
        "submissions": count,
        "first_mb": samples[0][1],
        "middle_mb": later[0][1],
        "last_mb": samples[-1][1],
        "bytes_per_submission": round(slope * 1e6, 1),
    }


def _own_mb() -> float:
    """Return this process's memory without that of its children, of which the chain is one."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 2)
