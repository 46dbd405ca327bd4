"""Fairness: sealed batches against first come, first served, with a fast poor and a slow good bidder."""

from random import Random

from market.clearing.problem import Bid, Problem
from market.hashing import AuctionId, TaskId, digest
from market.identity import AccountId
from market.messages import Ask, TaskAsk
from market.units import PPM, Planck, Ppm
from market.vcg import clear
from node.bench.report import Report, Table, goal, machine
from node.simulation.auction import AuctionWorld, random_auction

__all__ = ["run", "tables"]

RESERVE = 1_000
FAST_MS = (5, 20)
SLOW_MS = (80, 150)


def _account(name: str) -> AccountId:
    return AccountId(digest("leaf", name.encode()))


def _ask(price: int) -> Ask:
    one = TaskAsk(task=0, price=Planck(price))
    return Ask(prices=(one,), slot_surcharge=(Planck(0),), bundles=())


def _duel(rng: Random) -> tuple[Problem, dict[AccountId, int]]:
    """Return one task with a fast poor and a slow good bidder, and when their bids arrive, ms."""
    fast = Bid(_account("fast"), Ppm(rng.randint(500_000, 700_000)), 1, _ask(rng.randint(300, 500)))
    slow = Bid(_account("slow"), Ppm(rng.randint(800_000, PPM)), 1, _ask(rng.randint(200, 500)))
    problem = Problem(
        auction=AuctionId(rng.randbytes(32)),
        tasks=(TaskId(bytes(32)),),
        reserves=(Planck(RESERVE),),
        tick=Planck(1),
        bids=(fast, slow),
    )
    arrival = {fast.provider: rng.randint(*FAST_MS), slow.provider: rng.randint(*SLOW_MS)}
    return problem, arrival


def _first_come(problem: Problem, arrival: dict[AccountId, int]) -> Bid | None:
    """Return who wins where the first acceptable bid is taken."""
    acceptable = [b for b in problem.bids if b.ask.prices[0].price <= problem.value(b, 0)]
    return min(acceptable, key=lambda b: arrival[b.provider], default=None)


def _duels(seed: int, count: int) -> Report:
    rng = Random(seed)  # noqa: S311  # a benchmark's instances, not secrets
    good = {"batch": 0, "first_come": 0}
    welfare = {"batch": 0, "first_come": 0}
    efficient = 0
    for _ in range(count):
        problem, arrival = _duel(rng)
        cleared = clear(problem)
        efficient += int(cleared.welfare)
        welfare["batch"] += int(cleared.welfare)
        good["batch"] += any(line.provider == _account("slow") for line in cleared.lines)
        first = _first_come(problem, arrival)
        if first is not None:
            welfare["first_come"] += problem.value(first, 0) - first.ask.prices[0].price
            good["first_come"] += first.provider == _account("slow")
    return {
        "auctions": count,
        "won_by_slow_good_percent": {k: round(100 * v / count, 1) for k, v in good.items()},
        "surplus_percent": {k: round(100 * v / efficient, 1) for k, v in welfare.items()},
    }


def _award_when_shuffled(seed: int, order: int) -> list[tuple[int, AccountId, int]]:
    """Return the award of one auction whose messages arrive in another order within each window."""
    rng = Random(seed)  # noqa: S311  # as above
    world = random_auction(rng, tasks=rng.randint(1, 4), bidders=rng.randint(2, 8))
    network = Random(order)  # noqa: S311  # as above
    world.start()
    while not world.is_over:
        _settle(world, network)
        world.advance()
    rounds = world.state.rounds
    lines = rounds[-1].clearing.lines if rounds else ()
    return [(line.task, line.provider, line.price) for line in lines]


def _settle(world: AuctionWorld, network: Random) -> None:
    """Deliver everything under way, in any order, before the next block."""
    while world.pool:
        world.deliver(network.randrange(len(world.pool)))


def run(seed: int, *, quick: bool) -> Report:
    """Measure what arriving early is worth under both rules."""
    duels = _duels(seed, 1_000 if quick else 10_000)
    auctions, orders = (20, 4) if quick else (100, 8)
    changed = sum(
        len({tuple(_award_when_shuffled(seed + n, order)) for order in range(orders)}) > 1
        for n in range(auctions)
    )
    surplus = duels["surplus_percent"]
    return {
        "schema": "ainur/bench/fairness/1",
        "seed": seed,
        "machine": machine(),
        "duels": duels,
        "arrival": {
            "auctions": auctions,
            "orders_each": orders,
            "awards_changed_by_order": changed,
        },
        "goals": [
            goal("awards that the order of arrival changed", changed, 0, met=changed == 0),
            goal(
                "surplus of batches, % of the best possible",
                surplus["batch"],
                100.0,
                met=surplus["batch"] == 100.0,
            ),
            goal(
                "surplus of first come, first served, below that of batches",
                surplus["first_come"],
                surplus["batch"],
                met=surplus["first_come"] < surplus["batch"],
            ),
        ],
    }


def tables(report: Report) -> list[Table]:
    """Lay a report out for people."""
    duels = report["duels"]
    rows = [
        [rule, str(duels["won_by_slow_good_percent"][rule]), str(duels["surplus_percent"][rule])]
        for rule in ("batch", "first_come")
    ]
    arrival = report["arrival"]
    return [
        ("A fast poor and a slow good bidder",
         ["rule", "won by the slow good one, %", "surplus, % of the best"], rows),
        ("Order of arrival within a window", list(arrival), [[str(v) for v in arrival.values()]]),
    ]  # fmt: skip
