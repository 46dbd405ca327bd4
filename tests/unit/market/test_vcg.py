"""Clearing by hand: the cases that are easy to get wrong, with their figures written out."""

import itertools

import attrs
import numpy as np
import pytest

from market.clearing import assignment
from market.clearing.assignment import solve_assignment
from market.clearing.problem import MAX_TICKS, Bid, Problem, share_rent
from market.clearing.slots import expand_slots
from market.errors import SolverError, UsageError
from market.hashing import AuctionId, TaskId
from market.messages import Ask
from market.units import Planck, Ppm
from market.vcg import Clearing, clear
from tests.support.auctions import account, bundle_ask, price_ask


def problem(
    *bids: tuple[int, Ask],
    reserves: tuple[int, ...] = (100,),
    quality: int = 1_000_000,
    tick: int = 1,
) -> Problem:
    return Problem(
        auction=AuctionId(bytes(32)),
        tasks=tuple(TaskId(bytes([n]) * 32) for n in range(len(reserves))),
        reserves=tuple(Planck(r) for r in reserves),
        tick=Planck(tick),
        bids=tuple(
            Bid(account(number), Ppm(quality), len(ask.slot_surcharge), ask) for number, ask in bids
        ),
    )


def paid(cleared: Clearing) -> dict[int, tuple[int, int]]:
    """Task -> number of the winner, and its price."""
    numbers = {account(n): n for n in range(20)}
    return {line.task: (numbers[line.provider], line.price) for line in cleared.lines}


def test_cheapest_of_equals_is_paid_the_second_ask() -> None:
    cleared = clear(problem((1, price_ask({0: 40})), (2, price_ask({0: 70}))))
    assert paid(cleared) == {0: (1, 70)}
    assert cleared.method == "vcg-single"


def test_lone_bidder_is_paid_its_value_not_its_ask() -> None:
    assert paid(clear(problem((1, price_ask({0: 40}))))) == {0: (1, 100)}
    assert paid(clear(problem((1, price_ask({0: 40})), quality=650_000))) == {0: (1, 65)}


def test_better_provider_wins_at_a_higher_ask_and_is_paid_the_difference_in_quality_too() -> None:
    good = Bid(account(1), Ppm(1_000_000), 1, price_ask({0: 70}))
    poor = Bid(account(2), Ppm(500_000), 1, price_ask({0: 30}))
    cleared = clear(attrs.evolve(problem(), bids=(good, poor)))
    # Surplus 100 - 70 = 30 against 50 - 30 = 20, so it may ask up to 80.
    assert paid(cleared) == {0: (1, 80)}


def test_nobody_wins_above_the_reserve() -> None:
    assert clear(problem((1, price_ask({0: 101})))).lines == ()
    assert paid(clear(problem((1, price_ask({0: 100}))))) == {0: (1, 100)}


def test_provider_of_two_slots_is_paid_for_losing_both_at_once() -> None:
    """Removing one slot at a time would pay 100 for what is worth 150 to the others' absence."""
    two = price_ask({0: 10, 1: 10}, (0, 0))
    other = price_ask({0: 50, 1: 50})
    cleared = clear(problem((1, two), (2, other), reserves=(100, 100)))
    assert paid(cleared) == {0: (1, 75), 1: (1, 75)}
    why = cleared.counterfactuals[0]
    assert (why.value, why.ask, why.welfare_without, why.welfare_of_others) == (200, 20, 50, 0)
    assert why.payment == 150


def test_surcharge_of_the_second_slot_counts() -> None:
    busy = price_ask({0: 10, 1: 10}, (0, 60))
    other = price_ask({0: 50, 1: 50})
    cleared = clear(problem((1, busy), (2, other), reserves=(100, 100)))
    assert sorted(n for n, _ in paid(cleared).values()) == [1, 2]


def test_weight_is_rounded_down_to_the_tick() -> None:
    bid = Bid(account(1), Ppm(999_999), 1, price_ask({0: 0}))
    cleared = clear(attrs.evolve(problem(reserves=(1_000,), tick=10), bids=(bid,)))
    assert cleared.lines[0].price == 990


def test_rent_is_divided_by_surplus_with_the_odd_ticks_first() -> None:
    assert share_rent(10, [5, 5, 5]) == [4, 3, 3]
    assert share_rent(0, [5, 5]) == [0, 0]
    assert share_rent(7, [0, 7]) == [0, 7]
    assert share_rent(0, []) == []
    assert share_rent(2, [1, 0, 1]) == [1, 0, 1]


@pytest.mark.parametrize(("rent", "surpluses"), [(-1, [5]), (6, [5]), (0, [-1, 3])])
def test_rent_that_does_not_fit_is_refused(rent: int, surpluses: list[int]) -> None:
    with pytest.raises(UsageError):
        share_rent(rent, surpluses)


def test_complements_win_as_a_bundle() -> None:
    pair = bundle_ask({(0, 1): 90}, 2)
    cleared = clear(
        problem((1, pair), (2, price_ask({0: 70})), (3, price_ask({1: 60})), reserves=(100, 100)),
        "vcg-bundles",
    )
    # Alone the singles bring 30 + 40 = 70, the pair 110: it is paid 200 - 70 = 130.
    assert paid(cleared) == {0: (1, 65), 1: (1, 65)}
    assert cleared.method == "vcg-bundles"
    assert cleared.proof == "exact programme over sets of tasks"


