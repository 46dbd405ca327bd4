"""What stored records mean, held to the vectors that the escrow's pallet wrote.

A step of a vector names every call that the state then refuses, made by whoever may make it; what it does not
name is allowed. So the vectors say for every state and block which moves there are.
"""

import json
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from chain.inspect import describe_agent, describe_escrow, legal_moves
from chain.records.registry import Agent, PendingRotation
from chain.units import Roles
from market.escrow.params import CI
from market.escrow.record import Escrow, State
from market.hashing import Hash, TaskId
from market.identity import AccountId
from market.reputation.params import CI as REPUTATION_CI
from market.reputation.record import Record
from market.standing import EscrowId
from market.units import BlockNumber, Planck
from tests.support.vectors import VECTORS

HASH, KEY, OTHER = Hash(bytes(32)), AccountId(b"k" * 32), AccountId(b"o" * 32)
MOVES = {
    *("accept", "cancel", "claim_timeout", "decline", "deliver", "refund", "release"),
    *("request_cancel", "rule"),
}


def record_of(state: State, deadline: int, arbiter: AccountId | None) -> Escrow:
    amount, zero = Planck(10), Planck(0)
    return Escrow(
        requester=KEY, provider=OTHER, task_id=TaskId(HASH), attempt=0, price=amount, milestones=(amount,),
        input_hash=HASH, slot=HASH, terms=HASH, arbiter=arbiter, deliver_within=1, review_blocks=1,
        valid_until=BlockNumber(1), offer_hash=HASH, state=state, deadline=BlockNumber(deadline),
        dispute_deposit=zero, record_deposit=zero,
    )  # fmt: skip


def steps() -> Iterator[Any]:
    for sequence in json.loads((VECTORS / "escrow.json").read_text())["sequences"]:
        for number, step in enumerate(sequence["steps"]):
            if step["escrow"] is not None and "refused" in step:
                yield pytest.param(step, id=f"{sequence['name']}, step {number}")


@pytest.mark.parametrize("step", list(steps()))
def test_the_moves_shown_are_those_that_the_pallet_allows(step: dict[str, Any]) -> None:
    shown = step["escrow"]["state"]
    state = State(shown if isinstance(shown, str) else next(iter(shown)))
    record = record_of(state, step["escrow"]["deadline"], KEY)
    allowed = MOVES - set(step["refused"])
    for reason in ("dispute_input", "dispute_result"):
        if reason not in step["refused"]:
            allowed.add("dispute")
    assert {move.call for move in legal_moves(record, CI, BlockNumber(step["block"]))} == allowed


def test_a_dispute_without_a_named_arbiter_is_the_chains_to_rule() -> None:
    for arbiter, who in ((KEY, "arbiter"), (None, "chain's arbiter")):
        record = record_of(State.DISPUTED, 9, arbiter)
        [rules] = [m.who for m in legal_moves(record, CI, BlockNumber(9)) if m.call == "rule"]
        assert rules == who


def test_an_escrow_is_described_up_to_and_after_its_deadline() -> None:
    record = record_of(State.DELIVERED, 9, None)
    in_time = describe_escrow(EscrowId(3), record, CI, BlockNumber(9))
    assert (in_time.until, in_time.after) == (9, "paid, as if released")
    late = describe_escrow(EscrowId(3), record, CI, BlockNumber(10))
    assert late.until is None
    assert [(move.who, move.call) for move in late.moves] == [("anyone", "claim_timeout")]
    over = describe_escrow(EscrowId(3), record_of(State.SPLIT, 9, None), CI, BlockNumber(10))
    assert (over.moves, over.until, over.after) == ((), None, None)


def test_an_agent_is_described_with_the_key_that_counts_now_and_what_it_may_take_on() -> None:
    standing = Record(
        score=734_999, active=Planck(100), exposure=Planck(7), settled=10, first_requesters=(KEY,) * 5
    )  # fmt: skip
    rotation = PendingRotation(OTHER, BlockNumber(8))
    agent = Agent(
        KEY, rotation, None, False, None, HASH, HASH, Roles.NONE, Planck(1), BlockNumber(1)
    )
    params = attrs.evolve(REPUTATION_CI, min_bond=Planck(100))
    view = describe_agent(KEY, agent, standing, params, BlockNumber(7))
    assert (view.operator, view.score, view.effective) == (KEY, 734, 734)
    assert (view.exposure_limit, view.may_take_on_work) == (5 * 100 * 734 // 1_000, True)
    assert describe_agent(KEY, agent, standing, params, BlockNumber(8)).operator == OTHER
    for changed in (
        attrs.evolve(standing, active=Planck(99)),
        attrs.evolve(standing, suspended_at=BlockNumber(3)),
    ):
        assert not describe_agent(KEY, agent, changed, params, BlockNumber(7)).may_take_on_work
    unproven = attrs.evolve(standing, settled=9)
    assert describe_agent(KEY, agent, unproven, params, BlockNumber(7)).effective == 300
