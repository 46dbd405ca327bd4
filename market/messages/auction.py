"""The messages of a sealed-bid auction, in the order in which they are sent.

``Cfp`` opens it; ``Commitment`` and ``CommitmentAck`` seal the bids; ``CommitmentRoot`` closes it before
anything is opened; ``Reveal`` and ``RevealAck`` open the bids; ``Award`` and ``Acceptance`` end a
round. ``Transcript`` is all of it, for whoever wants to compute the result again.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta

from market.messages.fields import (
    MAX_BIDDERS,
    MAX_BUNDLES,
    MAX_MILESTONES,
    MAX_SLOTS,
    MAX_TASKS,
    Account,
    Amount,
    Attempt,
    Auction,
    Blob,
    Block,
    Blocks,
    CapabilityName,
    Feature,
    Fraction,
    Hash32,
    Label,
    Message32,
    Nonce,
    PositiveAmount,
    Root,
    Task32,
    TaskIndex,
    WireStruct,
    is_strictly_increasing,
)

__all__ = [
    "MAX_ROUNDS",
    "MAX_TICKS",
    "Acceptance",
    "Ask",
    "Award",
    "AwardLine",
    "BundleAsk",
    "Cfp",
    "Commitment",
    "CommitmentAck",
    "CommitmentRecord",
    "CommitmentRoot",
    "Method",
    "Reveal",
    "RevealAck",
    "RevealRecord",
    "RoundRecord",
    "TaskAsk",
    "TaskCall",
    "Transcript",
    "Weight",
]

MAX_TICKS: Final = 2**50
"""Largest sum of values, ticks: floats hold whole numbers exactly to 2^53, solvers add a few."""
MAX_ROUNDS: Final = 3
"""Awards of one auction before it is void."""

Method = Literal["vcg-single", "vcg-assignment", "vcg-bundles", "first-price", "uniform"]
"""How winners and payments were computed. Only the first three are truthful."""


class TaskCall(WireStruct, frozen=True, kw_only=True):
    """One task that is out for bids."""

    task_id: Task32
    attempt: Attempt
    """Raised when a task is put out again after an escrow that paid nothing."""
    capability: CapabilityName
    capability_version: Annotated[int, Meta(ge=0, le=65_535)]
    reserve: Amount
    """The most the requester pays, to a provider of full weight; a multiple of the tick."""
    input: Blob
    """The input, by hash: only the winner is given it."""
    input_features: Annotated[tuple[Feature, ...], Meta(max_length=8)]
    """What the price may depend on, sorted by name."""
    deliver_within: Blocks
    """Blocks from the opening of the escrow, or from the last payment, to a milestone's delivery."""
    review_blocks: Blocks
    """Blocks the requester has to look at a delivery; silence pays."""
    milestones_ppm: Annotated[tuple[Fraction, ...], Meta(min_length=1, max_length=MAX_MILESTONES)]
    """Shares of the price, in sequence; they sum to 1,000,000."""

    def __post_init__(self) -> None:
        """Refuse milestones that do not sum to the whole, and features out of order."""
        if sum(self.milestones_ppm) != 1_000_000 or 0 in self.milestones_ppm:
            raise ValueError("milestones are positive and sum to 1,000,000 ppm")
        if not is_strictly_increasing([f.name for f in self.input_features]):
            raise ValueError("input features are sorted by name, each name once")


