"""What the mechanism promises to bidders, tried on thousands of small auctions."""

import itertools
from collections.abc import Iterator
from random import Random

import attrs
import pytest

from market.clearing.problem import Bid, Problem
from market.identity import AccountId
from market.messages import Ask
from market.vcg import Clearing, clear
from tests.support.auctions import (
    GRID,
    bundle_ask,
    cost_of,
    price_ask,
    random_problem,
    with_ask,
)

pytestmark = [pytest.mark.property, pytest.mark.timeout(600)]  # a busy machine is no failure

INSTANCES = 2_000


def problems(
    count: int = INSTANCES, *, tasks: int | None = None
) -> Iterator[tuple[Random, Problem]]:
    for seed in range(count):
        rng = Random(seed)
        problem = random_problem(rng, tasks=tasks)
        if problem.bids:
            yield rng, problem


def utility(cleared: Clearing, true: Bid) -> int:
    """Return what a bidder gains: its payment minus its true cost of what it won."""
    won = tuple(line.task for line in cleared.lines if line.provider == true.provider)
    cost = cost_of(true, won)
    assert cost is not None, "won what it cannot do"
    paid = sum(line.price for line in cleared.lines if line.provider == true.provider)
    return paid - cost


def other_asks(rng: Random, ask: Ask) -> Iterator[Ask]:
    """Yield single deviations on a grid: another price, a task less, other surcharges."""
    prices = {p.task: int(p.price) for p in ask.prices}
    surcharge = tuple(int(s) for s in ask.slot_surcharge)
    for task, price in itertools.product(prices, GRID):
        yield price_ask({**prices, task: price}, surcharge)
    for task in prices if len(prices) > 1 else ():
        yield price_ask({t: p for t, p in prices.items() if t != task}, surcharge)
    for extra in (0, 10, 100, 500):
        yield price_ask(prices, tuple(sorted((*surcharge[:-1], extra))))
    yield price_ask(dict.fromkeys(prices, rng.choice(GRID)), surcharge)
    yield price_ask(prices, surcharge[:1])


def test_no_single_deviation_ever_gains() -> None:
    for rng, problem in problems():
        honest = clear(problem)
        bid = rng.choice(problem.bids)
        truth = utility(honest, bid)
        for ask in other_asks(rng, bid.ask):
            lied = clear(with_ask(problem, bid.provider, ask))
            assert utility(lied, bid) <= truth


def bundle_problems(count: int = INSTANCES) -> Iterator[tuple[Random, Problem]]:
    """Yield auctions in which somebody bids for bundles."""
    for seed in range(count):
        rng = Random(seed)
        problem = random_problem(rng, bundles=True)
        if any(bid.ask.bundles for bid in problem.bids):
            yield rng, problem


def bundler(rng: Random, problem: Problem) -> tuple[Bid, dict[tuple[int, ...], int]]:
    bid = rng.choice([bid for bid in problem.bids if bid.ask.bundles])
    return bid, {b.tasks: int(b.price) for b in bid.ask.bundles}


def other_bundles(bid: Bid, bundles: dict[tuple[int, ...], int]) -> Iterator[Ask]:
    """Yield single deviations: another price for a bundle, a bundle less, one more."""
    capacity, extra = len(bid.ask.slot_surcharge), int(bid.ask.slot_surcharge[0])
    for tasks, price in itertools.product(bundles, GRID):
        yield bundle_ask({**bundles, tasks: price}, capacity, extra)
    for tasks in bundles if len(bundles) > 1 else ():
        yield bundle_ask({b: p for b, p in bundles.items() if b != tasks}, capacity, extra)
    yield bundle_ask(dict.fromkeys(bundles, 0), capacity, extra)


