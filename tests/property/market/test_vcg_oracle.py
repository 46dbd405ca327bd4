"""Clearing against enumeration of every allocation, and against solving again without each winner."""

from random import Random

import attrs
import numpy as np
import pytest

from market.clearing.assignment import solve_assignment
from market.clearing.bundles import Packing, solve_packing
from market.clearing.problem import Problem
from market.clearing.rents import rents_of
from market.clearing.slots import Slots, expand_slots
from market.vcg import Clearing, clear
from node.bench.vcg import bundle_problem
from tests.support.auctions import expected, random_problem

pytestmark = [pytest.mark.property, pytest.mark.timeout(600)]  # a busy machine is no failure


def check_against_enumeration(problem: Problem, cleared: Clearing) -> None:
    allocation, welfare, payments = expected(problem)
    got = {line.task: line.provider for line in cleared.lines}
    assert cleared.welfare == welfare
    assert got == {t: problem.bids[b].provider for t, b in allocation.items()}
    assert {c.provider: c.payment for c in cleared.counterfactuals} == payments
    for why in cleared.counterfactuals:
        assert why.payment == why.value - (why.welfare_without - why.welfare_of_others)
        prices = [line.price for line in cleared.lines if line.provider == why.provider]
        assert sum(prices) == why.payment
        assert why.ask <= why.payment <= why.value
    assert all(0 <= line.price <= line.value for line in cleared.lines)
    assert all(line.price % problem.tick == 0 for line in cleared.lines)


@pytest.mark.parametrize("part", range(4))
def test_single_task_clears_as_enumeration_does(part: int) -> None:
    for seed in range(part * 1_000, (part + 1) * 1_000):
        problem = random_problem(Random(seed), tasks=1)
        cleared = clear(problem)
        assert cleared.method == "vcg-single"
        check_against_enumeration(problem, cleared)


@pytest.mark.parametrize("part", range(4))
def test_assignment_clears_as_enumeration_does(part: int) -> None:
    for seed in range(part * 1_000, (part + 1) * 1_000):
        problem = random_problem(Random(seed))
        if len(problem.tasks) == 1:
            continue
        cleared = clear(problem)
        assert cleared.method == "vcg-assignment"
        check_against_enumeration(problem, cleared)


def test_closed_form_and_assignment_agree_on_one_task() -> None:
    from market.vcg import _clear_assignment

    for seed in range(2_000):
        problem = random_problem(Random(seed), tasks=1)
        cleared, _ = _clear_assignment(problem)
        assert attrs.evolve(cleared, method="vcg-single", proof="closed form") == clear(problem)


@pytest.mark.parametrize("part", range(4))
def test_bundles_clear_as_enumeration_does(part: int) -> None:
    for seed in range(part * 1_000, (part + 1) * 1_000):
        problem = random_problem(Random(seed), bundles=True)
        cleared = clear(problem, "vcg-bundles")
        assert cleared.method == "vcg-bundles"
        check_against_enumeration(problem, cleared)


def test_solver_and_sets_of_tasks_choose_the_same_bundles() -> None:
    """Ties, too, and what each winner adds."""
    for seed in range(400):
        problem = random_problem(Random(seed), bundles=True)
        sets, solver = solve_packing(problem), solve_packing(problem, by_solver=True)
        assert isinstance(sets, Packing)
        assert isinstance(solver, Packing)
        assert attrs.evolve(solver, proof=sets.proof) == sets


@pytest.mark.parametrize("seed", range(12))
def test_solver_and_sets_of_tasks_agree_on_middle_sizes(seed: int) -> None:
    problem = bundle_problem(seed, tasks=6, bidders=15, bids=60)
    sets, solver = solve_packing(problem), solve_packing(problem, by_solver=True)
    assert isinstance(sets, Packing)
    assert isinstance(solver, Packing)
    assert sets.proof != solver.proof
    assert attrs.evolve(solver, proof=sets.proof) == sets


def _resolved(slots: Slots) -> dict[int, int]:
    """Return what the optimum loses without each provider, by solving again without it."""
    whole = solve_assignment(slots).welfare
    losses = {}
    for provider in range(slots.providers):
        kept = slots.owner != provider
        rest = Slots(
            np.ascontiguousarray(slots.surplus[:, kept]), slots.owner[kept], slots.providers
        )
        losses[provider] = whole - solve_assignment(rest).welfare
    return losses


@pytest.mark.parametrize("seed", range(60))
def test_one_solve_gives_what_solving_again_gives(seed: int) -> None:
    """Middle sizes, all capacities, few and many ties, sparse and dense."""
    rng = np.random.default_rng(seed)
    tasks, providers = int(rng.integers(5, 40)), int(rng.integers(1, 60))
    top = int(rng.choice([2, 20, 10**6, 10**12]))
    surplus = rng.integers(-1, top, (tasks, providers))
    surplus[rng.random(surplus.shape) < rng.choice([0, 0.5, 0.9])] = -1
    most = int(rng.choice([1, 2, 6]))
    surcharges = [
        tuple(sorted(rng.integers(0, max(top // 10, 1), rng.integers(0, most + 1)).tolist()))
        for _ in range(providers)
    ]
    slots = expand_slots(surplus, surcharges)
    rank = rng.permuted(np.tile(np.arange(providers), (tasks, 1)), axis=1)
    found = solve_assignment(slots, lambda: rank)
    assert dict(enumerate(rents_of(slots, found).tolist())) == _resolved(slots)


@pytest.mark.parametrize("seed", range(30))
def test_one_solve_holds_where_a_providers_second_slot_costs_next_to_nothing(seed: int) -> None:
    """Then nearly every task would move to its own provider's other slot, which is gone as well."""
    rng = np.random.default_rng(seed)
    surplus = rng.integers(-1, int(rng.choice([50, 10**6, 10**9])), (30, 25))
    slots = expand_slots(surplus, [(0, int(rng.integers(0, 3)), 5)] * 25)
    rents = rents_of(slots, solve_assignment(slots))
    assert dict(enumerate(rents.tolist())) == _resolved(slots)


@pytest.mark.parametrize("seed", range(30))
def test_dual_certifies_the_optimum(seed: int) -> None:
    """Feasible on every pair, without slack on chosen ones, and the sums agree: LP duality."""
    rng = np.random.default_rng(seed)
    surplus = rng.integers(-1, int(rng.choice([3, 1000])), (20, 30))
    slots = expand_slots(surplus, [(0, 1)] * 30)
    found = solve_assignment(slots)
    slack = found.task_price[:, None] + found.slot_price - slots.surplus
    assert (slack[slots.surplus >= 0] >= 0).all()
    assert (found.task_price >= 0).all()
    assert (found.slot_price >= 0).all()
    placed = np.flatnonzero(found.slot >= 0)
    assert (slack[placed, found.slot[placed]] == 0).all()
    assert found.welfare == found.task_price.sum() + found.slot_price.sum()


def test_instance_is_as_it_was_after_solving() -> None:
    surplus = np.random.default_rng(1).integers(-1, 9, (6, 8))
    slots = expand_slots(surplus, [(0, 0)] * 8)
    before = slots.surplus.copy()
    rents_of(slots, solve_assignment(slots, lambda: np.tile(np.arange(8), (6, 1))))
    assert (slots.surplus == before).all()
