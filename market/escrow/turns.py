"""Who can act on an escrow, by which call, from and until which block."""

import attrs

from market.escrow.calls import LEGAL, Call, ClaimTimeout, Prune, Role, account_of
from market.escrow.params import Params
from market.escrow.record import Escrow
from market.identity import AccountId
from market.units import BlockNumber, block_after

__all__ = ["Turn", "kept_until", "turns"]


@attrs.frozen
class Turn:
    """A call that an escrow's state has."""

    call: type[Call]
    role: Role
    account: AccountId | None
    """Whose role it is; None for anyone and for the chain's own arbiter."""
    since: BlockNumber | None
    """The first block; None where it is open already."""
    until: BlockNumber | None
    """The last block; None where it stays open as long as nobody acts."""


def turns(escrow: Escrow, params: Params) -> tuple[Turn, ...]:
    """Return what may be called on an escrow in its state, in the order of the table."""
    return tuple(_turn(escrow, params, call, role) for call, role in LEGAL[escrow.state].items())


def _turn(escrow: Escrow, params: Params, call: type[Call], role: Role) -> Turn:
    account = account_of(escrow, role)
    if call is ClaimTimeout:
        return Turn(call, role, account, block_after(escrow.deadline, 1), None)
    if call is Prune:
        return Turn(call, role, account, block_after(kept_until(escrow, params), 1), None)
    return Turn(call, role, account, None, escrow.deadline)


def kept_until(escrow: Escrow, params: Params) -> BlockNumber:
    """Return the last block at which the record of an ended escrow stays.

    Source: ``prune`` of ``pallets/escrow/src/lib.rs``.
    """
    return block_after(max(escrow.deadline, escrow.valid_until), params.retention)
