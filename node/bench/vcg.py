"""Clearing: all payments from one solve, against solving again, against an integer program."""

import time
from collections.abc import Callable
from random import Random

import numpy as np
from scipy.optimize import LinearConstraint, linear_sum_assignment, milp
from scipy.sparse import csr_array, eye_array, kron, vstack

from market.clearing.assignment import solve_assignment
from market.clearing.problem import Bid, Problem
from market.clearing.rents import rents_of
from market.clearing.slots import NO_PAIR, Int64, Slots, expand_slots
from market.hashing import AuctionId, TaskId, digest
from market.identity import AccountId
from market.messages import Ask, BundleAsk
from market.units import Planck, Ppm
from market.vcg import clear
from node.bench.report import Report, Table, goal, growth_exponent, machine, median_ms

__all__ = ["run", "tables"]

SIZES = ((100, 25), (250, 62), (500, 125), (1_000, 200), (1_000, 250), (2_000, 500), (4_000, 1_000))
"""Providers and tasks."""
RESOLVE_UP_TO = 2_000
MILP_UP_TO = 100
"""Providers beyond which a method is left out: it would take minutes."""
TICKS = 10**9
LARGE = 250
"""Providers from which the algorithm, not the overhead of a call, decides."""
RATIO_LIMIT = 5.0
UNIFORM_LIMIT_MS = 50.0
BUNDLES_LIMIT_S = 3.0


def uniform(rng: np.random.Generator, providers: int, tasks: int) -> Int64:
    """Return surpluses drawn evenly, every pair on its own: the easy case."""
    surplus: Int64 = rng.integers(0, TICKS, (tasks, providers), np.int64)
    return surplus


