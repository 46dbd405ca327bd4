"""How long a signed extrinsic stays valid: mortal eras, sized by the blocks that the chain really makes.

An immortal extrinsic whose answer was lost can never be given up: it may be carried out in a year. So every
extrinsic of ours is mortal; when its era has ended in the finalised chain, its absence there is final. An era
covers a minute at least at the observed block rate, so that a slow connection does not outlive it, and is
a power of two from 64 to 4,096 blocks, since the chain remembers the hashes of 4,096 blocks.

Source: ``sp_runtime::generic::Era``; below 4,096 blocks nothing is quantised, so the birth is exact.
"""

from typing import Final

import attrs

from chain.errors import UsageError
from chain.units import Blocks
from market.units import BlockNumber

__all__ = ["COVER_MILLIS", "MAX_PERIOD", "MIN_PERIOD", "Era", "compute_period"]

MIN_PERIOD: Final = Blocks(64)
MAX_PERIOD: Final = Blocks(4_096)
COVER_MILLIS: Final = 60_000
"""What an era covers at least, where 4,096 blocks suffice for it."""


@attrs.frozen
class Era:
    """The blocks in which an extrinsic may be carried out."""

    birth: BlockNumber
    """A finalised block: no reorganisation changes the hash that the signature covers."""
    period: Blocks

    def __attrs_post_init__(self) -> None:
        if not MIN_PERIOD <= self.period <= MAX_PERIOD or self.period & (self.period - 1):
            raise UsageError(f"a period is a power of two from 64 to 4,096, not {self.period}")

    @property
    def last(self) -> BlockNumber:
        """The last block that may contain it."""
        return BlockNumber(self.birth + self.period - 1)


def compute_period(millis_per_block: float | None) -> Blocks:
    """Return the era's length that covers a minute.

    Args:
        millis_per_block: as observed; None where too few blocks were seen, which takes the longest.
    """
    if millis_per_block is None or millis_per_block <= 0:
        return MAX_PERIOD
    blocks = -(-COVER_MILLIS // max(1, int(millis_per_block)))
    period = 1 << max(0, blocks - 1).bit_length()
    return Blocks(min(MAX_PERIOD, max(MIN_PERIOD, period)))
