"""Random clearing problems, small enough to enumerate, with ties and zeros forced."""

import itertools
from collections.abc import Callable, Iterator
from random import Random

import attrs

from market.clearing.problem import Bid, Problem
from market.hashing import AuctionId, TaskId, digest
from market.identity import AccountId
from market.messages import Ask, BundleAsk, TaskAsk
from market.units import Planck, Ppm

TICK = Planck(10)
GRID = (0, 10, 100, 490, 500, 510, 990, 1_000)
"""Few amounts, so that equal sums are common."""
QUALITIES = (0, 500_000, 999_999, 1_000_000, 1_000_000)

Allocation = dict[int, int]
"""Task -> bid."""


def account(number: int) -> AccountId:
    return AccountId(digest("leaf", b"account" + number.to_bytes(4, "big")))


def price_ask(prices: dict[int, int], surcharge: tuple[int, ...] = (0,)) -> Ask:
    return Ask(
        prices=tuple(TaskAsk(task=t, price=Planck(p)) for t, p in sorted(prices.items())),
        slot_surcharge=tuple(Planck(s) for s in surcharge),
        bundles=(),
    )


def bundle_ask(bundles: dict[tuple[int, ...], int], capacity: int, surcharge: int = 0) -> Ask:
    return Ask(
        prices=(),
        slot_surcharge=(Planck(surcharge),) * capacity,
        bundles=tuple(BundleAsk(tasks=t, price=Planck(p)) for t, p in sorted(bundles.items())),
    )


def random_problem(
    rng: Random, *, tasks: int | None = None, bundles: bool = False, capacity: int = 3
) -> Problem:
    """Return a problem of 1 to 4 tasks (3 with bundles) and 0 to 4 bids (5 for one task)."""
    count = tasks or rng.randint(1, 3 if bundles else 4)
    amount: Callable[[], int] = (
        (lambda: rng.choice(GRID)) if rng.random() < 0.7 else (lambda: 10 * rng.randint(0, 120))
    )
    bids = []
    for number in range(rng.randint(0, 5 if count == 1 else 4)):
        slots = rng.randint(1, capacity)
        if bundles and rng.random() < 0.75:
            sets = [c for n in range(1, count + 1) for c in itertools.combinations(range(count), n)]
            chosen = rng.sample(sets, rng.randint(1, len(sets)))
            ask = bundle_ask({s: amount() * len(s) for s in chosen}, slots, rng.choice([0, 10]))
        else:
            named = rng.sample(range(count), rng.randint(1, count))
            surcharge = sorted(rng.choice([0, 0, 10, 100]) for _ in range(slots))
            ask = price_ask({t: amount() for t in named}, tuple(surcharge))
        bids.append(
            Bid(
                account(number),
                Ppm(rng.choice(QUALITIES)),
                rng.choice([slots, slots, rng.randint(0, slots)]),
                ask,
            )
        )
    rng.shuffle(bids)
    return Problem(
        auction=AuctionId(rng.randbytes(32)),
        tasks=tuple(TaskId(bytes([n]) * 32) for n in range(count)),
        reserves=tuple(Planck(rng.choice((0, 500, 990, 1_000, 1_000))) for _ in range(count)),
        tick=TICK,
        bids=tuple(bids),
    )


def cost_of(bid: Bid, won: tuple[int, ...]) -> int | None:
    """Return what a bid asks for a set of tasks, planck; None when it does not offer the set."""
    if not won:
        return 0
    if bid.quality == 0 or len(won) > bid.capacity:
        return None
    extra = sum(bid.ask.slot_surcharge[: len(won)])
    if bid.ask.bundles:
        prices = {b.tasks: b.price for b in bid.ask.bundles}
        return prices[won] + extra if won in prices else None
    by_task = {p.task: p.price for p in bid.ask.prices}
    return sum(by_task[t] for t in won) + extra if set(won) <= set(by_task) else None


def every_allocation(problem: Problem) -> Iterator[tuple[Allocation, int]]:
    """Yield every possible allocation with its welfare, planck: the slow truth."""
    choices = [*range(len(problem.bids)), None]
    for picks in itertools.product(choices, repeat=len(problem.tasks)):
        allocation = {task: bid for task, bid in enumerate(picks) if bid is not None}
        welfare = 0
        for index, bid in enumerate(problem.bids):
            won = tuple(task for task, winner in allocation.items() if winner == index)
            cost = cost_of(bid, won)
            if cost is None:
                break
            welfare += sum(problem.value(bid, t) * problem.tick for t in won) - cost
        else:
            yield allocation, welfare


def best_welfare(problem: Problem) -> int:
    return max(welfare for _, welfare in every_allocation(problem))


def expected(problem: Problem) -> tuple[Allocation, int, dict[AccountId, int]]:
    """Return the allocation that ties decide, its welfare, and every winner's Clarke payment."""
    every = list(every_allocation(problem))
    best = max(welfare for _, welfare in every)

    def order(allocation: Allocation) -> list[tuple[bool, bytes]]:
        return [
            (task not in allocation,
             problem.rank(task, problem.bids[allocation[task]].provider) if task in allocation else b"")
            for task in range(len(problem.tasks))
        ]  # fmt: skip

    chosen = min((a for a, welfare in every if welfare == best), key=order)
    payments = {}
    for index in set(chosen.values()):
        bid = problem.bids[index]
        won = tuple(t for t, winner in sorted(chosen.items()) if winner == index)
        cost = cost_of(bid, won)
        assert cost is not None
        value = sum(problem.value(bid, t) * problem.tick for t in won)
        others = best - value + cost
        without = best_welfare(problem.without(frozenset({bid.provider})))
        payments[bid.provider] = value - (without - others)
    return chosen, best, payments


def with_ask(
    problem: Problem, provider: AccountId, ask: Ask, capacity: int | None = None
) -> Problem:
    """Return the problem in which one provider asks something else."""
    return attrs.evolve(
        problem,
        bids=tuple(
            attrs.evolve(
                b,
                ask=ask,
                capacity=min(b.capacity if capacity is None else capacity, len(ask.slot_surcharge)),
            )
            if b.provider == provider
            else b
            for b in problem.bids
        ),
    )
