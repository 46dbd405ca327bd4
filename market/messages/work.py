"""The messages of work itself: what both sides sign, how it goes, what came of it."""

from typing import Annotated

from msgspec import Meta

from market.messages.fields import (
    MAX_MILESTONES,
    Account,
    Attempt,
    Auction,
    Blob,
    Block,
    Blocks,
    CapabilityName,
    Fraction,
    Hash32,
    PositiveAmount,
    Signature64,
    Task32,
    Text,
    Unsigned32,
    WireStruct,
)

__all__ = ["Agreement", "AgreementTerms", "Progress", "ProviderSignature", "Receipt"]

MilestoneIndex = Annotated[int, Meta(ge=0, le=MAX_MILESTONES - 1)]


class AgreementTerms(WireStruct, frozen=True, kw_only=True):
    """What requester and provider agree on; its hash goes into the escrow."""

    requester: Account
    provider: Account
    task_id: Task32
    attempt: Attempt
    capability: CapabilityName
    capability_version: Annotated[int, Meta(ge=0, le=65_535)]
    input: Blob
    auction: Auction
    transcript: Hash32
    """Id of the transcript that says why this provider, and why this price."""
    price: PositiveAmount
    """Net to the provider, planck."""
    milestones: Annotated[tuple[PositiveAmount, ...], Meta(min_length=1, max_length=MAX_MILESTONES)]
    """Amounts in sequence; they sum to the price."""
    deliver_within: Blocks
    review_blocks: Blocks
    arbiter: Account | None

    def __post_init__(self) -> None:
        """Refuse milestones that do not sum to the price, and a party that deals with itself."""
        if sum(self.milestones) != self.price:
            raise ValueError("milestones do not sum to the price")
        if self.requester == self.provider:
            raise ValueError("requester and provider are one account")
        if self.arbiter in (self.requester, self.provider):
            raise ValueError("the arbiter is one of the parties")


class ProviderSignature(WireStruct, frozen=True, kw_only=True):
    """What the provider adds: its signature on the terms, and on the offer that opens the escrow."""

    terms: Signature64
    """Over the hash of the terms."""
    offer: Signature64
    """Over the offer as the chain's escrow encodes it."""
    slot: Hash32
    """Zero, or the capacity slot that the work takes: two offers for one slot are a proof of fraud."""
    valid_until: Block
    """Last block at which the escrow may be opened with the offer."""
    offer_epoch: Unsigned32
    """The provider's current epoch of offers; revoking raises it."""


class Agreement(WireStruct, frozen=True, kw_only=True):
    """The terms with the signatures collected so far: the requester's first, then both."""

    terms: AgreementTerms
    requester: Signature64
    """Over the hash of the terms."""
    provider: ProviderSignature | None


class Progress(WireStruct, frozen=True, kw_only=True):
    """How far the work is; for people and for timeouts, it settles nothing."""

    task_id: Task32
    attempt: Attempt
    milestone: MilestoneIndex
    done: Fraction
    """Of this milestone, parts per million."""
    note: Text


class Receipt(WireStruct, frozen=True, kw_only=True):
    """The provider's signed digest of a result: what it will be held to in a dispute."""

    terms: Hash32
    """Hash of the agreement's terms."""
    task_id: Task32
    attempt: Attempt
    milestone: MilestoneIndex
    result: Blob
    started: Block
    finished: Block

    def __post_init__(self) -> None:
        """Refuse an end before the start."""
        if self.finished < self.started:
            raise ValueError("finished before it was started")
