"""How the chain writes the classes of the market's rules, which themselves say nothing of widths.

What an offer, an escrow or a standing is, is defined once, in :mod:`market`; there a count is an ``int``. Here
stands what the chain makes of it: how wide each such field is, and the two unions that it tags. A test holds all of
it to the runtime's metadata.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from chain.records.escrow import Stage
from chain.units import (
    AttemptNumber,
    Blocks,
    Count,
    EpochNumber,
    FeeRate,
    MilestoneIndex,
    MilliPoints,
    Millis,
    OfferEpoch,
)
from market.escrow.params import Params as EscrowParams
from market.escrow.record import Escrow
from market.offer import Offer
from market.reputation.book import Conduct, OfEpoch, OfEscrow, OfSlot, Subject
from market.reputation.params import Params as ReputationParams
from market.reputation.record import EpochCounters, PairCounter, Record

__all__ = ["LAYOUTS", "UNIONS", "Layout"]


@attrs.frozen
class Layout:
    """How the chain writes one class."""

    widths: Mapping[str, Any]
    """The chain's types of fields whose own say less."""
    absent: frozenset[str] = frozenset()
    """Fields that the chain does not write by themselves."""
    make: Callable[..., Any] | None = None
    """Makes one of the fields as the chain has them; the class itself if None."""


def _escrow(*, state: Stage, **fields: Any) -> Escrow:
    return Escrow(state=state.state, ruling=state.provider_bps, **fields)


LAYOUTS: Final[Mapping[type, Layout]] = {
    Offer: Layout(
        {
            "attempt": AttemptNumber,
            "deliver_within": Blocks,
            "review_blocks": Blocks,
            "offer_epoch": OfferEpoch,
        }
    ),
    Escrow: Layout(
        {
            "attempt": AttemptNumber,
            "milestone": MilestoneIndex,
            "deliver_within": Blocks,
            "review_blocks": Blocks,
            "state": Stage,
        },
        absent=frozenset({"ruling"}),
        make=_escrow,
    ),
    EscrowParams: Layout(
        {
            "millis_per_block": Millis,
            "fee_bps": FeeRate,
            "dispute_bps": FeeRate,
            **dict.fromkeys(
                (
                    *("accept_within", "offer_validity", "default_offer_validity"),
                    *("max_deliver_within", "max_deliver_total"),
                    *("min_review", "max_review", "default_review"),
                    *("arbiter_window", "escalated_window", "retention"),
                ),
                Blocks,
            ),
        }
    ),
    EpochCounters: Layout(
        {"epoch": EpochNumber, "gained": MilliPoints, "terminals": Count, "failures": Count}
    ),
    PairCounter: Layout({"epoch": EpochNumber, "successes": Count}),
    Record: Layout(
        {
            "score": MilliPoints,
            "open_jobs": Count,
            "settled": Count,
            "disputes_lost": Count,
            "judged": EpochNumber | None,
        }
    ),
    ReputationParams: Layout(
        {
            "exposure_factor": Count,
            **dict.fromkeys(
                (
                    *("epoch", "report_window", "report_deferral", "unbond_period"),
                    "reinstate_after",
                ),
                Blocks,
            ),
        }
    ),
    OfEpoch: Layout({"epoch": EpochNumber}),
}

UNIONS: Final[Mapping[Any, Mapping[str, type]]] = {
    Subject: {"Conduct": Conduct, "Escrow": OfEscrow, "Slot": OfSlot, "Epoch": OfEpoch},
}
"""The chain's tag of each member of a union; a member has one field or none."""
