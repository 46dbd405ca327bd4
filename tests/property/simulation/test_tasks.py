"""Whole tasks under faults of every kind: nothing happens that never must, and when faults stop, all ends."""

from random import Random

import attrs
import pytest

from node.simulation.batch import PEACE, Summary, run_crashes, run_one
from node.simulation.plan import Conduct, Faults
from node.simulation.planted import BUGS
from node.simulation.settings import mirrored
from node.simulation.tasks import Mode, TaskWorld, run

pytestmark = [pytest.mark.property, pytest.mark.timeout(600)]  # a busy machine is no failure

SEEDS = 1_000
"""Of each mode; ``ainur sim tasks --seeds 50000`` runs more."""
PARTS = 5


def batch(mode: Mode, part: int) -> Summary:
    summary = Summary()
    for seed in range(part * SEEDS // PARTS, (part + 1) * SEEDS // PARTS):
        summary.add(run_one(seed, mode))
    return summary


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_happens_that_never_must(part: int) -> None:
    summary = batch("safety", part)
    assert summary.violations == {}
    # Or it would show nothing: there were faults, and escrows that met them.
    assert min(summary.crashes, summary.reorgs) > 50
    assert sum(summary.ends.values()) > 50


@pytest.mark.parametrize("part", range(PARTS))
def test_everything_ends_once_faults_stop(part: int) -> None:
    summary = batch("liveness", part)
    assert summary.violations == {}
    assert {"Released", "Ruled", "Expired", "Cancelled"} <= set(summary.ends)


@pytest.mark.parametrize("bug", sorted(BUGS))
def test_planted_bug_is_noticed_within_fifty_seeds(bug: str) -> None:
    assert any(run_one(seed, "safety", bug=bug).violations for seed in range(50))


NOTICED_AS = {
    "double-settle": "has ended and goes on",
    "blind-release": "releases what it has not found good",
    "early-reveal": "shows its bid before the root is out",
    "late-opening": "opened after its offer has run out",
    "in-block-is-final": "works without an escrow that is final",
}


@pytest.mark.parametrize("bug", sorted(NOTICED_AS))
def test_planted_bug_is_called_what_it_is(bug: str) -> None:
    said = (v for seed in range(50) for v in run_one(seed, "safety", bug=bug).violations)
    assert any(NOTICED_AS[bug] in violation for violation in said)


def test_crash_at_any_point_of_a_task_does_no_harm() -> None:
    ends = {}
    for points, report in run_crashes(pairs=False):
        assert report.violations == (), points
        ends[points] = report.ends
        assert report.crashes == len(points)
    assert [end[0] for end in ends[frozenset()]] == ["Released"]
    # A crash before the auction is over may cost the task; one after it costs at most time.
    assert sum(bool(end) for end in ends.values()) > 0.9 * len(ends)


def test_two_crashes_at_random_points_of_a_task_do_no_harm() -> None:
    rng = Random(1)
    last = next(iter(run_crashes(pairs=False)))[1].points
    for _ in range(300):
        points = frozenset(rng.sample(range(1, last + 20), 2))
        report = run(1, "liveness", mirrored, scenario=PEACE, crash_at=points)
        assert report.violations == (), points


@pytest.mark.parametrize("mode", ["safety", "liveness"])
def test_same_seed_is_the_same_run(mode: Mode) -> None:
    reports = [run_one(seed, mode) for seed in range(20)]
    assert reports == [run_one(seed, mode) for seed in range(20)]
    assert len({report.digest for report in reports}) == 20


def test_story_of_a_run_does_not_change_it() -> None:
    told = run_one(4, "safety", tell=True)
    assert told.story
    assert attrs.evolve(told, story=()) == run_one(4, "safety")


# How single conducts end, without faults.


def ends_with(requester: Conduct, provider: Conduct, **changes: object) -> set[tuple[str, bool]]:
    """Return how escrows end, and whether anything was paid, over some seeds."""
    scenario = attrs.evolve(PEACE, requesters=(requester,), providers=(provider,), **changes)
    ends = set()
    for seed in range(12):
        report = run(seed, "liveness", mirrored, scenario=scenario)
        assert report.violations == ()
        ends |= {(state, paid > 0) for state, _, paid in report.ends}
    return ends


@pytest.mark.parametrize(
    ("requester", "provider", "expected"),
    [
        (Conduct.HONEST, Conduct.HONEST, {("Released", True)}),
        (Conduct.SILENT, Conduct.HONEST, {("Released", True)}),
        (Conduct.HONEST, Conduct.SILENT, {("Expired", False)}),
        (Conduct.HONEST, Conduct.JUNK, {("Ruled", False)}),
        (Conduct.HONEST, Conduct.HIDING, {("Ruled", False)}),
        (Conduct.HONEST, Conduct.UNSIGNING, set[tuple[str, bool]]()),
        (Conduct.HIDING, Conduct.HONEST, set[tuple[str, bool]]()),
        (Conduct.LIAR, Conduct.HONEST, {("Ruled", True)}),
    ],
)
def test_each_conduct_ends_as_the_rules_say(
    requester: Conduct, provider: Conduct, expected: set[tuple[str, bool]]
) -> None:
    assert ends_with(requester, provider) == expected


def test_escrows_that_are_proposed_and_accepted_end_alike() -> None:
    assert ends_with(Conduct.HONEST, Conduct.HONEST, proposes=True) == {("Released", True)}


def test_task_of_a_provider_that_does_not_sign_goes_to_the_next() -> None:
    """The whole auction is cleared again without it."""
    scenario = attrs.evolve(PEACE, providers=(Conduct.UNSIGNING, Conduct.HONEST))
    again = 0
    for seed in range(12):
        report = run(seed, "liveness", mirrored, scenario=scenario)
        assert report.violations == ()
        assert [(state, "provider 1" in who) for state, who, _ in report.ends] == [
            ("Released", True)
        ]
        again += report.unopened == ("unsigned",)
    assert again > 2


def test_world_without_faults_has_none() -> None:
    world = TaskWorld(1, "safety", mirrored, scenario=PEACE)
    report = world.run()
    assert (report.crashes, report.reorgs) == (0, 0)
    assert world.faults == Faults()
