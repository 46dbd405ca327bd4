"""What the stored records mean: who stands for how much, and who can do what until when.

Pure: records in, plain values out. ``now`` is a block number. Which calls a state has, and for whom, is the rules' own
table, :data:`market.escrow.calls.LEGAL`.
"""

import re
from typing import Final

import attrs

from chain.records.registry import Agent
from market.escrow.calls import Role
from market.escrow.params import Params as EscrowParams
from market.escrow.record import TERMINAL, Escrow, State
from market.escrow.turns import Turn, turns
from market.identity import AccountId
from market.reputation.params import Params as ReputationParams
from market.reputation.record import Record
from market.standing import EscrowId
from market.units import BlockNumber, Planck

__all__ = [
    "AgentView",
    "EscrowView",
    "Move",
    "TurnView",
    "describe_agent",
    "describe_escrow",
    "describe_turns",
    "legal_moves",
]

_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


@attrs.frozen
class Move:
    """A call that an escrow's state has, and who may make it."""

    who: str
    """A role, such as ``provider's operator key``."""
    call: str


_AFTER: Final[dict[State, str]] = {
    State.OPEN: "cancelled",
    State.ACCEPTED: "expired, a failure of the provider",
    State.DELIVERED: "paid, as if released",
    State.DISPUTED: "escalated",
    State.ESCALATED: "split",
}


@attrs.frozen
class EscrowView:
    """An escrow as a person asks about it."""

    escrow: EscrowId
    requester: AccountId
    provider: AccountId
    phase: State
    price: Planck
    paid: Planck
    milestone: str
    """The one at hand, such as ``1 of 3``."""
    moves: tuple[Move, ...]
    """What may be done now."""
    until: BlockNumber | None
    """The last block for them; None where there is none: it has ended, or time is up."""
    after: str | None
    """What a claimed timeout makes of it; None once it has ended."""


def legal_moves(record: Escrow, params: EscrowParams, now: BlockNumber) -> tuple[Move, ...]:
    """Return what may be done with an escrow at a block, in the order of the rules' table."""
    return tuple(
        Move(each.who, each.call)
        for each in describe_turns(record, params)
        if (each.since is None or each.since <= now) and (each.until is None or now <= each.until)
    )


@attrs.frozen
class TurnView:
    """A call that an escrow's state has: who may make it, from and until which block."""

    who: str
    """A role, as of :class:`Move`."""
    account: AccountId | None
    """Whose role it is; None for anyone and for the chain's own arbiter."""
    call: str
    since: BlockNumber | None
    """The first block; None where it is open already."""
    until: BlockNumber | None
    """The last block; None where it stays open as long as nobody acts."""


def describe_turns(record: Escrow, params: EscrowParams) -> tuple[TurnView, ...]:
    """Return all that may be done with an escrow in its state, now or later, in the order of the rules' table."""
    return tuple(
        TurnView(
            who=_who(turn).value,
            account=turn.account,
            call=_HUMP.sub("_", turn.call.__name__.removesuffix("Call")).lower(),
            since=turn.since,
            until=turn.until,
        )
        for turn in turns(record, params)
    )


def _who(turn: Turn) -> Role:
    """Return the role; an arbiter that nobody named is the chain's own."""
    if turn.role is Role.ARBITER and turn.account is None:
        return Role.CHAIN_ARBITER
    return turn.role


def describe_escrow(
    number: EscrowId, record: Escrow, params: EscrowParams, now: BlockNumber
) -> EscrowView:
    """Return what an escrow means at a block."""
    return EscrowView(
        escrow=number,
        requester=record.requester,
        provider=record.provider,
        phase=record.state,
        price=record.price,
        paid=record.paid,
        milestone=f"{record.milestone + 1} of {len(record.milestones)}",
        moves=legal_moves(record, params, now),
        until=None if record.state in TERMINAL or now > record.deadline else record.deadline,
        after=_AFTER.get(record.state),
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
    standing: Record,
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
