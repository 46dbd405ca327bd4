"""All messages of the market, as frozen values; the life of a task, told in types."""

from typing import Literal

from market.messages.auction import (
    MAX_ROUNDS,
    MAX_TICKS,
    Acceptance,
    Ask,
    Award,
    AwardLine,
    BundleAsk,
    Cfp,
    Commitment,
    CommitmentAck,
    CommitmentRecord,
    CommitmentRoot,
    Method,
    Reveal,
    RevealAck,
    RevealRecord,
    RoundRecord,
    TaskAsk,
    TaskCall,
    Transcript,
    Weight,
)
from market.messages.fields import Blob, Feature, WireStruct
from market.messages.presence import Announcement, Capability
from market.messages.work import Agreement, AgreementTerms, Progress, ProviderSignature, Receipt

__all__ = [
    "BODIES",
    "KINDS",
    "MAX_ROUNDS",
    "MAX_TICKS",
    "Acceptance",
    "Agreement",
    "AgreementTerms",
    "Announcement",
    "Ask",
    "Award",
    "AwardLine",
    "Blob",
    "Body",
    "BundleAsk",
    "Capability",
    "Cfp",
    "Commitment",
    "CommitmentAck",
    "CommitmentRecord",
    "CommitmentRoot",
    "Feature",
    "Kind",
    "Method",
    "Progress",
    "ProviderSignature",
    "Receipt",
    "Reveal",
    "RevealAck",
    "RevealRecord",
    "RoundRecord",
    "TaskAsk",
    "TaskCall",
    "Transcript",
    "Weight",
    "WireStruct",
]

Body = (
    Announcement
    | Cfp
    | Commitment
    | CommitmentAck
    | CommitmentRoot
    | Reveal
    | RevealAck
    | Award
    | Acceptance
    | Agreement
    | Progress
    | Receipt
    | Transcript
)

Kind = Literal[
    "announcement",
    "cfp",
    "commitment",
    "commitment-ack",
    "commitment-root",
    "reveal",
    "reveal-ack",
    "award",
    "acceptance",
    "agreement",
    "progress",
    "receipt",
    "transcript",
]

BODIES: dict[Kind, type[Body]] = {
    "announcement": Announcement,
    "cfp": Cfp,
    "commitment": Commitment,
    "commitment-ack": CommitmentAck,
    "commitment-root": CommitmentRoot,
    "reveal": Reveal,
    "reveal-ack": RevealAck,
    "award": Award,
    "acceptance": Acceptance,
    "agreement": Agreement,
    "progress": Progress,
    "receipt": Receipt,
    "transcript": Transcript,
}
"""Kind of a message -> its type. The kind is in the hash that is signed."""

KINDS: dict[type[WireStruct], Kind] = {body: kind for kind, body in BODIES.items()}
"""The same, the other way round."""
