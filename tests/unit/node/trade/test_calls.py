import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.errors import UsageError
from market.escrow.params import DEVELOPMENT, TESTNET
from market.hashing import TaskId
from market.identity import AccountId
from market.messages import Blob
from market.units import AINU, BlockNumber
from node.trade.calls import TICK, Windows, build_call, deliver_within, require_possible
from node.trade.tasks import TaskSpec

BLOB = Blob(hash=b"h" * 32, size=2, media_type="application/json")


def spec(budget: int = AINU, deadline_ms: int = 30_000) -> TaskSpec:
    return TaskSpec(capability="text.x", input=BLOB, budget=budget, deadline_ms=deadline_ms)


@given(st.integers(1, 10**7), st.sampled_from([TESTNET, DEVELOPMENT]))
def test_a_deadline_in_blocks_is_never_shorter_than_asked_for(millis: int, params: object) -> None:
    blocks = deliver_within(spec(deadline_ms=millis), params)  # type: ignore[arg-type]  # one of the two
    period = params.millis_per_block  # type: ignore[attr-defined]
    assert (blocks - 1) * period < millis <= blocks * period


def test_a_call_holds_its_tasks_by_id_and_its_prices_in_ticks() -> None:
    tasks = [(TaskId(bytes([n]) * 32), spec(AINU + n)) for n in (3, 1, 2)]
    invited = frozenset(AccountId(bytes([n]) * 32) for n in (9, 8))
    cfp = build_call(
        tasks,
        now=BlockNumber(100),
        params=TESTNET,
        windows=Windows(commit=2, reveal=3, accept=4),
        invited=invited,
        arbiter=None,
    )
    assert [task.task_id[0] for task in cfp.tasks] == [1, 2, 3]
    assert all(task.reserve == AINU and task.reserve % TICK == 0 for task in cfp.tasks)
    assert (cfp.facts_block, cfp.close_block, cfp.reveal_by) == (100, 102, 105)
    assert cfp.invited == tuple(sorted(invited))


@pytest.mark.parametrize(
    ("wanted", "observed", "words"),
    [
        (spec(budget=TICK - 1), 250.0, "the least is"),
        (spec(deadline_ms=1_000), 250.0, "at least 2 s"),
        (spec(deadline_ms=10**10), 250.0, "at most"),
        (spec(), 376.0, "blocks take 376 ms"),
        (spec(), 124.0, "blocks take 124 ms"),
    ],
)
def test_a_task_that_no_chain_can_carry_is_refused(
    wanted: TaskSpec, observed: float, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        require_possible(wanted, TESTNET, observed, 0.5)


@pytest.mark.parametrize("observed", [None, 125.0, 250.0, 375.0])
def test_blocks_within_half_of_their_period_are_taken(observed: float | None) -> None:
    require_possible(spec(), TESTNET, observed, 0.5)
    require_possible(spec(), attrs.evolve(TESTNET), observed, 0.5)
