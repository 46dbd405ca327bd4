"""The steps of an escrow, in the order of its life."""

from typing import ClassVar

import attrs

from chain.calls import Call
from chain.payloads import MultiSignature
from chain.units import BasisPoints
from market.escrow.record import Reason
from market.hashing import Hash
from market.offer import Offer
from market.standing import EscrowId

__all__ = [
    "CALLS",
    "Accept",
    "Cancel",
    "ClaimTimeout",
    "Decline",
    "Deliver",
    "Dispute",
    "Open",
    "OpenWithOffer",
    "Prune",
    "Refund",
    "Release",
    "RequestCancel",
    "RevokeOffers",
    "Rule",
]


@attrs.frozen
class _Escrow(Call):
    pallet: ClassVar[str] = "Escrow"


@attrs.frozen
class Open(_Escrow):
    """Fund an escrow and propose it to its provider. By the requester."""

    offer: Offer


@attrs.frozen
class OpenWithOffer(_Escrow):
    """Fund an escrow with an offer that its provider has signed: both are bound. By the requester."""

    offer: Offer
    signature: MultiSignature
    """By the provider's operator key, over :func:`market.offer.offer_payload`."""


@attrs.frozen
class Accept(_Escrow):
    """Bind oneself to an open escrow. By the provider's operator key."""

    escrow: EscrowId
    offer_hash: Hash
    """Of what the provider agrees to."""


@attrs.frozen
class Decline(_Escrow):
    """Refuse an open escrow; nobody is at fault. By the provider's operator key."""

    escrow: EscrowId


@attrs.frozen
class Cancel(_Escrow):
    """Withdraw an escrow that was not accepted yet. By the requester."""

    escrow: EscrowId


@attrs.frozen
class RequestCancel(_Escrow):
    """Ask the provider to give the work back, without fault. By the requester."""

    escrow: EscrowId


@attrs.frozen
class Deliver(_Escrow):
    """Put the current milestone's result hash on chain. By the provider's operator key."""

    escrow: EscrowId
    result: Hash


@attrs.frozen
class Release(_Escrow):
    """Pay the current milestone; in a dispute, concede. By the requester."""

    escrow: EscrowId


@attrs.frozen
class Refund(_Escrow):
    """Give the work back. By the provider's operator key."""

    escrow: EscrowId


@attrs.frozen
class Dispute(_Escrow):
    """Ask the arbiter about the current milestone."""

    escrow: EscrowId
    reason: Reason
    evidence: Hash


@attrs.frozen
class Rule(_Escrow):
    """Rule on a dispute. By the named arbiter, else by the chain's own."""

    escrow: EscrowId
    provider_bps: BasisPoints
    """The provider's part of the disputed milestone, 0 to 10,000."""


@attrs.frozen
class ClaimTimeout(_Escrow):
    """Move an escrow on whose deadline has passed. By anyone."""

    escrow: EscrowId


@attrs.frozen
class Prune(_Escrow):
    """Remove a record whose retention has passed. By anyone."""

    escrow: EscrowId


@attrs.frozen
class RevokeOffers(_Escrow):
    """Make every offer that the caller has signed so far bind no more. By the provider."""


CALLS: tuple[type[Call], ...] = (
    *(Open, OpenWithOffer, Accept, Decline, Cancel, RequestCancel, Deliver, Release, Refund),
    *(Dispute, Rule, ClaimTimeout, Prune, RevokeOffers),
)
"""All of the pallet's."""
