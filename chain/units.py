"""The widths in which the chain counts, each a type of its own so that none is taken for another.

Amounts, block heights, accounts, hashes and the numbers of escrows and reports are those of :mod:`market`;
amounts as people write them (``1.5 AINU``) are read in one place, :func:`market.units.parse_amount`.
"""

import enum
from typing import NewType

__all__ = [
    "AttemptNumber",
    "BasisPoints",
    "Blocks",
    "Count",
    "EpochNumber",
    "FeeRate",
    "MilestoneIndex",
    "MilliPoints",
    "Millis",
    "Nonce",
    "OfferEpoch",
    "Roles",
]

Nonce = NewType("Nonce", int)
"""How many extrinsics an account has had carried out, 32 bits."""
Blocks = NewType("Blocks", int)
"""A time, counted in blocks; a height is a :data:`market.units.BlockNumber`."""
Millis = NewType("Millis", int)
"""Milliseconds, 64 bits."""
EpochNumber = NewType("EpochNumber", int)
"""Block number by epoch length, floored."""
OfferEpoch = NewType("OfferEpoch", int)
"""A provider's epoch of offers; revoking raises it."""
Count = NewType("Count", int)
"""How many, 32 bits."""
MilliPoints = NewType("MilliPoints", int)
"""A score: 0 to 1,000,000."""
BasisPoints = NewType("BasisPoints", int)
"""Parts of ten thousand, 16 bits."""
FeeRate = NewType("FeeRate", int)
"""Parts of ten thousand, as the chain's parameters have them: 32 bits."""
MilestoneIndex = NewType("MilestoneIndex", int)
"""A milestone, from 0."""
AttemptNumber = NewType("AttemptNumber", int)
"""Which try at a task, from 0."""


class Roles(enum.IntFlag):
    """What an agent may be besides requester and provider."""

    NONE = 0
    ARBITER = 1
