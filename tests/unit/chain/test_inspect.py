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
from chain.records.escrow import EscrowRecord, Phase, State
from chain.records.registry import Agent, PendingRotation
from chain.records.reputation import EpochCounters, ReputationParams, Standing
from chain.units import (
    AttemptNumber,
    Blocks,
    Count,
    EpochNumber,
    EscrowId,
    MilestoneIndex,
    MilliPoints,
    Roles,
)
from market.hashing import Hash, TaskId
from market.identity import AccountId
from market.units import BlockNumber, Planck
from tests.support.vectors import VECTORS

HASH, KEY, OTHER = Hash(bytes(32)), AccountId(b"k" * 32), AccountId(b"o" * 32)
MOVES = {
    *("accept", "cancel", "claim_timeout", "decline", "deliver", "refund", "release"),
    *("request_cancel", "rule"),
}


def record_of(phase: Phase, deadline: int, arbiter: AccountId | None) -> EscrowRecord:
    amount, zero = Planck(10), Planck(0)
    return EscrowRecord(
        requester=KEY, provider=OTHER, task_id=TaskId(HASH), attempt=AttemptNumber(0), price=amount,
        milestones=(amount,), milestone=MilestoneIndex(0), paid=zero, input_hash=HASH, slot=HASH, terms=HASH,
        arbiter=arbiter, deliver_within=Blocks(1), review_blocks=Blocks(1), valid_until=BlockNumber(1),
        offer_hash=HASH, state=State(phase), deadline=BlockNumber(deadline), result=None, dispute=None,
        cancel_requested=False, slash_base=zero, dispute_deposit=zero, record_deposit=zero,
    )  # fmt: skip


def steps() -> Iterator[Any]:
    for sequence in json.loads((VECTORS / "escrow.json").read_text())["sequences"]:
        for number, step in enumerate(sequence["steps"]):
            if step["escrow"] is not None and "refused" in step:
                yield pytest.param(step, id=f"{sequence['name']}, step {number}")


@pytest.mark.parametrize("step", list(steps()))
def test_the_moves_shown_are_those_that_the_pallet_allows(step: dict[str, Any]) -> None:
    shown = step["escrow"]["state"]
    phase = Phase(shown if isinstance(shown, str) else next(iter(shown)))
    record = record_of(phase, step["escrow"]["deadline"], KEY)
    allowed = MOVES - set(step["refused"])
    for reason in ("dispute_input", "dispute_result"):
        if reason not in step["refused"]:
            allowed.add("dispute")
    assert {move.call for move in legal_moves(record, BlockNumber(step["block"]))} == allowed


def test_a_dispute_without_a_named_arbiter_is_the_chains_to_rule() -> None:
    for arbiter, who in ((KEY, "arbiter"), (None, "chain's arbiter")):
        record = record_of(Phase.DISPUTED, 9, arbiter)
        [rules] = [m.who for m in legal_moves(record, BlockNumber(9)) if m.call == "rule"]
        assert rules == who


def test_an_escrow_is_described_up_to_and_after_its_deadline() -> None:
    record = record_of(Phase.DELIVERED, 9, None)
    in_time = describe_escrow(EscrowId(3), record, BlockNumber(9))
    assert (in_time.until, in_time.after) == (9, "paid, as if released")
    late = describe_escrow(EscrowId(3), record, BlockNumber(10))
    assert late.until is None
    assert [(move.who, move.call) for move in late.moves] == [("anyone", "claim_timeout")]
    over = describe_escrow(EscrowId(3), record_of(Phase.SPLIT, 9, None), BlockNumber(10))
    assert (over.moves, over.until, over.after) == ((), None, None)


def test_an_agent_is_described_with_the_key_that_counts_now_and_what_it_may_take_on() -> None:
    counters = EpochCounters(EpochNumber(0), MilliPoints(0), Count(0), Count(0))
    standing = Standing(
        score=MilliPoints(734_999), active=Planck(100), unlocking=(), set_aside=Planck(0),
        exposure=Planck(7), open_jobs=Count(1), settled=Count(10), first_requesters=(KEY,) * 5,
        bonded_since=None, first_bond_burned=True, disputes_lost=Count(0), suspended_at=None,
        current=counters, previous=counters, judged=None,
    )  # fmt: skip
    rotation = PendingRotation(OTHER, BlockNumber(8))
    agent = Agent(
        KEY, rotation, None, False, None, HASH, HASH, Roles.NONE, Planck(1), BlockNumber(1)
    )
    plain = Planck(1)
    params = ReputationParams(
        plain, Planck(100), plain, plain, Count(5), Blocks(1), Blocks(1), Blocks(1), Blocks(9), Blocks(1)
    )  # fmt: skip
    view = describe_agent(KEY, agent, standing, params, BlockNumber(7))
    assert (view.operator, view.score, view.effective) == (KEY, 734, 734)
    assert (view.exposure_limit, view.may_take_on_work) == (5 * 100 * 734 // 1_000, True)
    assert describe_agent(KEY, agent, standing, params, BlockNumber(8)).operator == OTHER
    for changed in (
        attrs.evolve(standing, active=Planck(99)),
        attrs.evolve(standing, suspended_at=BlockNumber(3)),
    ):
        assert not describe_agent(KEY, agent, changed, params, BlockNumber(7)).may_take_on_work
    unproven = attrs.evolve(standing, settled=Count(9))
    assert describe_agent(KEY, agent, unproven, params, BlockNumber(7)).effective == 300
