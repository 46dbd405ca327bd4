"""What the registry reports."""

from typing import ClassVar

import attrs

from chain.events import Event
from chain.units import Roles
from market.identity import AccountId
from market.units import BlockNumber, Planck

__all__ = [
    "EVENTS",
    "CompromisedSet",
    "OperatorRotated",
    "Registered",
    "RotationCancelled",
    "RotationScheduled",
    "Updated",
]


@attrs.frozen
class _Registry(Event):
    pallet: ClassVar[str] = "Registry"


@attrs.frozen
class Registered(_Registry):
    """An account became an agent; its own key is its operator key."""

    agent: AccountId
    cold: AccountId | None
    roles: Roles
    deposit: Planck


@attrs.frozen
class Updated(_Registry):
    """An agent changed its hashes or roles."""

    agent: AccountId
    roles: Roles


@attrs.frozen
class RotationScheduled(_Registry):
    """A key was announced."""

    agent: AccountId
    key: AccountId
    effective_at: BlockNumber
    """The first block at which it is the operator key."""


@attrs.frozen
class OperatorRotated(_Registry):
    """A key is the operator key; where blocks made it so, this follows at the next write."""

    agent: AccountId
    key: AccountId


@attrs.frozen
class RotationCancelled(_Registry):
    """A key that was announced will not become the operator key, now or ever."""

    agent: AccountId
    key: AccountId


@attrs.frozen
class CompromisedSet(_Registry):
    """The cold account set or cleared the flag."""

    agent: AccountId
    compromised: bool


EVENTS: tuple[type[Event], ...] = (
    *(Registered, Updated, RotationScheduled, OperatorRotated, RotationCancelled, CompromisedSet),
)
"""All of the pallet's."""