def quality_weighted(rng: np.random.Generator, providers: int, tasks: int) -> Int64:
    """Return reserve x quality - cost: good providers are good at everything, so all compete."""
    reserve = rng.integers(TICKS // 2, TICKS, (tasks, 1))
    quality = rng.integers(500_000, 1_000_001, providers)
    cost = rng.integers(TICKS // 5, 9 * TICKS // 10, (tasks, providers))
    surplus: Int64 = np.maximum(reserve * quality // 1_000_000 - cost, NO_PAIR)
    return surplus


GENERATORS: dict[str, Callable[[np.random.Generator, int, int], Int64]] = {
    "uniform": uniform,
    "quality-weighted": quality_weighted,
}


def _resolve_each(surplus: Int64) -> Int64:
    """Return every rent by solving again without each winner: the method this one replaces."""
    cost = -np.maximum(surplus, 0).astype(np.float64)
    rows, columns = linear_sum_assignment(cost)
    whole = cost[rows, columns].sum()
    rents = np.zeros(surplus.shape[1], np.int64)
    for column in columns:
        rest = np.delete(cost, column, axis=1)
        r, c = linear_sum_assignment(rest)
        rents[column] = round(rest[r, c].sum() - whole)
    return rents


def _milp_each(surplus: Int64) -> Int64:
    """Return every rent from integer programs, one a winner and one for all."""
    tasks, providers = surplus.shape
    per_task = kron(eye_array(tasks), np.ones((1, providers)))
    per_provider = kron(np.ones((1, tasks)), eye_array(providers))
    matrix = csr_array(vstack([per_task, per_provider]))
    gain = np.maximum(surplus, 0).astype(np.float64)

    def best(gain: np.ndarray) -> tuple[float, np.ndarray]:
        result = milp(
            -gain.ravel(),
            integrality=np.ones(gain.size),
            bounds=(0, 1),
            constraints=LinearConstraint(matrix, ub=1),
            options={"mip_rel_gap": 0.0},
        )
        return -result.fun, np.flatnonzero(result.x.reshape(gain.shape).sum(axis=0) > 1 / 2)

    whole, winners = best(gain)
    rents = np.zeros(providers, np.int64)
    for winner in winners:
        without = gain.copy()
        without[:, winner] = 0
        rents[winner] = round(whole - best(without)[0])
    return rents


def _one_solve(slots: Slots, rank: Int64) -> Int64:
    return rents_of(slots, solve_assignment(slots, lambda: rank))


def _row(
    name: str, providers: int, tasks: int, seed: int, *, capacity: int, repeats: int
) -> Report:
    rng = np.random.default_rng([seed, providers, tasks])
    surplus = GENERATORS[name](rng, providers, tasks)
    surcharges = [tuple(range(0, 1_000 * capacity, 1_000))] * providers
    slots = expand_slots(surplus, surcharges)
    rank = rng.permuted(np.tile(np.arange(providers), (tasks, 1)), axis=1)
    cost = -np.maximum(slots.surplus, 0).astype(np.float64)
    lsa = median_ms(lambda: linear_sum_assignment(cost), repeats)
    ours = median_ms(lambda: _one_solve(slots, rank), repeats)
    row: Report = {
        "generator": name,
        "providers": providers,
        "tasks": tasks,
        "capacity": capacity,
        "assignment_ms": lsa,
        "one_solve_ms": ours,
        "ratio": round(ours / lsa, 2),
        "resolve_ms": None,
        "milp_ms": None,
        "payments_agree": None,
    }
    rents = _one_solve(slots, rank)[slots.owner]  # whoever has no pair has no column
    if capacity == 1 and providers <= RESOLVE_UP_TO and not (name != "uniform" and tasks > 250):
        start = time.perf_counter()
        again = _resolve_each(slots.surplus)
        row["resolve_ms"] = round((time.perf_counter() - start) * 1e3, 2)
        row["payments_agree"] = bool((again == rents).all())
    if capacity == 1 and providers <= MILP_UP_TO:
        start = time.perf_counter()
        again = _milp_each(slots.surplus)
        row["milp_ms"] = round((time.perf_counter() - start) * 1e3, 2)
        row["payments_agree"] = bool(row["payments_agree"] and (again == rents).all())
    return row


def bundle_problem(seed: int, tasks: int = 20, bidders: int = 100, bids: int = 500) -> Problem:
    """Return an auction of bundles of one to four tasks, cheaper together than apart."""
    rng = Random(seed)  # noqa: S311  # a benchmark's instance, not a secret
    made = []
    for number in range(bidders):
        sets: set[tuple[int, ...]] = set()
        while len(sets) < bids // bidders:
            sets.add(tuple(sorted(rng.sample(range(tasks), rng.randint(1, 4)))))
        bundles = [
            BundleAsk(tasks=s, price=Planck(sum(rng.randint(200, 800) for _ in s) * rng.randint(75, 100)))
            for s in sorted(sets)
        ]  # fmt: skip
        ask = Ask(prices=(), slot_surcharge=(Planck(0),) * 4, bundles=tuple(bundles))
        account = AccountId(digest("leaf", number.to_bytes(4, "big")))
        made.append(Bid(account, Ppm(rng.randint(700_000, 1_000_000)), 4, ask))
    return Problem(
        auction=AuctionId(rng.randbytes(32)),
        tasks=tuple(TaskId(bytes([n]) * 32) for n in range(tasks)),
        reserves=(Planck(100_000),) * tasks,
        tick=Planck(1),
        bids=tuple(made),
    )


def _bundles(seed: int, count: int) -> Report:
    seconds, methods = [], set()
    for number in range(count):
        problem = bundle_problem(seed * 1_000 + number)
        start = time.perf_counter()
        methods.add(clear(problem, "vcg-bundles").method)
        seconds.append(round(time.perf_counter() - start, 3))
    return {
        "tasks": 20,
        "bidders": 100,
        "bids": 500,
        "instances": count,
        "seconds": seconds,
        "worst_s": max(seconds),
        "all_proven": methods == {"vcg-bundles"},
    }


def run(seed: int, *, quick: bool) -> Report:
    """Measure every method on every generator and size.

    Args:
        seed: of the instances.
        quick: small sizes only, for a look.
    """
    sizes = [size for size in SIZES if not quick or size[0] <= 500]
    rows = []
    for name in GENERATORS:
        for providers, tasks in sizes:
            repeats = 15 if providers <= 1_000 else 5
            rows.append(_row(name, providers, tasks, seed, capacity=1, repeats=repeats))
    for providers, tasks in sizes:
        if providers <= 2_000:
            rows.append(_row("uniform", providers, tasks, seed, capacity=2, repeats=5))
    bundles = _bundles(seed, 2 if quick else 10)
    unit = [row for row in rows if row["capacity"] == 1]
    large = [row["ratio"] for row in unit if row["providers"] >= LARGE]
    worst = max(large, default=0.0)
    goals = [
        goal(
            "20 tasks x 100 bidders x 500 bundle bids, worst, s, proven",
            bundles["worst_s"],
            BUNDLES_LIMIT_S,
            met=bundles["worst_s"] <= BUNDLES_LIMIT_S and bundles["all_proven"],
        ),
        goal(
            "payments agree with solving again and with milp",
            sum(row["payments_agree"] is True for row in rows),
            "all rows compared",
            met=all(row["payments_agree"] is not False for row in rows),
        ),
    ]
    if large:
        name = f"all payments / one assignment solve, unit capacity, from {LARGE} providers"
        goals.append(goal(name, worst, RATIO_LIMIT, met=worst <= RATIO_LIMIT))
    named = [
        r for r in unit if (r["generator"], r["providers"], r["tasks"]) == ("uniform", 2_000, 500)
    ]
    goals += [
        goal("uniform, 2,000 providers, 500 tasks, ms", row["one_solve_ms"], UNIFORM_LIMIT_MS,
             met=row["one_solve_ms"] <= UNIFORM_LIMIT_MS)
        for row in named
    ]  # fmt: skip
    return {
        "schema": "ainur/bench/vcg/1",
        "seed": seed,
        "machine": machine(),
        "rows": rows,
        "growth": _growth(unit),
        "bundles": bundles,
        "goals": goals,
    }


def _growth(rows: list[Report]) -> list[Report]:
    """Fit exponents over the sizes with four providers a task."""
    out = []
    for name in GENERATORS:
        mine = [
            r
            for r in rows
            if r["generator"] == name
            and r["providers"] == 4 * r["tasks"]
            and r["providers"] >= LARGE
        ]
        fits: Report = {"generator": name, "over": f"providers from {LARGE}, four a task"}
        for method in ("assignment_ms", "one_solve_ms", "resolve_ms"):
            points = [(r["providers"], r[method]) for r in mine if r[method] is not None]
            fits[method.removesuffix("_ms")] = growth_exponent(
                [p for p, _ in points], [t for _, t in points]
            )
        out.append(fits)
    return out


def tables(report: Report) -> list[Table]:
    """Lay a report out for people."""
    columns = ["generator", "providers", "tasks", "capacity", "assignment_ms", "one_solve_ms",
               "ratio", "resolve_ms", "milp_ms", "payments_agree"]  # fmt: skip
    exponents = ["generator", "assignment", "one_solve", "resolve"]

    def cells(rows: list[Report], names: list[str]) -> list[list[str]]:
        return [["-" if row[n] is None else str(row[n]) for n in names] for row in rows]

    bundles = report["bundles"]
    return [
        ("All Clarke payments", columns, cells(report["rows"], columns)),
        ("Growth exponents (time ~ providers^k)", exponents, cells(report["growth"], exponents)),
        ("Bundles", list(bundles), [[str(v) for v in bundles.values()]]),
    ]
