"""What the stored records mean: who stands for how much, and who can do what until when.

Pure: records in, plain values out. ``now`` is a block number; a call is legal while ``now <= deadline``, and
anybody may claim the timeout after it.

Source: the table of states at the top of ``pallets/escrow/src/lib.rs``.
"""

from typing import Final, Literal

import attrs

from chain.records.escrow import EscrowRecord, Phase
from chain.records.registry import Agent
from chain.records.reputation import ReputationParams, Standing
from chain.units import EscrowId
from market.identity import AccountId
from market.units import BlockNumber, Planck

__all__ = ["AgentView", "EscrowView", "Move", "describe_agent", "describe_escrow", "legal_moves"]

Who = Literal["requester", "provider", "arbiter", "chain's arbiter", "anyone"]


@attrs.frozen
class Move:
    """A call that an escrow's state has, and who may make it."""

    who: Who
    call: str


_MOVES: Final[dict[Phase, tuple[Move, ...]]] = {
    Phase.OPEN: (
        Move("provider", "accept"),
        Move("provider", "decline"),
        Move("requester", "cancel"),
    ),
    Phase.ACCEPTED: (
        Move("provider", "deliver"),
        Move("provider", "refund"),
        Move("provider", "dispute"),
        Move("requester", "request_cancel"),
    ),
    Phase.DELIVERED: (
        Move("requester", "release"),
        Move("requester", "dispute"),
        Move("provider", "refund"),
    ),
    Phase.DISPUTED: (
        Move("arbiter", "rule"),
        Move("requester", "release"),
        Move("provider", "refund"),
    ),
    Phase.ESCALATED: (
        Move("chain's arbiter", "rule"),
        Move("requester", "release"),
        Move("provider", "refund"),
    ),
}
_AFTER: Final[dict[Phase, str]] = {
    Phase.OPEN: "cancelled",
    Phase.ACCEPTED: "expired, a failure of the provider",
    Phase.DELIVERED: "paid, as if released",
    Phase.DISPUTED: "escalated",
    Phase.ESCALATED: "split",
}


@attrs.frozen
class EscrowView:
    """An escrow as a person asks about it."""

    escrow: EscrowId
    requester: AccountId
    provider: AccountId
    phase: Phase
    price: Planck
    paid: Planck
    milestone: str
    """The one at hand, such as ``1 of 3``."""
    moves: tuple[Move, ...]
    """What may be done now; empty once it has ended."""
    until: BlockNumber | None
    """The last block for them; None where there is none: it has ended, or time is up."""
    after: str | None
    """What a claimed timeout makes of it; None once it has ended."""


def legal_moves(record: EscrowRecord, now: BlockNumber) -> tuple[Move, ...]:
    """Return what may be done with an escrow at a block."""
    if record.state.is_terminal:
        return ()
    if now > record.deadline:
        return (Move("anyone", "claim_timeout"),)
    moves = _MOVES[record.state.phase]
    if record.state.phase is Phase.DISPUTED and record.arbiter is None:
        return tuple(Move("chain's arbiter", m.call) if m.who == "arbiter" else m for m in moves)
    return moves


def describe_escrow(number: EscrowId, record: EscrowRecord, now: BlockNumber) -> EscrowView:
    """Return what an escrow means at a block."""
    return EscrowView(
        escrow=number,
        requester=record.requester,
        provider=record.provider,
        phase=record.state.phase,
        price=record.price,
        paid=record.paid,
        milestone=f"{record.milestone + 1} of {len(record.milestones)}",
        moves=legal_moves(record, now),
        until=None if record.state.is_terminal or now > record.deadline else record.deadline,
        after=_AFTER.get(record.state.phase),
    )


@attrs.frozen
class AgentView:
    """An agent as a person asks about it."""

    account: AccountId
    operator: AccountId
    """Whose signature counts at this block."""
    bond: Planck
    unlocking: Planck
    score: int
    """Points, 0 to 1,000."""
    effective: int
    """What the score counts for, in points: at most 300 before it is proven."""
    exposure: Planck
    exposure_limit: Planck
    may_take_on_work: bool
    """Bonded, not flagged, not suspended."""


def describe_agent(
    account: AccountId,
    agent: Agent,
    standing: Standing,
    params: ReputationParams,
    now: BlockNumber,
) -> AgentView:
    """Return what an agent's records mean at a block."""
    ready = standing.active >= params.min_bond and standing.suspended_at is None
    return AgentView(
        account=account,
        operator=agent.operator_at(now),
        bond=standing.active,
        unlocking=Planck(sum(chunk.amount for chunk in standing.unlocking)),
        score=standing.score // 1_000,
        effective=standing.effective,
        exposure=standing.exposure,
        exposure_limit=standing.exposure_limit(params),
        may_take_on_work=ready and not agent.compromised,
    )
