"""What is reported of bonds, scores and offences."""

from typing import ClassVar

import attrs

from chain.events import Event
from chain.units import Count, MilliPoints
from market.hashing import Hash
from market.identity import AccountId
from market.reputation.book import Offence, ReportId, Subject
from market.standing import EscrowId
from market.units import BlockNumber, Planck

__all__ = [
    "EVENTS",
    "BecameActive",
    "BecameInactive",
    "Bonded",
    "DisputeLost",
    "Drawn",
    "Reinstated",
    "Reported",
    "ScoreMoved",
    "SlashApplied",
    "SlashCancelled",
    "Slashed",
    "Unbonding",
    "Withdrawn",
]


@attrs.frozen
class _Reputation(Event):
    pallet: ClassVar[str] = "Reputation"


@attrs.frozen
class Bonded(_Reputation):
    """An amount joined the bond."""

    agent: AccountId
    amount: Planck
    active: Planck
    """The active bond now."""
    burned: Planck
    """At the first bond ever."""


@attrs.frozen
class BecameActive(_Reputation):
    """The active bond reached the minimum."""

    agent: AccountId


@attrs.frozen
class BecameInactive(_Reputation):
    """The active bond fell below the minimum: no work until it is bonded again."""

    agent: AccountId


@attrs.frozen
class Unbonding(_Reputation):
    """A part of the bond is on its way out."""

    agent: AccountId
    amount: Planck
    at: BlockNumber
    """The first block at which it may be withdrawn."""


@attrs.frozen
class Withdrawn(_Reputation):
    """A part left the bond."""

    agent: AccountId
    amount: Planck


@attrs.frozen
class Drawn(_Reputation):
    """An escrow took a part of the bond."""

    agent: AccountId
    amount: Planck


@attrs.frozen
class ScoreMoved(_Reputation):
    """An escrow's end moved a score."""

    agent: AccountId
    escrow: EscrowId
    # `from` is a word of Python's: the chain's name is in the metadata of the field.
    before: MilliPoints = attrs.field(metadata={"wire": "from"})
    after: MilliPoints = attrs.field(metadata={"wire": "to"})


@attrs.frozen
class Slashed(_Reputation):
    """A failure took a part of the bond; what did not reach the requester went to the treasury."""

    agent: AccountId
    escrow: EscrowId
    amount: Planck
    to_requester: Planck


@attrs.frozen
class DisputeLost(_Reputation):
    """An arbiter ruled against a requester's dispute."""

    requester: AccountId
    disputes_lost: Count


@attrs.frozen
class Reported(_Reputation):
    """An offence was reported, and a part of the bond set aside for it."""

    report: ReportId
    agent: AccountId
    offence: Offence
    subject: Subject
    reporter: AccountId | None
    evidence: Hash
    set_aside: Planck
    deferred_until: BlockNumber


@attrs.frozen
class SlashCancelled(_Reputation):
    """A report was found wrong: the bond is whole again, and the reporter's hold burned."""

    report: ReportId
    agent: AccountId
    returned: Planck
    burned: Planck


@attrs.frozen
class SlashApplied(_Reputation):
    """A report was carried out: the score is 0, the agent suspended."""

    report: ReportId
    agent: AccountId
    amount: Planck


@attrs.frozen
class Reinstated(_Reputation):
    """A suspension ended; the score stays."""

    agent: AccountId


EVENTS: tuple[type[Event], ...] = (
    *(Bonded, BecameActive, BecameInactive, Unbonding, Withdrawn, Drawn, ScoreMoved, Slashed),
    *(DisputeLost, Reported, SlashCancelled, SlashApplied, Reinstated),
)
"""All of the pallet's."""
