"""The periods and amounts of bonds and scores: what genesis sets.

Source: ``struct Params`` of ``pallets/reputation/src/types.rs``.
"""

from typing import Final

import attrs

from market.units import AINU, BlockNumber, Planck

__all__ = ["CI", "DEVELOPMENT", "TESTNET", "Params"]


@attrs.frozen(kw_only=True)
class Params:
    """Periods in blocks, amounts in planck."""

    ref_price: Planck
    """What moves a score by full weight."""
    min_bond: Planck
    """Below it no work is taken on."""
    first_bond_burn: Planck
    """Burned at the first bond ever."""
    report_hold: Planck
    """What stands for a report by anyone."""
    exposure_factor: int
    """How many times its bond a provider of full score may have open."""
    epoch: int
    report_window: int
    """After an escrow's end, or an offer's, in which it may be reported."""
    report_deferral: int
    """Between a report and its slash."""
    unbond_period: int
    """Between unbonding and withdrawal."""
    reinstate_after: int
    """Of suspension, before the chain's authority may reinstate."""

    def epoch_of(self, now: BlockNumber) -> int:
        """Return the epoch of a block."""
        return now // self.epoch


DEVELOPMENT: Final = Params(
    ref_price=Planck(AINU),
    min_bond=Planck(100 * AINU),
    first_bond_burn=Planck(5 * AINU),
    report_hold=Planck(10 * AINU),
    exposure_factor=5,
    epoch=14_400,
    report_window=100_800,
    report_deferral=100_800,
    unbond_period=403_200,
    reinstate_after=403_200,
)
"""Blocks of six seconds."""

TESTNET: Final = attrs.evolve(DEVELOPMENT, epoch=240)
"""Blocks of a quarter of a second."""

CI: Final = attrs.evolve(
    DEVELOPMENT, epoch=20, report_window=5, report_deferral=5, unbond_period=20, reinstate_after=20
)
"""Every period at most twenty blocks."""
