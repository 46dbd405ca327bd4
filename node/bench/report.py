"""What all benchmarks share: timing, growth exponents, goals, and the machine they ran on."""

import math
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["Report", "Table", "goal", "growth_exponent", "machine", "median_ms"]

Report = dict[str, Any]
Table = tuple[str, list[str], list[list[str]]]
"""Title, column headings, rows."""


def median_ms(work: Callable[[], object], repeats: int) -> float:
    """Return the median wall time of some work, milliseconds, after one run that does not count."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return round(statistics.median(times) * 1e3, 4)


def growth_exponent(sizes: Sequence[float], times: Sequence[float]) -> float | None:
    """Return the exponent k of the power law ``time ~ size^k`` that fits best; None below two points.

    Source: least squares on logarithms.
    """
    if len(sizes) < 2:
        return None
    x, y = [math.log(s) for s in sizes], [math.log(t) for t in times]
    return round(statistics.linear_regression(x, y).slope, 2)


def goal(name: str, measured: float | str, limit: float | str, *, met: bool) -> Report:
    """Return one goal with what was measured against it."""
    return {"goal": name, "measured": measured, "limit": limit, "met": met}


def machine() -> Report:
    """Return what the figures depend on."""
    import numpy as np
    import scipy

    return {
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "load": round(os.getloadavg()[0], 2),
    }
