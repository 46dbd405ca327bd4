"""All that the chain keeps of bonds, scores and offences, and what of the chain their rules read.

Source: the storage of ``pallets/reputation/src/lib.rs``; offences from ``types.rs``.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final, NewType

import attrs

from market.errors import RefusedError
from market.hashing import GenesisHash, Hash
from market.identity import AccountId
from market.ledger import HoldReason, Ledger
from market.reputation.params import Params
from market.reputation.record import PairCounter, Record
from market.standing import EscrowId
from market.units import BlockNumber, Planck

__all__ = [
    "Book",
    "Chain",
    "Conduct",
    "Ended",
    "OfEpoch",
    "OfEscrow",
    "OfSlot",
    "Offence",
    "Report",
    "ReportId",
    "Subject",
    "is_once",
    "refuse",
]

ReportId = NewType("ReportId", int)
"""The number of a report, counted from 0."""

_FIRST: Final = ReportId(0)


class Offence(Enum):
    """What an agent may be slashed for besides a failed job; the values are the chain's names."""

    FRAUDULENT_RESULT = "FraudulentResult"
    """A delivery was not the work it claimed to be. Filed by the chain's authority."""
    PROTOCOL_VIOLATION = "ProtocolViolation"
    """Filed by the chain's authority."""
    DOUBLE_TASK_ACCEPTANCE = "DoubleTaskAcceptance"
    """One slot of capacity was offered for two tasks. By anyone, checked on chain."""
    REPEATED_FAILURES = "RepeatedFailures"
    """Computed from the counters of a closed epoch."""

    @property
    def percent(self) -> int:
        """Return the share of active and unlocking bond that it costs."""
        return _PERCENT[self]


_PERCENT: Final = {
    Offence.FRAUDULENT_RESULT: 50,
    Offence.PROTOCOL_VIOLATION: 20,
    Offence.DOUBLE_TASK_ACCEPTANCE: 30,
    Offence.REPEATED_FAILURES: 25,
}


@attrs.frozen
class Conduct:
    """A report about an agent's conduct in general."""


@attrs.frozen
class OfEscrow:
    """A report about an escrow that ended."""

    id: EscrowId


@attrs.frozen
class OfSlot:
    """A report about a slot of capacity."""

    slot: Hash


@attrs.frozen
class OfEpoch:
    """A report about a closed epoch."""

    epoch: int


Subject = Conduct | OfEscrow | OfSlot | OfEpoch


def is_once(subject: Subject) -> bool:
    """Return whether a subject is punished once for ever.

    Conduct is not one event, and an epoch is guarded by the record's ``judged``.
    """
    return isinstance(subject, OfEscrow | OfSlot)


@attrs.frozen(kw_only=True)
class Report:
    """A report that was neither applied nor cancelled."""

    agent: AccountId
    offence: Offence
    subject: Subject
    reporter: AccountId | None
    """Whose hold stands for it; none for the chain's authority and for counters."""
    hold: Planck
    set_aside: Planck
    """What it reserves of the bond."""
    evidence: Hash
    deferred_until: BlockNumber
    """The last block at which it cannot be applied yet."""


@attrs.frozen
class Ended:
    """An accepted escrow that has ended, as reports see it."""

    provider: AccountId
    at: BlockNumber
    """Of its last transition."""


@attrs.frozen(kw_only=True)
class Chain:
    """What the rules read of the chain at one block."""

    now: BlockNumber
    params: Params
    genesis: GenesisHash
    operators: Mapping[AccountId, AccountId] = attrs.field(factory=dict[AccountId, AccountId])
    """The operator keys of agents that do not operate themselves."""
    compromised: frozenset[AccountId] = frozenset()
    """Agents whose cold account has flagged them."""
    offer_epochs: Mapping[AccountId, int] = attrs.field(factory=dict[AccountId, int])
    """Of the providers that ever revoked their offers."""
    ended: Mapping[EscrowId, Ended] = attrs.field(factory=dict[EscrowId, Ended])
    """The escrows that were accepted and have ended, and whose records are kept."""

    def operator_of(self, agent: AccountId) -> AccountId:
        """Return the key that signs and acts for an agent."""
        return self.operators.get(agent, agent)

    @property
    def epoch(self) -> int:
        """Return the present epoch."""
        return self.params.epoch_of(self.now)


@attrs.frozen(kw_only=True)
class Book:
    """Every record, pair and report, and the money behind them."""

    ledger: Ledger
    records: Mapping[AccountId, Record] = attrs.field(factory=dict[AccountId, Record])
    """Of every account that ever bonded, ended an escrow or lost a dispute."""
    pairs: Mapping[tuple[AccountId, AccountId], PairCounter] = attrs.field(
        factory=dict[tuple[AccountId, AccountId], PairCounter]
    )
    """By provider and requester."""
    reports: Mapping[ReportId, Report] = attrs.field(factory=dict[ReportId, Report])
    cases: Mapping[tuple[AccountId, Offence, Subject], ReportId] = attrs.field(
        factory=dict[tuple[AccountId, Offence, Subject], ReportId]
    )
    """The report of each: pending, or applied where the subject is punished once for ever."""
    next_report: ReportId = ReportId(0)  # a NewType's call is the value itself

    def record(self, who: AccountId) -> Record:
        """Return an account's standing; that of a newcomer where there is none."""
        return self.records.get(who, Record())

    def with_record(self, who: AccountId, record: Record) -> "Book":
        """Return the book with a record in it."""
        return attrs.evolve(self, records={**self.records, who: record})

    def pay(self, source: AccountId, to: AccountId, amount: int) -> "Book":
        """Pay out of a bond, whatever it takes."""
        ledger, _, _ = self.ledger.pay_from_hold(HoldReason.BOND, source, to, amount)
        return attrs.evolve(self, ledger=ledger)


def refuse(variant: str, message: str = "") -> RefusedError:
    """Return this pallet's refusal of that name."""
    return RefusedError("reputation", variant, message)
