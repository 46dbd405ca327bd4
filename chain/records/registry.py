"""What the registry stores of an agent."""

import attrs

from chain.units import Blocks, Roles
from market.hashing import Hash
from market.identity import AccountId
from market.units import BlockNumber, Planck

__all__ = ["Agent", "PendingRotation", "RegistryParams"]


@attrs.frozen
class PendingRotation:
    """A key that will sign for the agent."""

    key: AccountId
    effective_at: BlockNumber
    """The first block at which it is the operator key."""


@attrs.frozen
class Agent:
    """An agent's record."""

    operator: AccountId
    """The operator key as of the last write; :meth:`operator_at` says whose signature counts."""
    pending: PendingRotation | None
    cold: AccountId | None
    """The account that may rotate at once, cancel and flag."""
    compromised: bool
    did_hash: Hash | None
    card_hash: Hash
    capabilities_hash: Hash
    roles: Roles
    deposit: Planck
    registered_at: BlockNumber

    def operator_at(self, now: BlockNumber) -> AccountId:
        """Return the key that signs at a block: a rotation takes effect by the passing of blocks."""
        if self.pending is not None and now >= self.pending.effective_at:
            return self.pending.key
        return self.operator


@attrs.frozen
class RegistryParams:
    """What genesis set."""

    registration_deposit: Planck
    rotation_delay: Blocks
    """From a rotation by the account to its effect."""
    cold_rotation_delay: Blocks
    """From a rotation by the cold account to its effect; 0 is at once."""
