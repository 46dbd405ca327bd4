"""What makes a preset's accounts, agents and bonds into those of a chain of our own."""

from collections.abc import Mapping, Sequence
from typing import Any

from market.identity import AccountId, ss58_from_account
from market.units import Planck

__all__ = ["genesis_patch"]


def genesis_patch(
    free: Mapping[AccountId, Planck],
    bonds: Mapping[AccountId, Planck],
    arbiters: Sequence[AccountId],
) -> dict[str, Any]:
    """Return what changes a preset's accounts, agents and bonds into ours.

    Args:
        free: balances, before bonds are held and the fee of a first bond is burned; all that there are.
        bonds: of the providers; they are registered.
        arbiters: registered, too.
    """
    agents = [[ss58_from_account(who), None, 0] for who in bonds]
    agents += [[ss58_from_account(who), None, 1] for who in arbiters]
    return {
        "balances": {"balances": [[ss58_from_account(w), b] for w, b in free.items()]},
        "registry": {"agents": agents},
        "reputation": {"bonded": [[ss58_from_account(who), b] for who, b in bonds.items()]},
    }
