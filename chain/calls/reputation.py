"""Bonding, and reporting offences."""

from typing import ClassVar

import attrs

from chain.calls import Call
from chain.payloads import MultiSignature
from market.hashing import Hash
from market.identity import AccountId
from market.offer import Offer
from market.reputation.book import Offence, ReportId
from market.standing import EscrowId
from market.units import Planck

__all__ = [
    "CALLS",
    "ApplySlash",
    "Bond",
    "BondExtra",
    "CancelSlash",
    "Poke",
    "Reinstate",
    "ReportDoubleAcceptance",
    "ReportOffence",
    "Unbond",
    "WithdrawUnbonded",
]


@attrs.frozen
class _Reputation(Call):
    pallet: ClassVar[str] = "Reputation"


@attrs.frozen
class Bond(_Reputation):
    """Bond where nothing is active: at least the minimum. The first bond ever burns a fee."""

    amount: Planck


@attrs.frozen
class BondExtra(_Reputation):
    """Add to an active bond."""

    amount: Planck


@attrs.frozen
class Unbond(_Reputation):
    """Send a part of the active bond on its way out; it stays slashable until withdrawn."""

    amount: Planck


@attrs.frozen
class WithdrawUnbonded(_Reputation):
    """Take out every part whose block has come."""


@attrs.frozen
class Poke(_Reputation):
    """Judge an agent's failures in the epoch that just closed. By anyone."""

    agent: AccountId


@attrs.frozen
class ReportOffence(_Reputation):
    """Report a fraudulent result or a violation of protocol. By the slashing origin."""

    offence: Offence
    agent: AccountId
    escrow: EscrowId | None
    evidence: Hash


@attrs.frozen
class ReportDoubleAcceptance(_Reputation):
    """Report that an agent offered one slot for two tasks. By anyone, with a hold."""

    agent: AccountId
    offer_a: Offer
    sig_a: MultiSignature
    offer_b: Offer
    sig_b: MultiSignature


@attrs.frozen
class CancelSlash(_Reputation):
    """Find a report wrong. By the slashing origin."""

    report: ReportId


@attrs.frozen
class ApplySlash(_Reputation):
    """Carry a report out, once its deferral is over. By anyone."""

    report: ReportId


@attrs.frozen
class Reinstate(_Reputation):
    """End a suspension that has lasted long enough. By the slashing origin."""

    agent: AccountId


CALLS: tuple[type[Call], ...] = (
    *(Bond, BondExtra, Unbond, WithdrawUnbonded, Poke, ReportOffence),
    *(ReportDoubleAcceptance, CancelSlash, ApplySlash, Reinstate),
)
"""All of the pallet's."""
