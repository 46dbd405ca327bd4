"""What can be wrong with an auction, by name; and where two messages of one author contradict each other."""

from typing import Literal

import attrs

from market.envelope import Opened
from market.identity import AccountId
from market.messages import (
    Acceptance,
    Award,
    Body,
    Commitment,
    CommitmentAck,
    CommitmentRoot,
    Reveal,
    RevealAck,
)

__all__ = ["Fault", "FaultKind", "place_of"]

FaultKind = Literal[
    "inserted",
    "dropped",
    "altered",
    "late",
    "wrong-winner",
    "wrong-payment",
    "reserve-changed",
    "weight-changed",
    "equivocation",
    "unjustified-removal",
]
"""What was done. All but equivocation, which a bidder may commit too, are the requester's."""


@attrs.frozen
class Fault:
    """One thing that was done against the rules."""

    kind: FaultKind
    account: AccountId
    """Who did it."""
    about: str
    """What exactly, for people."""


def place_of(message: Opened[Body]) -> tuple[object, ...] | None:
    """Return the place in an auction that only one message can have; None when there is no such."""
    match message.body:
        case Commitment(auction=auction):
            return "commitment", bytes(auction), message.sender
        case CommitmentAck(auction=auction):
            return "commitment-ack", bytes(auction), message.sender, message.audience
        case CommitmentRoot(auction=auction):
            return "commitment-root", bytes(auction), message.sender
        case Reveal(auction=auction):
            return "reveal", bytes(auction), message.sender
        case RevealAck(auction=auction):
            return "reveal-ack", bytes(auction), message.sender, message.audience
        case Award(auction=auction, round=number):
            return "award", bytes(auction), message.sender, number
        case Acceptance(auction=auction, award=award):
            return "acceptance", bytes(auction), message.sender, bytes(award)
        case _:
            return None
