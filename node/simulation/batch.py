"""Many seeds, on as many processors as one likes, and what they add up to."""

import multiprocessing
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Literal

import attrs

from chain.devnet import BLOB
from node.simulation.plan import Conduct, Faults, Ruling, Scenario
from node.simulation.planted import BUGS
from node.simulation.settings import mirrored, real
from node.simulation.tasks import Mode, Report, TaskWorld, run

__all__ = ["PEACE", "ChainKind", "Summary", "run_batch", "run_crashes", "run_one", "same_on_both"]

ChainKind = Literal["mirror", "runtime"]
_CHUNK = 50
"""Seeds that a process takes at a time."""


@attrs.define
class Summary:
    """What a number of runs add up to."""

    runs: int = 0
    events: int = 0
    points: int = 0
    """Places at which a party could have crashed."""
    crashes: int = 0
    reorgs: int = 0
    ends: Counter[str] = attrs.field(factory=Counter[str])
    """Escrows by the state in which they were left."""
    unopened: Counter[str] = attrs.field(factory=Counter[str])
    """Tasks that were awarded and never had an escrow."""
    violations: dict[int, tuple[str, ...]] = attrs.field(factory=dict[int, tuple[str, ...]])
    """By seed."""

    def add(self, report: Report) -> None:
        """Count one more run."""
        self.runs += 1
        self.events += report.events
        self.points += report.points
        self.crashes += report.crashes
        self.reorgs += report.reorgs
        self.ends.update(state for state, _, _ in report.ends)
        self.unopened.update(report.unopened)
        if report.violations:
            self.violations[report.seed] = report.violations


def run_one(
    seed: int,
    mode: Mode,
    *,
    chain: ChainKind = "mirror",
    bug: str | None = None,
    tell: bool = False,
) -> Report:
    """Run one seed.

    Args:
        seed: of everything in it.
        mode: see :mod:`node.simulation.tasks`.
        chain: what carries out the calls.
        bug: name of what is wrong on purpose; on the mirror only.
        tell: whether to keep the story.
    """
    if chain == "runtime":
        with real(BLOB.read_bytes()) as setting:
            return run(seed, mode, setting, narrate=tell)
    planted = BUGS[bug]() if bug else None
    return run(seed, mode, partial(mirrored, bug=planted), bug=planted, narrate=tell)


def same_on_both(seed: int, mode: Mode) -> tuple[Report, Report]:
    """Run one seed on the runtime and on its mirror; both know the same chain by its genesis hash."""
    with real(BLOB.read_bytes()) as setting:
        world = TaskWorld(seed, mode, setting, narrate=True)
        on_runtime = world.run()
    return on_runtime, run(seed, mode, partial(mirrored, genesis=world.genesis), narrate=True)


def _chunk(seeds: range, mode: Mode, chain: ChainKind, bug: str | None) -> list[Report]:
    return [run_one(seed, mode, chain=chain, bug=bug) for seed in seeds]


def run_batch(
    seeds: range,
    mode: Mode,
    *,
    chain: ChainKind = "mirror",
    bug: str | None = None,
    jobs: int = 1,
) -> Iterator[Report]:
    """Run many seeds and yield their reports, in order.

    Args:
        seeds: which.
        mode: see :mod:`node.simulation.tasks`.
        chain: what carries out the calls.
        bug: name of what is wrong on purpose.
        jobs: processes.
    """
    task = partial(_chunk, mode=mode, chain=chain, bug=bug)
    parts = [seeds[at : at + _CHUNK] for at in range(0, len(seeds), _CHUNK)]
    if jobs == 1:
        yield from _flat(map(task, parts))
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        yield from _flat(pool.map(task, parts))


PEACE = Scenario(
    faults=Faults(),
    requesters=(Conduct.HONEST,),
    providers=(Conduct.HONEST, Conduct.HONEST),
    auctions=1,
    tasks=1,
    arbiter=Ruling.JUST,
    authority=Ruling.JUST,
    has_arbiter=True,
    proposes=False,
)
"""Nothing goes wrong, but for the crashes that are asked for."""


def run_crashes(*, pairs: bool) -> Iterator[tuple[frozenset[int], Report]]:
    """Run one peaceful task again and again, with a crash at each of its points.

    Args:
        pairs: also crash twice in a run, at each pair of points.

    Yields:
        Where it crashed, and what came of it; first of all the run without a crash.
    """

    def once(*at: int) -> tuple[frozenset[int], Report]:
        points = frozenset(at)
        return points, run(1, "liveness", mirrored, scenario=PEACE, crash_at=points)

    whole = once()
    yield whole
    last = whole[1].points
    for one in range(1, last + 1):
        yield once(one)
    for one in range(1, last + 1 if pairs else 1):
        for other in range(one + 1, last + 20):  # a crash adds points of its own
            yield once(one, other)


def _flat(parts: Iterable[list[Report]]) -> Iterator[Report]:
    for part in parts:
        yield from part
