"""Who calls on chain, as the rules see it."""

from market.errors import RefusedError
from market.identity import AccountId

__all__ = ["Origin", "require_authority", "signed"]

Origin = AccountId | None
"""An account that signs, or None for the chain's own authority (root on the dev runtime)."""


def signed(by: Origin) -> AccountId:
    """Return the account that signed a call.

    Raises:
        RefusedError: ``BadOrigin``: no account did.
    """
    if by is None:
        raise RefusedError("dispatch", "BadOrigin", "sign the call with an account")
    return by


def require_authority(by: Origin) -> None:
    """Refuse a call that is the chain's own authority's alone.

    Raises:
        RefusedError: ``BadOrigin``: an account signed it.
    """
    if by is not None:
        raise RefusedError("dispatch", "BadOrigin", "this call is the chain's own authority's")
