"""Periods, deposits, and the arithmetic of fees: what genesis sets.

Source: ``struct Params`` and ``fn part`` of ``pallets/escrow/src/types.rs``.
"""

from typing import Final

import attrs

from market.units import AINU, MAX_BALANCE, Planck

__all__ = [
    "BPS",
    "CI",
    "DEVELOPMENT",
    "FAILURE_BPS",
    "SUCCESS_BPS",
    "TESTNET",
    "Params",
    "part",
]

BPS: Final = 10_000
"""Basis points in the whole."""
SUCCESS_BPS: Final = 8_000
"""From here on a ruling is a success of the provider."""
FAILURE_BPS: Final = 2_000
"""Up to here a ruling is a failure of the provider."""


@attrs.frozen(kw_only=True)
class Params:
    """Periods in blocks, deposits in planck."""

    millis_per_block: int
    """How long a block is meant to take."""
    record_deposit: Planck
    """What a record costs while it is kept."""
    fee_bps: int
    """The fee on what is paid, in basis points, burned."""
    dispute_bps: int
    """A dispute's deposit in basis points of the price, and at least so much:"""
    min_dispute_deposit: Planck
    accept_within: int
    """The longest time a provider has to accept."""
    offer_validity: int
    """The longest an offer may still bind when it is used."""
    default_offer_validity: int
    """What clients choose for it."""
    max_deliver_within: int
    """The longest time for one milestone."""
    max_deliver_total: int
    """The longest time for all milestones together."""
    min_review: int
    max_review: int
    default_review: int
    """What clients choose for it."""
    arbiter_window: int
    """How long the first arbiter has."""
    escalated_window: int
    """How long the chain's own arbiter has after it."""
    retention: int
    """How long a record is kept after its end."""

    def fee(self, paid: int) -> Planck:
        """Return the fee on a payment, rounded up.

        Source: ``Params::fee``.
        """
        scaled = min(paid * self.fee_bps, MAX_BALANCE)
        return Planck(-(-scaled // BPS))

    def dispute_deposit(self, price: int) -> Planck:
        """Return D, what the loser of a dispute pays, for an escrow of this price.

        Source: ``Params::dispute_deposit``.
        """
        return Planck(max(self.min_dispute_deposit, part(price, self.dispute_bps)))


def part(amount: int, bps: int) -> Planck:
    """Return so many basis points of an amount, rounded down.

    Source: ``fn part``, which splits the product so that it cannot overflow; the quotient is the same.
    """
    return Planck(amount * bps // BPS)


DEVELOPMENT: Final = Params(
    millis_per_block=6_000,
    record_deposit=Planck(AINU // 100),
    fee_bps=200,
    dispute_bps=1_000,
    min_dispute_deposit=Planck(AINU // 100),
    accept_within=100,
    offer_validity=600,
    default_offer_validity=50,
    max_deliver_within=100_800,
    max_deliver_total=201_600,
    min_review=10,
    max_review=100_800,
    default_review=600,
    arbiter_window=14_400,
    escalated_window=43_200,
    retention=403_200,
)
"""Blocks of six seconds, days and weeks as they are."""

TESTNET: Final = attrs.evolve(
    DEVELOPMENT, millis_per_block=250, default_review=20, arbiter_window=120, escalated_window=120
)
"""Blocks of a quarter of a second; reviews and rulings while one watches."""

CI: Final = attrs.evolve(
    DEVELOPMENT,
    millis_per_block=250,
    accept_within=5,
    offer_validity=20,
    default_offer_validity=10,
    max_deliver_within=20,
    max_deliver_total=20,
    min_review=2,
    max_review=20,
    default_review=10,
    arbiter_window=10,
    escalated_window=10,
    retention=20,
)
"""Every period at most twenty blocks."""
