"""What the machines of an auction are told, and what they ask for.

An event is something that happened; an effect is something the shell shall do after it has saved the new
state. Messages in effects are sealed already, with sequence numbers that came in with the event, so the same
event at the same state gives the same bytes: a node that restarts and sends again says nothing new.
"""

from typing import Final

import attrs

from market.auction.facts import Facts
from market.envelope import Opened, seal
from market.hashing import GenesisHash, Hash
from market.identity import AccountId, Identity
from market.messages import (
    Acceptance,
    Ask,
    Award,
    Body,
    Commitment,
    CommitmentAck,
    CommitmentRoot,
    Reveal,
    RevealAck,
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
    "Withdrew",
]

SEQUENCES_PER_STEP: Final = 4
"""Sequence numbers that one step may use, at most."""


@attrs.frozen
class Step:
    """What a step may know besides its state and event: the arguments that purity asks for."""

    now: BlockNumber
    """The finalised head."""
    identity: Identity
    """Whose machine this is."""
    genesis: GenesisHash
    sequence: int
    """First of :data:`SEQUENCES_PER_STEP` numbers that belong to this step alone."""

    def seal(
        self, body: Body, audience: Hash | AccountId, expires_at: BlockNumber, nth: int = 0
    ) -> bytes:
        """Return a message under this step's ``nth`` sequence number."""
        return seal(
            body,
            identity=self.identity,
            genesis=self.genesis,
            audience=audience,
            sequence=self.sequence + nth,
            issued_at=self.now,
            expires_at=BlockNumber(max(expires_at, self.now)),
        )


# Events.


@attrs.frozen
class Opening:
    """The requester starts: the call goes out."""


@attrs.frozen
class HeadMoved:
    """The finalised head is another block; :class:`Step` says which."""


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
class Withdrew:
    """The bidder will not perform, whatever it bid: its next award is refused, which is a fault."""

    reason: str


BidderEvent = (
    DecidedToBid
    | CommitmentAckReceived
    | RootReceived
    | RevealAckReceived
    | AwardReceived
    | Withdrew
    | HeadMoved
)


# Effects.


@attrs.frozen
class Send:
    """Send a message to one account."""

    to: AccountId
    message: bytes = attrs.field(repr=False)


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
class Ignored:
    """A message was late, early or not for this auction; nothing came of it."""

    sender: AccountId
    reason: str


@attrs.frozen
class Accuse:
    """Keep the proof that an account broke the rules: messages that it signed."""

    account: AccountId
    fault: str
    proof: tuple[bytes, ...] = attrs.field(repr=False)


@attrs.frozen
class Conclude:
    """The auction is over; the transcript says how."""

    transcript: bytes = attrs.field(repr=False)
    is_awarded: bool


Effect = Send | Publish | Anchor | PostReveal | ReadFacts | Ignored | Accuse | Conclude