def test_unproven_bundles_fall_back_by_name_to_single_tasks() -> None:
    bids = (
        (1, bundle_ask({(0,): 60, (0, 1): 90}, 2)),
        (2, price_ask({0: 70, 1: 80}, (0, 0))),
        (3, bundle_ask({(0, 1): 95}, 2)),
    )
    cleared = clear(problem(*bids, reserves=(100, 100)), "vcg-bundles", node_limit=0)
    if cleared.method == "vcg-bundles":  # presolve alone can prove so small a problem
        many = tuple((n, bundle_ask({(t,): 50 for t in range(21)}, 1)) for n in range(2))
        cleared = clear(problem(*many, reserves=(100,) * 21), "vcg-bundles")
    assert cleared.method == "vcg-assignment"
    assert "as an assignment" in cleared.note


def test_too_many_bundles_fall_back_by_name() -> None:
    many = {tuple(t for t in range(9) if mask >> t & 1): 100 for mask in range(1, 64)}
    bids = tuple((n, bundle_ask(many, 9)) for n in range(9))
    cleared = clear(problem(*bids, reserves=(1_000,) * 9), "vcg-bundles")
    assert cleared.method == "vcg-assignment"
    assert "567 packages exceed the cap" in cleared.note
    assert len(cleared.lines) == 6  # only tasks 0 to 5 are in a bundle of one


def test_baselines_keep_the_allocation_and_name_themselves() -> None:
    case = problem(
        (1, price_ask({0: 40})), (2, price_ask({1: 50})), (3, price_ask({0: 60, 1: 70})),
        reserves=(100, 55),
    )  # fmt: skip
    vcg, first, uniform = (
        clear(case, rule) for rule in ("vcg-assignment", "first-price", "uniform")
    )  # type: ignore[arg-type]
    assert paid(vcg) == {0: (1, 60), 1: (2, 55)}
    assert paid(first) == {0: (1, 40), 1: (2, 50)}
    assert paid(uniform) == {0: (1, 60), 1: (2, 55)}
    assert [c.method for c in (vcg, first, uniform)] == ["vcg-assignment", "first-price", "uniform"]
    assert first.counterfactuals == uniform.counterfactuals == ()


def test_nothing_to_clear_is_an_empty_clearing() -> None:
    for rule in ("vcg-assignment", "vcg-bundles", "first-price", "uniform"):
        assert clear(problem(reserves=(100, 100)), rule).lines == ()
    assert clear(problem()).lines == ()


def test_ties_go_to_the_smallest_hash_and_change_with_the_auction() -> None:
    bids = tuple((n, price_ask({0: 50})) for n in range(8))
    winners = set()
    for number in range(40):
        case = attrs.evolve(problem(*bids), auction=AuctionId(bytes([number]) * 32))
        first = min(range(8), key=lambda n: case.rank(0, account(n)))
        assert paid(clear(case))[0][0] == first
        winners.add(first)
    assert len(winners) > 4


@pytest.mark.parametrize("build", [
    lambda: problem((1, price_ask({0: 5})), (1, price_ask({0: 6}))),
    lambda: problem((1, price_ask({0: 5})), tick=10, reserves=(100,)),
    lambda: problem((1, price_ask({0: 10}, (5,))), tick=10, reserves=(100,)),
    lambda: problem(reserves=(105,), tick=10),
    lambda: problem(reserves=(-1,)),
    lambda: problem(tick=0),
    lambda: problem((1, price_ask({1: 5}))),
    lambda: problem((1, bundle_ask({(0, 1): 5}, 2))),
    lambda: problem((1, price_ask({0: 5})), quality=1_000_001),
    lambda: problem(reserves=(MAX_TICKS, 1)),
    lambda: attrs.evolve(problem(), tasks=()),
    lambda: Problem(AuctionId(bytes(32)), (), (), Planck(1), (Bid(account(1), Ppm(1), 2, price_ask({0: 1})),)),
    lambda: clear(problem((1, bundle_ask({(0,): 5}, 1)))),
    lambda: expand_slots(__import__("numpy").zeros((1, 2), int), [(0,)]),
])  # fmt: skip
def test_what_the_rules_do_not_define_is_refused(build: object) -> None:
    with pytest.raises(UsageError):
        build()  # type: ignore[operator]


def test_wrong_answer_of_the_solver_is_refused_not_paid(monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate does not believe the solver: any other matching fails it."""
    surplus = np.random.default_rng(3).integers(1, 1_000, (4, 6))
    best = solve_assignment(expand_slots(surplus, [(0,)] * 6)).slot.tolist()
    refused = 0
    for columns in itertools.permutations(range(6), 4):
        answer = np.arange(4), np.asarray(columns)
        monkeypatch.setattr(assignment, "match", lambda _surplus, answer=answer: answer)
        slots = expand_slots(surplus, [(0,)] * 6)
        if list(columns) == best:
            assert solve_assignment(slots).slot.tolist() == best
            continue
        with pytest.raises(SolverError):
            solve_assignment(slots)
        refused += 1
    assert refused == 359
