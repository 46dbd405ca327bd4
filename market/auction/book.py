"""What a requester knows of its auction: the state of its machine, and the transcript made from it."""

from enum import Enum

import attrs

from market.clearing.problem import Clearing
from market.envelope import Opened
from market.hashing import AuctionId, MessageId
from market.identity import AccountId
from market.messages import (
    Acceptance,
    Cfp,
    Commitment,
    CommitmentRecord,
    Reveal,
    RevealRecord,
    RoundRecord,
    Transcript,
    Weight,
)
from market.units import BlockNumber

__all__ = ["Phase", "Requester", "Round", "Shown", "Taken", "transcript_of"]


class Phase(Enum):
    """Where an auction is."""

    ANNOUNCED = "announced"
    COMMITTING = "committing"
    CLOSED = "closed"
    REVEALING = "revealing"
    CLEARED = "cleared"
    AWARDED = "awarded"
    SETTLED = "settled"
    VOID = "void"


@attrs.frozen
class Taken:
    """A commitment that was acknowledged."""

    message: Opened[Commitment]
    ack: bytes = attrs.field(repr=False)


@attrs.frozen
class Shown:
    """A reveal that counts."""

    message: Opened[Reveal]
    ack: bytes = attrs.field(repr=False)
    """Empty when it was found on chain."""


@attrs.frozen
class Round:
    """One award and the answers to it."""

    award: bytes = attrs.field(repr=False)
    id: MessageId
    clearing: Clearing
    answer_by: BlockNumber
    answers: dict[AccountId, Opened[Acceptance]] = attrs.field(factory=dict)
    removed: frozenset[AccountId] = frozenset()
    """Winners that refused or were silent, once the round is over."""

    @property
    def winners(self) -> frozenset[AccountId]:
        """Return who has to answer."""
        return frozenset(line.provider for line in self.clearing.lines)


@attrs.frozen
class Requester:
    """The state of one auction, at its requester."""

    phase: Phase
    auction: AuctionId
    cfp: Cfp
    call: bytes = attrs.field(repr=False)
    """The sealed call for proposals."""
    taken: dict[AccountId, Taken] = attrs.field(factory=dict)
    root: bytes = attrs.field(default=b"", repr=False)
    root_hash: bytes = b""
    shown: dict[AccountId, Shown] = attrs.field(factory=dict)
    weights: tuple[Weight, ...] = ()
    rounds: tuple[Round, ...] = ()
    transcript: bytes = attrs.field(default=b"", repr=False)
    """The last one that was signed; empty while the auction is open."""
    barred: frozenset[AccountId] = frozenset()
    """Accounts that are not admitted: they let an earlier auction down, or cheated in it."""


def transcript_of(state: Requester) -> Transcript:
    """Return everything needed to compute the auction again."""
    return Transcript(
        auction=state.auction,
        cfp=state.call,
        commitments=tuple(
            CommitmentRecord(commitment=taken.message.raw, ack=taken.ack)
            for _, taken in sorted(state.taken.items())
        ),
        root=state.root,
        reveals=tuple(
            RevealRecord(reveal=shown.message.raw, ack=shown.ack)
            for _, shown in sorted(state.shown.items())
        ),
        weights=state.weights,
        rounds=tuple(_record(each) for each in state.rounds),
    )


def _record(each: Round) -> RoundRecord:
    refusals = {
        who: answer.raw
        for who, answer in each.answers.items()
        if who in each.removed and not answer.body.accepted
    }
    return RoundRecord(
        award=each.award,
        refusals=tuple(raw for _, raw in sorted(refusals.items())),
        silent=tuple(sorted(each.removed - refusals.keys())),
    )
