"""The terms that follow from a call, an award and its transcript: both sides compute them on their own.

Source: ``contracts/README.md``, "An agreement, from terms to both signatures".
"""

from typing import Literal

import attrs

from market.errors import UsageError
from market.hashing import AuctionId, Hash, MessageId
from market.identity import AccountId
from market.messages import AgreementTerms, AwardLine, Cfp
from market.units import PPM, Planck

__all__ = ["Policy", "milestones_of", "terms_of"]


@attrs.frozen(kw_only=True)
class Policy:
    """What a side decides for itself, in blocks."""

    sign_within: int = 10
    """The requester waits so long for the provider's signature."""
    offer_validity: int = 10
    """The provider's offer binds so long."""
    resend: int = 1
    """Between two sendings of a message that was not answered."""
    margin: int = 4
    """Before a deadline in which we no longer wait, so that a call is final before it passes; at most two
    thirds of the period that the deadline ends."""
    opening: Literal["offer", "proposal"] = "offer"
    """``offer``: the escrow is opened with the provider's signature, in one call. ``proposal``: it is opened
    without, and the provider accepts it; also good where the provider has rotated its key since."""

    def margin_of(self, period: int) -> int:
        """Return the margin before a deadline that ends a period of so many blocks."""
        return min(self.margin, period * 2 // 3)


def milestones_of(price: int, shares_ppm: tuple[int, ...]) -> tuple[Planck, ...]:
    """Return the amounts of milestones: each share of the price rounded down, the last takes the rest."""
    amounts = [price * share // PPM for share in shares_ppm[:-1]]
    return tuple(Planck(amount) for amount in (*amounts, price - sum(amounts)))


def terms_of(
    cfp: Cfp, line: AwardLine, *, auction: AuctionId, requester: AccountId, transcript: MessageId
) -> AgreementTerms:
    """Return the terms of one awarded task.

    Args:
        cfp: the call.
        line: of the award.
        auction: the call's id.
        requester: who called.
        transcript: id of the signed transcript that holds the award.

    Raises:
        UsageError: the price is too small for so many milestones.
    """
    task = cfp.tasks[line.task]
    milestones = milestones_of(line.price, task.milestones_ppm)
    if min(milestones) == 0:
        raise UsageError(f"{line.price} planck cannot be split into {len(milestones)} payments")
    return AgreementTerms(
        requester=requester,
        provider=line.provider,
        task_id=task.task_id,
        attempt=task.attempt,
        capability=task.capability,
        capability_version=task.capability_version,
        input=task.input,
        auction=auction,
        transcript=Hash(transcript),
        price=line.price,
        milestones=milestones,
        deliver_within=task.deliver_within,
        review_blocks=task.review_blocks,
        arbiter=cfp.arbiter,
    )
