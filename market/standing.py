"""What an escrow asks of bonds and scores: the one seam between the two mirrors.

The escrow's machine gives these as effects, in the chain's order; :mod:`market.reputation` carries them out.
Only :class:`TakeOn` can be refused, and it is answered before the escrow changes. The others come
with an exit, and an exit never fails.

Source: ``trait BondAndScore`` of ``pallets/primitives/src/lib.rs``.
"""

from typing import NewType

import attrs

from market.identity import AccountId
from market.units import Planck

__all__ = [
    "DisputeLost",
    "Draw",
    "EscrowId",
    "Failure",
    "Neutral",
    "Outcome",
    "Pruned",
    "ReduceExposure",
    "StandingEffect",
    "Success",
    "TakeOn",
    "Terminal",
]

EscrowId = NewType("EscrowId", int)
"""The number of an escrow on chain, counted from 0."""


@attrs.frozen
class Success:
    """The provider was paid for what it did: the score may rise."""


@attrs.frozen(kw_only=True)
class Failure:
    """The provider failed: the score falls and the bond is slashed."""

    half: bool = False
    """It gave the work back of its own accord: the failure weighs half."""
    named_arbiter: bool = False
    """An arbiter that the parties chose has ruled: no part of the slash goes to the requester."""


@attrs.frozen
class Neutral:
    """Nobody's fault, or nobody's proof."""


Outcome = Success | Failure | Neutral


@attrs.frozen
class TakeOn:
    """Work was accepted: the exposure rises by ``amount``."""

    provider: AccountId
    amount: Planck


@attrs.frozen
class ReduceExposure:
    """A milestone of ``amount`` was paid."""

    provider: AccountId
    amount: Planck


@attrs.frozen
class Draw:
    """Take up to ``amount`` of the provider's bond; to nobody means that it is burned."""

    provider: AccountId
    amount: Planck
    to: AccountId | None


@attrs.frozen
class DisputeLost:
    """An arbiter ruled against this requester's dispute."""

    requester: AccountId


@attrs.frozen(kw_only=True)
class Terminal:
    """An accepted escrow has ended; comes once for each."""

    requester: AccountId
    provider: AccountId
    paid: Planck
    """In all, net of fees: the weight of a success."""
    unpaid: Planck
    """What the outcome left unpaid: the weight of a failure."""
    exposure: Planck
    """What was still counted in the provider's exposure."""
    slash_base: Planck
    """Active and unlocking bond when it was accepted."""
    outcome: Outcome


@attrs.frozen
class Pruned:
    """The record of an escrow between these two is gone."""

    provider: AccountId
    requester: AccountId


StandingEffect = TakeOn | ReduceExposure | Draw | DisputeLost | Terminal | Pruned