def test_no_deviation_gains_with_bundles() -> None:
    tried = 0
    for rng, problem in bundle_problems():
        bid, bundles = bundler(rng, problem)
        truth = utility(clear(problem, "vcg-bundles"), bid)
        for ask in other_bundles(bid, bundles):
            lied = clear(with_ask(problem, bid.provider, ask), "vcg-bundles")
            assert utility(lied, bid) <= truth
            tried += 1
    assert tried > 10 * INSTANCES


def test_with_bundles_nobody_loses_and_nobody_is_paid_more_than_its_value() -> None:
    for _, problem in bundle_problems():
        cleared = clear(problem, "vcg-bundles")
        assert cleared.method == "vcg-bundles"
        for bid in problem.bids:
            assert utility(cleared, bid) >= 0
        for why in cleared.counterfactuals:
            assert why.ask <= why.payment <= why.value
        for line in cleared.lines:
            assert 0 <= line.price <= line.value <= problem.reserves[line.task]


def test_payment_for_a_bundle_does_not_depend_on_what_the_winner_asks_for_it() -> None:
    compared = 0
    for rng, problem in bundle_problems():
        cleared = clear(problem, "vcg-bundles")
        for why in cleared.counterfactuals:
            bid = next(b for b in problem.bids if b.provider == why.provider)
            won = tuple(line.task for line in cleared.lines if line.provider == bid.provider)
            if not bid.ask.bundles:
                continue
            bundles = {b.tasks: int(b.price) for b in bid.ask.bundles}
            capacity, extra = len(bid.ask.slot_surcharge), int(bid.ask.slot_surcharge[0])
            ask = bundle_ask({**bundles, won: rng.choice(GRID)}, capacity, extra)
            again = clear(with_ask(problem, bid.provider, ask), "vcg-bundles")
            if tuple(x.task for x in again.lines if x.provider == bid.provider) == won:
                payment = {c.provider: c.payment for c in again.counterfactuals}
                assert payment[bid.provider] == why.payment
                compared += 1
    assert compared > INSTANCES // 4


