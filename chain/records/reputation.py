"""What is stored of bonds, scores and reported offences."""

from typing import Any, Final, Literal, get_args

import attrs

from chain.errors import MismatchError
from chain.units import Blocks, Count, EpochNumber, EscrowId, MilliPoints, Offence
from market.hashing import Hash
from market.identity import AccountId
from market.units import BlockNumber, Planck

__all__ = [
    "Chunk",
    "EpochCounters",
    "PairCounter",
    "Report",
    "ReputationParams",
    "Standing",
    "Subject",
]

PROVEN_JOBS: Final = 10
PROVEN_REQUESTERS: Final = 5
UNPROVEN_CAP: Final = 300
"""What a score counts at most, in points, before as many jobs for as many requesters were settled."""


@attrs.frozen
class Chunk:
    """A part of a bond on its way out; slashable until it is withdrawn."""

    amount: Planck
    at: BlockNumber
    """The first block at which it may be withdrawn."""


@attrs.frozen
class EpochCounters:
    """What happened to a provider in one epoch."""

    epoch: EpochNumber
    gained: MilliPoints
    terminals: Count
    failures: Count


@attrs.frozen
class ReputationParams:
    """What genesis set."""

    ref_price: Planck
    min_bond: Planck
    first_bond_burn: Planck
    report_hold: Planck
    exposure_factor: Count
    epoch: Blocks
    report_window: Blocks
    report_deferral: Blocks
    unbond_period: Blocks
    reinstate_after: Blocks


@attrs.frozen
class Standing:
    """The record of an account: its bond, its score and its work."""

    score: MilliPoints
    active: Planck
    """Bond that counts for the exposure limit."""
    unlocking: tuple[Chunk, ...]
    """Earliest first."""
    set_aside: Planck
    """Bond that pending reports reserve."""
    exposure: Planck
    """What is unpaid in accepted escrows."""
    open_jobs: Count
    settled: Count
    first_requesters: tuple[AccountId, ...]
    bonded_since: BlockNumber | None
    first_bond_burned: bool
    disputes_lost: Count
    """As a requester; providers gate on it."""
    suspended_at: BlockNumber | None
    current: EpochCounters
    previous: EpochCounters
    judged: EpochNumber | None

    @property
    def effective(self) -> int:
        """What the score counts for, in points, 0 to 1,000."""
        points = self.score // 1_000
        if self.settled >= PROVEN_JOBS and len(self.first_requesters) >= PROVEN_REQUESTERS:
            return points
        return min(points, UNPROVEN_CAP)

    def exposure_limit(self, params: ReputationParams) -> Planck:
        """Return how much work may be open."""
        return Planck(params.exposure_factor * self.active * self.effective // 1_000)


@attrs.frozen
class PairCounter:
    """How often a pair settled in an epoch."""

    epoch: EpochNumber
    successes: Count


SubjectKind = Literal["Conduct", "Escrow", "Slot", "Epoch"]


@attrs.frozen
class Subject:
    """What a report is about: of one kind and subject there is one report at a time."""

    kind: SubjectKind
    what: EscrowId | Hash | EpochNumber | None = None
    """The escrow, the slot or the epoch; None for conduct in general."""

    SHAPE = "enum(Conduct|Escrow: u64|Slot: H256|Epoch: u32)"

    @classmethod
    def from_wire(cls, raw: Any) -> "Subject":
        """Read it from what the SCALE library decoded."""
        if raw == "Conduct":
            return cls("Conduct")
        if isinstance(raw, dict) and len(raw) == 1:
            [(kind, what)] = raw.items()
            if kind == "Slot" and isinstance(what, str):
                return cls("Slot", Hash(bytes.fromhex(what.removeprefix("0x"))))
            if kind in get_args(SubjectKind) and type(what) is int:
                return cls(kind, EscrowId(what))
        raise MismatchError(f"{raw!r} is no subject of a report: compare the runtimes")


@attrs.frozen
class Report:
    """A report that was neither applied nor cancelled."""

    agent: AccountId
    offence: Offence
    subject: Subject
    reporter: AccountId | None
    """Whose hold stands for it; none for the slashing origin and for counters."""
    hold: Planck
    set_aside: Planck
    evidence: Hash
    deferred_until: BlockNumber
    """The last block at which it cannot be applied yet."""
