"""What is asked for, and for how much: calls and asks, drawn by the seed."""

from collections.abc import Iterable
from random import Random

from market.hashing import TaskId, digest
from market.identity import AccountId
from market.messages import Ask, Blob, Cfp, TaskAsk, TaskCall
from market.units import AINU, BlockNumber, Planck, Ppm
from node.simulation.plan import Scenario

__all__ = ["TICK", "draw_ask", "draw_call"]

TICK = Planck(AINU // 1000)


def draw_call(
    rng: Random,
    head: BlockNumber,
    scenario: Scenario,
    *,
    arbiter: AccountId,
    providers: Iterable[AccountId],
) -> Cfp:
    """Return a call for proposals that opens at a head.

    Args:
        rng: of everything in it.
        head: its facts block.
        scenario: how many tasks it has, and whether it names an arbiter.
        arbiter: who would be named.
        providers: who is invited, if it is not for everybody.
    """
    tasks = sorted((_task(rng) for _ in range(scenario.tasks)), key=lambda task: task.task_id)
    return Cfp(
        method="vcg-assignment",
        tasks=tuple(tasks),
        tick=TICK,
        quality_rule="score-1",
        facts_block=head,
        close_block=BlockNumber(head + 3),
        reveal_by=BlockNumber(head + 6),
        accept_blocks=3,
        arbiter=arbiter if scenario.has_arbiter else None,
        invited=tuple(sorted(providers)) if rng.random() < 0.7 else (),
    )


def _task(rng: Random) -> TaskCall:
    shares = rng.choice(((1_000_000,), (1_000_000,), (400_000, 600_000)))
    return TaskCall(
        task_id=TaskId(rng.randbytes(32)),
        attempt=0,
        capability="text.summarize",
        capability_version=1,
        reserve=Planck(TICK * rng.randint(50, 200)),
        input=Blob(hash=digest("leaf", rng.randbytes(8)), size=100, media_type="text/plain"),
        input_features=(),
        deliver_within=10 if len(shares) > 1 else rng.choice((10, 14, 20)),
        review_blocks=rng.choice((6, 10, 14)),
        milestones_ppm=tuple(Ppm(share) for share in shares),
    )


def draw_ask(rng: Random, cfp: Cfp) -> Ask:
    """Return an ask for every task of a call, each up to half of its reserve."""
    return Ask(
        prices=tuple(
            TaskAsk(
                task=n,
                price=Planck(TICK * rng.randint(5, max(6, task.reserve // TICK // 2))),
            )
            for n, task in enumerate(cfp.tasks)
        ),
        slot_surcharge=(Planck(0),) * 2,
        bundles=(),
    )
