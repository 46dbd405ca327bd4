"""What is called on an escrow, who may call it when, and what follows.

Source: the calls of ``pallets/escrow/src/lib.rs``.
"""

from enum import Enum
from typing import Final

import attrs

from market.escrow.record import Escrow, Reason, State
from market.hashing import Hash
from market.identity import AccountId
from market.origins import Origin
from market.standing import StandingEffect
from market.units import Planck

__all__ = [
    "LEGAL",
    "Accept",
    "Burn",
    "Call",
    "Cancel",
    "ClaimTimeout",
    "Decline",
    "Deliver",
    "DisputeCall",
    "Effect",
    "Hold",
    "Pay",
    "Prune",
    "Refund",
    "Release",
    "RequestCancel",
    "Role",
    "Rule",
    "account_of",
]


@attrs.frozen
class Accept:
    """Bind the provider to an escrow that a requester has opened."""

    by: Origin
    offer_hash: Hash
    """Of what the provider agrees to."""


@attrs.frozen
class Decline:
    """Refuse it; nobody is at fault."""

    by: Origin


@attrs.frozen
class Cancel:
    """Withdraw it before it is accepted."""

    by: Origin


@attrs.frozen
class RequestCancel:
    """Ask the provider to give the work back; if it does, that is nobody's failure."""

    by: Origin


@attrs.frozen
class Deliver:
    """Put the hash of the current milestone's result on chain."""

    by: Origin
    result: Hash


@attrs.frozen
class Release:
    """Pay the current milestone; in a dispute the requester concedes by it."""

    by: Origin


@attrs.frozen
class Refund:
    """Give the work back, and with it everything that is not paid."""

    by: Origin


@attrs.frozen
class DisputeCall:
    """Ask the arbiter about the current milestone."""

    by: Origin
    reason: Reason
    evidence: Hash


@attrs.frozen
class Rule:
    """Give the provider so many basis points of the disputed milestone."""

    by: Origin
    provider_bps: int


@attrs.frozen
class ClaimTimeout:
    """Move an escrow on whose deadline has passed."""

    by: Origin


@attrs.frozen
class Prune:
    """Remove a record whose retention has passed, and return its deposit."""

    by: Origin


Call = (
    Accept
    | Decline
    | Cancel
    | RequestCancel
    | Deliver
    | Release
    | Refund
    | DisputeCall
    | Rule
    | ClaimTimeout
    | Prune
)


class Role(Enum):
    """Who a call is for."""

    REQUESTER = "requester"
    """The requester's account itself: it is its money."""
    REQUESTER_KEY = "requester's operator key"
    PROVIDER_KEY = "provider's operator key"
    ARBITER = "arbiter"
    """The named one; the chain's own where none is named."""
    CHAIN_ARBITER = "chain's arbiter"
    ANYONE = "anyone"


_CONTESTED: Final[dict[type[Call], Role]] = {
    Release: Role.REQUESTER,
    Refund: Role.PROVIDER_KEY,
    ClaimTimeout: Role.ANYONE,
}
_ENDED: Final[dict[type[Call], Role]] = {Prune: Role.ANYONE}

LEGAL: Final[dict[State, dict[type[Call], Role]]] = {
    State.OPEN: {
        Accept: Role.PROVIDER_KEY,
        Decline: Role.PROVIDER_KEY,
        Cancel: Role.REQUESTER,
        ClaimTimeout: Role.ANYONE,
    },
    State.ACCEPTED: {
        Deliver: Role.PROVIDER_KEY,
        Refund: Role.PROVIDER_KEY,
        DisputeCall: Role.PROVIDER_KEY,
        RequestCancel: Role.REQUESTER,
        ClaimTimeout: Role.ANYONE,
    },
    State.DELIVERED: {**_CONTESTED, DisputeCall: Role.REQUESTER_KEY},
    State.DISPUTED: {**_CONTESTED, Rule: Role.ARBITER},
    State.ESCALATED: {**_CONTESTED, Rule: Role.CHAIN_ARBITER},
    State.RELEASED: _ENDED,
    State.CANCELLED: _ENDED,
    State.REFUNDED: _ENDED,
    State.EXPIRED: _ENDED,
    State.RULED: _ENDED,
    State.SPLIT: _ENDED,
}
"""Which call a state has, and for whom; every other pair is refused and changes nothing."""


def account_of(escrow: Escrow, role: Role) -> AccountId | None:
    """Return the account behind a role; None for anyone and for the chain's own arbiter."""
    match role:
        case Role.REQUESTER | Role.REQUESTER_KEY:
            return escrow.requester
        case Role.PROVIDER_KEY:
            return escrow.provider
        case Role.ARBITER:
            return escrow.arbiter
        case Role.CHAIN_ARBITER | Role.ANYONE:
            return None


@attrs.frozen
class Hold:
    """Hold ``amount`` of an account's free money for its escrows."""

    account: AccountId
    amount: Planck


@attrs.frozen
class Pay:
    """Move ``amount`` of what an account's escrows hold to another, or back to itself."""

    account: AccountId
    to: AccountId
    amount: Planck


@attrs.frozen
class Burn:
    """Burn ``amount`` of what an account's escrows hold."""

    account: AccountId
    amount: Planck


Effect = Hold | Pay | Burn | StandingEffect
