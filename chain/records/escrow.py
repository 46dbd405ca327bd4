"""What is stored of an escrow, and the chain's periods and deposits."""

import enum
from typing import Any, Final

import attrs

from chain.errors import MismatchError
from chain.units import (
    AttemptNumber,
    BasisPoints,
    Blocks,
    DisputeReason,
    EscrowId,
    FeeRate,
    MilestoneIndex,
    Millis,
    Party,
)
from market.hashing import Hash, TaskId
from market.identity import AccountId
from market.units import BlockNumber, Planck

__all__ = ["Dispute", "EscrowParams", "EscrowRecord", "Phase", "State", "TaskEntry"]

BPS: Final = 10_000


class Phase(enum.Enum):
    """Where an escrow stands; the last six are terminal."""

    OPEN = "Open"
    ACCEPTED = "Accepted"
    DELIVERED = "Delivered"
    DISPUTED = "Disputed"
    ESCALATED = "Escalated"
    RELEASED = "Released"
    CANCELLED = "Cancelled"
    REFUNDED = "Refunded"
    EXPIRED = "Expired"
    RULED = "Ruled"
    SPLIT = "Split"


LIVE: Final = frozenset(
    {Phase.OPEN, Phase.ACCEPTED, Phase.DELIVERED, Phase.DISPUTED, Phase.ESCALATED}
)


@attrs.frozen
class State:
    """A phase, and what a ruling gave."""

    phase: Phase
    provider_bps: BasisPoints | None = None
    """The provider's part of the disputed milestone; of a ruling only."""

    SHAPE = "enum({})".format(
        "|".join(
            f"{p.value}: {{provider_bps: u16}}" if p is Phase.RULED else p.value for p in Phase
        )
    )

    @property
    def is_terminal(self) -> bool:
        """Whether nothing follows."""
        return self.phase not in LIVE

    @classmethod
    def from_wire(cls, raw: Any) -> "State":
        """Read it from what the SCALE library decoded."""
        match raw:
            case str():
                try:
                    return cls(Phase(raw))
                except ValueError as error:
                    raise MismatchError(f"{raw!r} is no state: compare the runtimes") from error
            case {"Ruled": {"provider_bps": int(bps)}}:
                return cls(Phase.RULED, BasisPoints(bps))
        raise MismatchError(f"{raw!r} is no state of an escrow: compare the runtimes")


@attrs.frozen
class Dispute:
    """From when it is raised to the end."""

    by: Party
    reason: DisputeReason
    evidence: Hash
    """Of what the arbiter is shown."""


@attrs.frozen
class EscrowRecord:
    """An escrow, as the chain keeps it."""

    requester: AccountId
    provider: AccountId
    task_id: TaskId
    attempt: AttemptNumber
    price: Planck
    """Net to the provider: the sum of the milestones."""
    milestones: tuple[Planck, ...]
    milestone: MilestoneIndex
    """The one at hand; those before it are paid."""
    paid: Planck
    input_hash: Hash
    slot: Hash
    terms: Hash
    arbiter: AccountId | None
    deliver_within: Blocks
    review_blocks: Blocks
    valid_until: BlockNumber
    offer_hash: Hash
    state: State
    deadline: BlockNumber
    """The last block of this state; of a terminal state, the block at which it was reached."""
    result: Hash | None
    dispute: Dispute | None
    cancel_requested: bool
    slash_base: Planck
    dispute_deposit: Planck
    record_deposit: Planck

    @property
    def remaining(self) -> Planck:
        """What is not paid yet."""
        return Planck(self.price - self.paid)


@attrs.frozen
class EscrowParams:
    """Periods and deposits, as set at genesis."""

    millis_per_block: Millis
    record_deposit: Planck
    fee_bps: FeeRate
    dispute_bps: FeeRate
    min_dispute_deposit: Planck
    accept_within: Blocks
    offer_validity: Blocks
    default_offer_validity: Blocks
    max_deliver_within: Blocks
    max_deliver_total: Blocks
    min_review: Blocks
    max_review: Blocks
    default_review: Blocks
    arbiter_window: Blocks
    escalated_window: Blocks
    retention: Blocks

    def fee(self, paid: Planck) -> Planck:
        """Return the fee on a payment, rounded up."""
        return Planck(-(-paid * self.fee_bps // BPS))

    def dispute_deposit(self, price: Planck) -> Planck:
        """Return the dispute deposit D of an escrow of this price."""
        return Planck(max(self.min_dispute_deposit, price * self.dispute_bps // BPS))

    def cost_of_opening(self, price: Planck, milestones: tuple[Planck, ...]) -> Planck:
        """Return what the requester's hold takes when it opens an escrow."""
        fees = sum(self.fee(amount) for amount in milestones)
        return Planck(price + fees + self.dispute_deposit(price) + self.record_deposit)


@attrs.frozen
class TaskEntry:
    """The last attempt at a requester's task."""

    attempt: AttemptNumber
    escrow: EscrowId

    SHAPE = "(u8, u64)"

    @classmethod
    def from_wire(cls, raw: Any) -> "TaskEntry":
        """Read it from what the SCALE library decoded."""
        match raw:
            case [int(attempt), int(escrow)] | (int(attempt), int(escrow)):
                return cls(AttemptNumber(attempt), EscrowId(escrow))
        raise MismatchError(f"{raw!r} is no entry of the task index: compare the runtimes")
