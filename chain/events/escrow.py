"""What an escrow reports of its life."""

from typing import ClassVar

import attrs

from chain.events import Event
from chain.records.escrow import Stage
from chain.units import BasisPoints, MilestoneIndex, OfferEpoch
from market.escrow.record import Party, Reason
from market.hashing import Hash, TaskId
from market.identity import AccountId
from market.standing import EscrowId
from market.units import BlockNumber, Planck

__all__ = [
    "EVENTS",
    "Accepted",
    "CancelRequested",
    "Delivered",
    "Disputed",
    "Ended",
    "Escalated",
    "NextMilestone",
    "OffersRevoked",
    "Opened",
    "Paid",
    "Pruned",
    "Ruled",
]


@attrs.frozen
class _Escrow(Event):
    pallet: ClassVar[str] = "Escrow"


@attrs.frozen
class Opened(_Escrow):
    """A requester funded an escrow."""

    escrow: EscrowId
    requester: AccountId
    provider: AccountId
    task_id: TaskId
    price: Planck
    accept_by: BlockNumber
    """The last block to accept at."""


@attrs.frozen
class Accepted(_Escrow):
    """The provider is bound."""

    escrow: EscrowId
    deliver_by: BlockNumber


@attrs.frozen
class CancelRequested(_Escrow):
    """The requester asked the provider to give the work back."""

    escrow: EscrowId


@attrs.frozen
class Delivered(_Escrow):
    """A milestone's result is on chain."""

    escrow: EscrowId
    milestone: MilestoneIndex
    result: Hash
    review_by: BlockNumber
    """The last block to dispute it at; silence pays."""


@attrs.frozen
class Paid(_Escrow):
    """The provider was paid."""

    escrow: EscrowId
    milestone: MilestoneIndex
    amount: Planck
    fee: Planck
    """Burned on top."""
    to_treasury: Planck
    """What of the amount the provider could not be credited with."""


@attrs.frozen
class NextMilestone(_Escrow):
    """Work on the next milestone began."""

    escrow: EscrowId
    milestone: MilestoneIndex
    deliver_by: BlockNumber


@attrs.frozen
class Disputed(_Escrow):
    """A party asked the arbiter."""

    escrow: EscrowId
    by: Party
    reason: Reason
    evidence: Hash
    rule_by: BlockNumber


@attrs.frozen
class Escalated(_Escrow):
    """The first arbiter was silent."""

    escrow: EscrowId
    rule_by: BlockNumber


@attrs.frozen
class Ruled(_Escrow):
    """An arbiter ruled."""

    escrow: EscrowId
    provider_bps: BasisPoints
    arbiter: AccountId | None
    """None is the chain's own."""


@attrs.frozen
class Ended(_Escrow):
    """The escrow has ended: this is the settlement, once its block is final."""

    escrow: EscrowId
    state: Stage
    paid: Planck
    """To the provider, in all."""
    refunded: Planck
    """To the requester at the end, without the record's deposit."""


@attrs.frozen
class Pruned(_Escrow):
    """The record is gone and its deposit returned."""

    escrow: EscrowId
    deposit: Planck


@attrs.frozen
class OffersRevoked(_Escrow):
    """Every offer that the provider signed before binds no more."""

    provider: AccountId
    offer_epoch: OfferEpoch


EVENTS: tuple[type[Event], ...] = (
    *(Opened, Accepted, CancelRequested, Delivered, Paid, NextMilestone, Disputed, Escalated),
    *(Ruled, Ended, Pruned, OffersRevoked),
)
"""All of the pallet's."""
