"""Which tasks are called for together: windows, and submissions that take longer than one."""

import pytest
import trio
import trio.testing

from market.hashing import Hash, TaskId
from market.messages import Blob
from node.trade.gathering import TAKING_IN, Gathering
from node.trade.tasks import Copy, TaskSpec

WINDOW = 0.05


def task(number: int) -> Copy:
    given = Blob(hash=Hash(bytes(32)), size=0, media_type="application/json")
    name = TaskId(bytes([number] * 32))
    return Copy(
        id=name,
        task=name,
        replica=0,
        spec=TaskSpec(capability="text.x", input=given, budget=1, deadline_ms=1),
        auction=None,
        ended=None,
    )


async def submit(gathering: Gathering, number: int, *, after: float, taking: float) -> None:
    """Begin a submission at a time, and put its task when it has been taken in."""
    await trio.sleep(after)
    with gathering.coming():
        await trio.sleep(taking)
        gathering.put([task(number)])


async def windows(*submissions: tuple[float, float], count: int) -> list[list[int]]:
    """Return which submissions, each of a beginning and a duration, came into which window."""
    gathering = Gathering(WINDOW)
    async with trio.open_nursery() as nursery:
        for number, (after, taking) in enumerate(submissions):
            nursery.start_soon(
                lambda n=number, a=after, t=taking: submit(gathering, n, after=a, taking=t)
            )
        return [sorted(each.id[0] for each in await gathering.take()) for _ in range(count)]


async def test_a_window_opens_with_the_first_task_and_not_before(
    autojump_clock: trio.testing.MockClock,
) -> None:
    assert await windows((10.0, 0.0), (10.0 + WINDOW / 2, 0.0), count=1) == [[0, 1]]
    assert trio.current_time() >= 10.0 + WINDOW


async def test_a_submission_that_began_in_time_is_waited_for_however_slow_disk_and_chain_are(
    autojump_clock: trio.testing.MockClock,
) -> None:
    assert await windows((0.0, 0.0), (WINDOW / 2, 3.0), (WINDOW / 4, 1.0), count=1) == [[0, 1, 2]]


async def test_what_begins_after_the_end_of_a_window_waits_for_the_next(
    autojump_clock: trio.testing.MockClock,
) -> None:
    assert await windows((0.0, 0.0), (2 * WINDOW, 1.0), count=2) == [[0], [1]]


async def test_a_submission_that_does_not_end_holds_the_others_up_for_a_while_only(
    autojump_clock: trio.testing.MockClock,
) -> None:
    assert await windows((0.0, 0.0), (WINDOW / 2, 3 * TAKING_IN), count=2) == [[0], [1]]


async def test_a_submission_that_fails_is_not_waited_for(
    autojump_clock: trio.testing.MockClock,
) -> None:
    gathering = Gathering(WINDOW)
    gathering.put([task(0)])
    with pytest.raises(ValueError, match="no task"), gathering.coming():
        int("no task")
    assert [each.id[0] for each in await gathering.take()] == [0]
    assert trio.current_time() < 1.0


async def test_what_is_dropped_is_not_called_for_and_a_window_may_end_empty(
    autojump_clock: trio.testing.MockClock,
) -> None:
    gathering = Gathering(WINDOW)
    gathering.put([task(0), task(1)])
    assert gathering.drop(task(0).id)
    assert not gathering.drop(task(0).id)
    assert gathering.drop(task(1).id)
    assert await gathering.take() == []


async def test_tasks_that_are_put_at_once_are_in_one_window(
    autojump_clock: trio.testing.MockClock,
) -> None:
    gathering = Gathering(WINDOW)
    gathering.put(map(task, range(9)))
    assert len(await gathering.take()) == 9
