"""Becoming an agent, and rotating the key that signs for one."""

from typing import ClassVar

import attrs

from chain.calls import Call
from chain.payloads import MultiSignature
from chain.units import Roles
from market.hashing import Hash
from market.identity import AccountId

__all__ = ["CALLS", "CancelRotation", "Register", "RotateOperator", "SetCompromised", "Update"]


@attrs.frozen
class _Registry(Call):
    pallet: ClassVar[str] = "Registry"


@attrs.frozen
class Register(_Registry):
    """Become an agent; the account's own key is the operator key. A deposit is held."""

    cold: AccountId | None
    """May rotate at once, cancel and flag; it cannot be changed later."""
    did_hash: Hash | None
    card_hash: Hash
    capabilities_hash: Hash
    roles: Roles


@attrs.frozen
class Update(_Registry):
    """Change what the agent says of itself."""

    did_hash: Hash | None
    card_hash: Hash
    capabilities_hash: Hash
    roles: Roles


@attrs.frozen
class RotateOperator(_Registry):
    """Announce a new operator key: by the account with a delay, by the cold account at once."""

    agent: AccountId
    new_key: AccountId
    proof: MultiSignature
    """By the new key, over :func:`chain.payloads.operator_payload`."""


@attrs.frozen
class CancelRotation(_Registry):
    """Withdraw a pending rotation; its key is never accepted again."""

    agent: AccountId


@attrs.frozen
class SetCompromised(_Registry):
    """Set or clear the flag that stops an agent from taking on work. By the cold account."""

    agent: AccountId
    compromised: bool


CALLS: tuple[type[Call], ...] = (Register, Update, RotateOperator, CancelRotation, SetCompromised)
"""All of the pallet's."""