class Cfp(WireStruct, frozen=True, kw_only=True):
    """Call for proposals: everything that decides the auction is fixed here, before any bid.

    The id of this message is the id of the auction.
    """

    method: Literal["vcg-assignment", "vcg-bundles"]
    """Which bids are taken: one price a task, or bundles as well (bonded bidders only)."""
    tasks: Annotated[tuple[TaskCall, ...], Meta(min_length=1, max_length=MAX_TASKS)]
    """In the order of their ids."""
    tick: PositiveAmount
    """All prices are multiples of it, planck."""
    quality_rule: Literal["score-1"]
    """How a provider's weight follows from chain facts."""
    facts_block: Block
    """The finalised block whose facts count; not after the block of this message."""
    close_block: Block
    """Last block at which a commitment is acknowledged."""
    reveal_by: Block
    """Last block at which a reveal is acknowledged or posted on chain."""
    accept_blocks: Blocks
    """Blocks that winners have to answer an award."""
    arbiter: Account | None
    """Who rules on disputes; the chain's own arbiter when null."""
    invited: Annotated[tuple[Account, ...], Meta(max_length=MAX_BIDDERS)]
    """Who may bid, sorted; everybody when empty. With it a phase ends early once all have answered."""

    def __post_init__(self) -> None:
        """Refuse tasks or invitations out of order, windows out of order, and prices between ticks."""
        if not is_strictly_increasing([t.task_id for t in self.tasks]):
            raise ValueError("tasks are sorted by id, each id once")
        if not is_strictly_increasing(self.invited):
            raise ValueError("invited accounts are sorted, each once")
        if not self.facts_block < self.close_block < self.reveal_by:
            raise ValueError("facts_block < close_block < reveal_by does not hold")
        if any(t.reserve % self.tick for t in self.tasks):
            raise ValueError("a reserve is not a multiple of the tick")
        if sum(t.reserve for t in self.tasks) > MAX_TICKS * self.tick:
            raise ValueError("reserves exceed 2^50 ticks in sum: choose a coarser tick")


class Commitment(WireStruct, frozen=True, kw_only=True):
    """A sealed bid: the hash of an ask and a nonce, and nothing else."""

    auction: Auction
    seal: Hash32


class CommitmentAck(WireStruct, frozen=True, kw_only=True):
    """The requester has a commitment, and says at which block."""

    auction: Auction
    commitment: Message32
    """Id of the message that is acknowledged."""
    block: Block
    """The requester's finalised head; late iff it is after the close."""


class CommitmentRoot(WireStruct, frozen=True, kw_only=True):
    """What was committed, published before anything is revealed."""

    auction: Auction
    root: Root
    """Merkle root over the seals."""
    count: Annotated[int, Meta(ge=0, le=MAX_BIDDERS)]
    block: Block
    """The requester's finalised head when it closed."""


class TaskAsk(WireStruct, frozen=True, kw_only=True):
    """The price of one task."""

    task: TaskIndex
    price: Amount


class BundleAsk(WireStruct, frozen=True, kw_only=True):
    """One price for several tasks together, all or none."""

    tasks: Annotated[tuple[TaskIndex, ...], Meta(min_length=1, max_length=MAX_TASKS)]
    price: Amount

    def __post_init__(self) -> None:
        """Refuse tasks out of order."""
        if not is_strictly_increasing(self.tasks):
            raise ValueError("the tasks of a bundle are sorted, each once")


class Ask(WireStruct, frozen=True, kw_only=True):
    """A provider's whole bid, as it is sealed."""

    prices: Annotated[tuple[TaskAsk, ...], Meta(max_length=MAX_TASKS)]
    """At most one a task, sorted; tasks not named are not bid for."""
    slot_surcharge: Annotated[tuple[Amount, ...], Meta(min_length=1, max_length=MAX_SLOTS)]
    """What the first, second, ... task at the same time costs on top; never falling.

    Its length is the capacity that the bid declares.
    """
    bundles: Annotated[tuple[BundleAsk, ...], Meta(max_length=MAX_BUNDLES)]
    """At most one of them is won; sorted by their tasks, each set once. Then ``prices`` is empty."""

    def __post_init__(self) -> None:
        """Refuse lists out of order, falling surcharges, and prices mixed with bundles."""
        if not is_strictly_increasing([p.task for p in self.prices]):
            raise ValueError("prices are sorted by task, each task once")
        if list(self.slot_surcharge) != sorted(self.slot_surcharge):
            raise ValueError("the slot surcharge never falls")
        if not is_strictly_increasing([b.tasks for b in self.bundles]):
            raise ValueError("bundles are sorted by their tasks, each set once")
        if bool(self.prices) == bool(self.bundles):
            raise ValueError("an ask has prices or bundles, not both and not neither")


