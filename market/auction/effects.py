"""What the machines of an auction are told, and what they ask for.

What all machines of the market share is in :mod:`market.steps`.
"""

import attrs

from market.auction.facts import Facts
from market.envelope import Opened
from market.hashing import Hash
from market.identity import AccountId
from market.messages import (
    Acceptance,
    Ask,
    Award,
    Commitment,
    CommitmentAck,
    CommitmentRoot,
    Reveal,
    RevealAck,
    Transcript,
)
from market.steps import (
    SEQUENCES_PER_STEP,
    Accuse,
    HeadMoved,
    Ignored,
    Opening,
    Send,
    Step,
)
from market.units import BlockNumber

__all__ = [
    "SEQUENCES_PER_STEP",
    "AcceptanceReceived",
    "Accuse",
    "Anchor",
    "AwardReceived",
    "BidderEvent",
    "CommitmentAckReceived",
    "CommitmentReceived",
    "Conclude",
    "DecidedToBid",
    "Effect",
    "EscrowFailed",
    "FactsRead",
    "HeadMoved",
    "Ignored",
    "Opening",
    "PostReveal",
    "Publish",
    "ReadFacts",
    "RequesterEvent",
    "RevealAckReceived",
    "RevealPosted",
    "RevealReceived",
    "RootAnchored",
    "RootReceived",
    "Send",
    "Step",
    "TranscriptReceived",
    "Withdrew",
]

# Events.


@attrs.frozen
class CommitmentReceived:
    """A bidder's commitment arrived."""

    message: Opened[Commitment]


@attrs.frozen
class RootAnchored:
    """The root of a large auction is on chain: it may go out, and reveals may come."""


@attrs.frozen
class RevealReceived:
    """A bidder's reveal arrived."""

    message: Opened[Reveal]


@attrs.frozen
class RevealPosted:
    """A bidder's reveal was found on chain."""

    message: Opened[Reveal]
    block: BlockNumber
    """The block that holds it."""


@attrs.frozen
class FactsRead:
    """The chain's facts about everybody who committed, and the reveals posted there."""

    facts: Facts


@attrs.frozen
class AcceptanceReceived:
    """A winner's answer arrived."""

    message: Opened[Acceptance]


@attrs.frozen
class EscrowFailed:
    """An escrow did not open, and the provider is at fault: the same as a refusal."""

    provider: AccountId


RequesterEvent = (
    Opening
    | HeadMoved
    | CommitmentReceived
    | RootAnchored
    | RevealReceived
    | RevealPosted
    | FactsRead
    | AcceptanceReceived
    | EscrowFailed
)


@attrs.frozen
class DecidedToBid:
    """The bidder's own decision: this ask, sealed with this nonce."""

    ask: Ask = attrs.field(repr=False)
    nonce: bytes = attrs.field(repr=False)
    """32 random bytes, never used before."""


@attrs.frozen
class CommitmentAckReceived:
    """The requester acknowledged the commitment."""

    message: Opened[CommitmentAck]


@attrs.frozen
class RootReceived:
    """The requester's root arrived."""

    message: Opened[CommitmentRoot]


@attrs.frozen
class RevealAckReceived:
    """The requester acknowledged the reveal."""

    message: Opened[RevealAck]


@attrs.frozen
class AwardReceived:
    """An award arrived, whoever won."""

    message: Opened[Award]


@attrs.frozen
class TranscriptReceived:
    """The requester's transcript arrived, and the shell has found no fault in it."""

    message: Opened[Transcript]


@attrs.frozen
class Withdrew:
    """The bidder will not perform, whatever it bid: its next award is refused, which is a fault."""

    reason: str


BidderEvent = (
    DecidedToBid
    | CommitmentAckReceived
    | RootReceived
    | RevealAckReceived
    | AwardReceived
    | TranscriptReceived
    | Withdrew
    | HeadMoved
)


# Effects.


@attrs.frozen
class Publish:
    """Send a message to everybody who takes part."""

    message: bytes = attrs.field(repr=False)


@attrs.frozen
class Anchor:
    """Post a hash on chain before going on."""

    hash: Hash


@attrs.frozen
class PostReveal:
    """Post a reveal on chain, for want of an acknowledgement."""

    message: bytes = attrs.field(repr=False)


@attrs.frozen
class ReadFacts:
    """Read the chain's facts about these accounts at the facts block."""

    block: BlockNumber
    accounts: tuple[AccountId, ...]


@attrs.frozen
class Conclude:
    """The auction is over; the transcript says how."""

    transcript: bytes = attrs.field(repr=False)
    is_awarded: bool


Effect = Send | Publish | Anchor | PostReveal | ReadFacts | Ignored | Accuse | Conclude
