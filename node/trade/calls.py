"""Calls for proposals, made of the tasks that wait: prices in ticks, windows and deadlines in blocks. Pure."""

from collections.abc import Sequence
from typing import Final

import attrs

from market.errors import UsageError
from market.escrow.params import Params
from market.hashing import TaskId
from market.identity import AccountId
from market.messages import MAX_ROUNDS, Cfp, TaskCall
from market.units import PPM, BlockNumber, Planck, Ppm, block_after
from node.trade.tasks import TaskSpec

__all__ = ["CI_WINDOWS", "TICK", "Windows", "build_call", "require_possible"]

TICK: Final = Planck(10**6)
"""All prices are multiples of a millionth of an AINU, so that sums stay exact in any solver."""
SETTLING: Final = 8
"""Blocks that the steps around the work take until they are final; a deadline leaves room for them."""


@attrs.frozen(kw_only=True)
class Windows:
    """How long an auction's phases may take, blocks; each ends early once everybody has answered."""

    commit: int = 5
    reveal: int = 5
    accept: int = 10


CI_WINDOWS: Final = Windows(commit=2, reveal=2, accept=3)
"""Of testnets and tests."""


def require_possible(
    spec: TaskSpec, params: Params, observed_millis: float | None, drift: float
) -> None:
    """Refuse a task that no chain of these periods can carry.

    Args:
        spec: the task.
        params: the chain's.
        observed_millis: how long its last blocks took; None where there are too few.
        drift: share by which they may take longer or shorter than the chain says.

    Raises:
        UsageError: a budget below one tick, a deadline that is too short or too long, or a chain whose blocks do not
            take the time that it says, so that no deadline means anything.
    """
    if spec.budget < TICK:
        raise UsageError(f"a budget of {spec.budget} planck: the least is {TICK}")
    meant = params.millis_per_block
    if observed_millis is not None and abs(observed_millis - meant) > drift * meant:
        raise UsageError(
            f"the chain's blocks take {observed_millis:.0f} ms where it says {meant}: deadlines would mean"
            " nothing; seal by the interval that its genesis names"
        )
    blocks = deliver_within(spec, params)
    if blocks > params.max_deliver_within:
        longest = params.max_deliver_within * meant / 1_000
        raise UsageError(f"a deadline of {spec.deadline_ms / 1_000:g} s: at most {longest:g} s")
    if blocks < SETTLING:
        shortest = SETTLING * meant / 1_000
        raise UsageError(f"a deadline of {spec.deadline_ms / 1_000:g} s: at least {shortest:g} s")


def deliver_within(spec: TaskSpec, params: Params) -> int:
    """Return a task's deadline in blocks, rounded up."""
    return -(-spec.deadline_ms // params.millis_per_block)


def review_within(spec: TaskSpec, params: Params, windows: Windows) -> int:
    """Return for how many blocks a result may be disputed: the chain's usual time, longer for what replicas take.

    One replica is called for after the other, so that no provider has two; the first result waits for the last.
    """
    if spec.replicas == 1:
        return params.default_review
    auction = windows.commit + windows.reveal + MAX_ROUNDS * windows.accept + SETTLING
    work = deliver_within(spec, params)
    return min(params.default_review + spec.replicas * auction + work, params.max_review)


def build_call(
    tasks: Sequence[tuple[TaskId, TaskSpec]],
    *,
    now: BlockNumber,
    params: Params,
    windows: Windows,
    invited: frozenset[AccountId],
    arbiter: AccountId | None,
) -> Cfp:
    """Return a call for some tasks, cleared together.

    Args:
        tasks: each with a fresh id.
        now: the finalised head, whose facts count.
        params: the chain's.
        windows: of the auction.
        invited: who hears it, and may bid.
        arbiter: who rules on disputes; the chain's own if None.
    """
    close = block_after(now, windows.commit)
    return Cfp(
        method="vcg-assignment",
        tasks=tuple(
            TaskCall(
                task_id=task,
                attempt=0,
                capability=spec.capability,
                capability_version=spec.version,
                reserve=Planck(spec.budget // TICK * TICK),
                input=spec.input,
                input_features=(),
                deliver_within=deliver_within(spec, params),
                review_blocks=review_within(spec, params, windows),
                milestones_ppm=(Ppm(PPM),),
            )
            for task, spec in sorted(tasks, key=lambda each: each[0])
        ),
        tick=TICK,
        quality_rule="score-1",
        facts_block=now,
        close_block=close,
        reveal_by=block_after(close, windows.reveal),
        accept_blocks=windows.accept,
        arbiter=arbiter,
        invited=tuple(sorted(invited)),
    )