class Reveal(WireStruct, frozen=True, kw_only=True):
    """A bid, opened. It binds to any award of at least the ask while the auction lives."""

    auction: Auction
    root: Root
    """The root that this bidder saw before it opened its bid."""
    ask: Ask
    nonce: Nonce


class RevealAck(WireStruct, frozen=True, kw_only=True):
    """The requester has a reveal, and says at which block."""

    auction: Auction
    reveal: Message32
    block: Block


class AwardLine(WireStruct, frozen=True, kw_only=True):
    """Who performs one task, and for how much."""

    task: TaskIndex
    provider: Account
    price: Amount
    """Net to the provider."""


class Award(WireStruct, frozen=True, kw_only=True):
    """The winners of one round; tasks not named found nobody."""

    auction: Auction
    round: Annotated[int, Meta(ge=1, le=MAX_ROUNDS)]
    method: Method
    """How it was computed: as called (one task without bundles is ``vcg-single``), or by the fallback."""
    lines: Annotated[tuple[AwardLine, ...], Meta(max_length=MAX_TASKS)]
    """Sorted by task."""
    answer_by: Block
    """Last block at which an answer is counted."""

    def __post_init__(self) -> None:
        """Refuse lines out of order."""
        if not is_strictly_increasing([line.task for line in self.lines]):
            raise ValueError("award lines are sorted by task, each task once")


class Acceptance(WireStruct, frozen=True, kw_only=True):
    """A winner's answer to an award; a refusal is a fault that carries its author's signature."""

    auction: Auction
    award: Message32
    accepted: bool
    reason: Label
    """Why not; empty when accepted."""


class Weight(WireStruct, frozen=True, kw_only=True):
    """How much of a reserve one provider's work is worth, and how much it may take on."""

    provider: Account
    quality: Fraction
    """q, parts per million; 0 = may not win."""
    capacity: Annotated[int, Meta(ge=0, le=MAX_SLOTS)]
    """Tasks counted: the declared ones, within the exposure that the chain allows it."""


class CommitmentRecord(WireStruct, frozen=True, kw_only=True):
    """A commitment and its acknowledgement, as they were sent."""

    commitment: Annotated[bytes, Meta(max_length=1024)]
    ack: Annotated[bytes, Meta(max_length=1024)]


class RevealRecord(WireStruct, frozen=True, kw_only=True):
    """A reveal as it was received, and the block at which it counts."""

    reveal: Annotated[bytes, Meta(max_length=65_536)]
    ack: Annotated[bytes, Meta(max_length=1024)]
    """The acknowledgement; empty when the reveal was posted on chain instead."""


class RoundRecord(WireStruct, frozen=True, kw_only=True):
    """One award, and the refusals that ended its round; silent winners are named, unsigned."""

    award: Annotated[bytes, Meta(max_length=65_536)]
    refusals: Annotated[
        tuple[Annotated[bytes, Meta(max_length=2048)], ...], Meta(max_length=MAX_BIDDERS)
    ]
    silent: Annotated[tuple[Account, ...], Meta(max_length=MAX_BIDDERS)]


class Transcript(WireStruct, frozen=True, kw_only=True):
    """Everything needed to compute an auction again, signed by the requester.

    It ends at the last award. Each embedded message is the envelope as it was sent.
    """

    auction: Auction
    cfp: Annotated[bytes, Meta(max_length=65_536)]
    commitments: Annotated[tuple[CommitmentRecord, ...], Meta(max_length=MAX_BIDDERS)]
    root: Annotated[bytes, Meta(max_length=1024)]
    reveals: Annotated[tuple[RevealRecord, ...], Meta(max_length=MAX_BIDDERS)]
    weights: Annotated[tuple[Weight, ...], Meta(max_length=MAX_BIDDERS)]
    """Of everybody who revealed, sorted by account."""
    rounds: Annotated[tuple[RoundRecord, ...], Meta(max_length=MAX_ROUNDS)]