def test_asking_less_for_the_bundle_that_one_wins_still_wins_it() -> None:
    for rng, problem in bundle_problems():
        bid, bundles = bundler(rng, problem)
        lines = clear(problem, "vcg-bundles").lines
        won = tuple(line.task for line in lines if line.provider == bid.provider)
        if not won:
            continue
        capacity, extra = len(bid.ask.slot_surcharge), int(bid.ask.slot_surcharge[0])
        for lower in {0, bundles[won] // 20 * 10}:
            ask = bundle_ask({**bundles, won: lower}, capacity, extra)
            again = clear(with_ask(problem, bid.provider, ask), "vcg-bundles").lines
            assert tuple(x.task for x in again if x.provider == bid.provider) == won


def test_with_bundles_order_of_the_bids_does_not_matter() -> None:
    for rng, problem in bundle_problems():
        shuffled = list(problem.bids)
        rng.shuffle(shuffled)
        again = clear(attrs.evolve(problem, bids=tuple(shuffled)), "vcg-bundles")
        assert again == clear(problem, "vcg-bundles")


def test_same_search_finds_bundle_lies_that_pay_where_winners_are_paid_their_asks() -> None:
    """The test of truthfulness can fail: paid as asked, asking more for a bundle pays."""
    gains = 0
    for rng, problem in bundle_problems(300):
        bid, bundles = bundler(rng, problem)

        def paid_as_asked(problem: Problem, bid: Bid = bid) -> int:
            lines = clear(problem, "vcg-bundles").lines
            won = tuple(line.task for line in lines if line.provider == bid.provider)
            asking = next(b for b in problem.bids if b.provider == bid.provider)
            asked, cost = cost_of(asking, won), cost_of(bid, won)
            assert asked is not None
            assert cost is not None
            return asked - cost

        gains += any(
            paid_as_asked(with_ask(problem, bid.provider, ask)) > 0
            for ask in other_bundles(bid, bundles)
        )
    assert gains > 30


def test_truthful_bidder_never_loses_and_a_loser_is_paid_nothing() -> None:
    for _, problem in problems():
        cleared = clear(problem)
        for bid in problem.bids:
            assert utility(cleared, bid) >= 0
        assert {why.provider for why in cleared.counterfactuals} == {
            line.provider for line in cleared.lines
        }


def test_price_lies_between_ask_and_value() -> None:
    for _, problem in problems():
        for line in clear(problem).lines:
            bid = next(b for b in problem.bids if b.provider == line.provider)
            ask = next(p.price for p in bid.ask.prices if p.task == line.task)
            assert ask <= line.price <= line.value <= problem.reserves[line.task]


def test_payment_does_not_depend_on_the_winners_own_ask() -> None:
    """Whatever a winner asks: as long as it wins the same tasks, it is paid the same."""
    compared = 0
    for rng, problem in problems():
        cleared = clear(problem)
        for why in cleared.counterfactuals * 3:
            bid = next(b for b in problem.bids if b.provider == why.provider)
            won = {line.task for line in cleared.lines if line.provider == bid.provider}
            prices = {
                p.task: rng.choice(GRID) if p.task in won else int(p.price) for p in bid.ask.prices
            }
            ask = price_ask(prices, tuple(int(s) for s in bid.ask.slot_surcharge))
            again = clear(with_ask(problem, bid.provider, ask))
            if {line.task for line in again.lines if line.provider == bid.provider} == won:
                payment = {c.provider: c.payment for c in again.counterfactuals}
                assert payment[bid.provider] == why.payment
                compared += 1
    assert compared > INSTANCES


def test_asking_less_for_what_one_wins_still_wins_it() -> None:
    for rng, problem in problems():
        lines = clear(problem).lines
        if not lines:
            continue
        line = rng.choice(lines)
        bid = next(b for b in problem.bids if b.provider == line.provider)
        prices = {p.task: int(p.price) for p in bid.ask.prices}
        for lower in {0, prices[line.task] // 20 * 10}:
            ask = price_ask(
                {**prices, line.task: lower}, tuple(int(s) for s in bid.ask.slot_surcharge)
            )
            again = clear(with_ask(problem, bid.provider, ask))
            assert any(a.task == line.task and a.provider == line.provider for a in again.lines)


def test_order_of_the_bids_does_not_matter() -> None:
    for rng, problem in problems():
        shuffled = list(problem.bids)
        rng.shuffle(shuffled)
        assert clear(attrs.evolve(problem, bids=tuple(shuffled))) == clear(problem)


def test_bidder_alone_is_paid_its_full_value() -> None:
    """The classic mistake pays it its own ask."""
    for _, problem in problems():
        alone = attrs.evolve(problem, bids=problem.bids[:1])
        for line in clear(alone).lines:
            assert line.price == line.value


def test_ineligible_bidders_change_nothing() -> None:
    for _, problem in problems():
        for bid in problem.bids:
            for change in ({"quality": 0}, {"capacity": 0}):
                barred = attrs.evolve(
                    problem,
                    bids=tuple(attrs.evolve(b, **change) if b is bid else b for b in problem.bids),
                )
                assert clear(barred) == clear(problem.without(frozenset({bid.provider})))


def test_total_never_exceeds_the_reserves() -> None:
    for _, problem in problems():
        assert sum(line.price for line in clear(problem).lines) <= sum(problem.reserves)


def _first_price_gain(problem: Problem, provider: AccountId) -> int:
    bid = next(b for b in problem.bids if b.provider == provider)
    truth = utility(clear(problem, "first-price"), bid)
    best = truth
    for ask in other_asks(Random(0), bid.ask):
        best = max(best, utility(clear(with_ask(problem, provider, ask), "first-price"), bid))
    return best - truth


def test_the_same_search_does_find_gains_under_first_price() -> None:
    """The test of truthfulness can fail: where lying pays, it finds a lie that pays."""
    gains = sum(
        _first_price_gain(problem, problem.bids[0].provider) > 0 for _, problem in problems(200)
    )
    assert gains > 40
