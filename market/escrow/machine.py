"""One escrow, call by call, as the chain would carry them out.

Theory of operation. A requester funds an escrow: price, fee, a dispute deposit D and the record's deposit
are held. The provider binds itself, or has signed an offer before. It delivers a milestone by
putting its result's hash on chain; the requester releases it, disputes it or stays silent, and silence
pays. Every state has an exit for both sides, and an exit never fails.

============  ================================================================  ======================
state         calls                                                             after the deadline
============  ================================================================  ======================
Open          accept, decline (provider); cancel (requester)                    Cancelled
Accepted      deliver, refund, dispute (provider); request_cancel (requester)   Expired: a failure
Delivered     release, dispute (requester); refund (provider)                   paid, as if released
Disputed      rule (arbiter); release (requester); refund (provider)            Escalated
Escalated     rule (the chain's arbiter); release; refund                       Split
============  ================================================================  ======================

The table itself is :data:`~market.escrow.calls.LEGAL`. A call is legal while ``now <= deadline``;
``claim_timeout``, by anyone, only after it.

Source: the calls of ``pallets/escrow/src/lib.rs``.
"""

from collections.abc import Callable
from typing import Final, assert_never

import attrs

from market.escrow import exits
from market.escrow.calls import (
    LEGAL,
    Accept,
    Call,
    Cancel,
    ClaimTimeout,
    Decline,
    Deliver,
    DisputeCall,
    Effect,
    Prune,
    Refund,
    Release,
    RequestCancel,
    Role,
    Rule,
    account_of,
)
from market.escrow.entries import bind, refuse
from market.escrow.params import BPS
from market.escrow.record import Chain, Dispute, Escrow, Party, Reason, State
from market.escrow.turns import kept_until
from market.origins import require_authority, signed
from market.units import block_after

__all__ = ["AFTER_DEADLINE", "step"]

AFTER_DEADLINE: Final[dict[State, Callable[[Escrow, Chain], exits.Exit]]] = {
    State.OPEN: exits.cancel,
    State.ACCEPTED: exits.expire,
    State.DELIVERED: exits.release,
    State.DISPUTED: exits.escalate,
    State.ESCALATED: exits.split,
}
"""What the passing of a deadline means in each state.

Source: ``do_timeout``.
"""


def step(escrow: Escrow | None, call: Call, at: Chain) -> tuple[Escrow | None, list[Effect]]:
    """Carry out a call.

    Args:
        escrow: its record; None before it is opened and once it is pruned.
        call: who calls what.
        at: the chain at this block.

    Returns:
        The record after it, and what it does to money, bonds and scores, in the chain's order.

    Raises:
        RefusedError: the chain would refuse the call; nothing changes.
    """
    if not isinstance(call, Rule):
        signed(call.by)
    elif not 0 <= call.provider_bps <= BPS:
        raise refuse("BadRuling", f"a ruling is at most {BPS} basis points")
    if escrow is None:
        raise refuse("NotFound", "no escrow has this number, or it was pruned")
    role = LEGAL[escrow.state].get(type(call))
    if role is None:
        raise refuse("WrongState", f"{escrow.state.value} does not have this call")
    _require_time(escrow, call, at)
    _require_role(escrow, call, role, at)
    match call:
        case Accept(_, offer_hash):
            if offer_hash != escrow.offer_hash:
                raise refuse("WrongOffer", "the escrow was opened with another offer")
            return bind(escrow, at)
        case Decline() | Cancel():
            return exits.cancel(escrow, at)
        case RequestCancel():
            return attrs.evolve(escrow, cancel_requested=True), []
        case Deliver(_, result):
            review_by = block_after(at.now, escrow.review_blocks)
            return attrs.evolve(
                escrow, state=State.DELIVERED, deadline=review_by, result=result
            ), []
        case Release():
            return exits.release(escrow, at)
        case Refund():
            return exits.refund(escrow, at)
        case DisputeCall():
            return _dispute(escrow, call, at)
        case Rule(_, provider_bps):
            named = account_of(escrow, role)
            return exits.rule(escrow, at, provider_bps, named)
        case ClaimTimeout():
            return AFTER_DEADLINE[escrow.state](escrow, at)
        case Prune():
            return None, exits.prune(escrow)
        case _:
            assert_never(call)


def _require_time(escrow: Escrow, call: Call, at: Chain) -> None:
    match call:
        case ClaimTimeout():
            if at.now <= escrow.deadline:
                raise refuse("TooEarly", f"wait until block {escrow.deadline} has passed")
        case Prune():
            until = kept_until(escrow, at.params)
            if at.now <= until:
                raise refuse("Retained", f"wait until block {until} has passed")
        case _:
            if at.now > escrow.deadline:
                raise refuse("TooLate", "claim_timeout moves the escrow on")


def _require_role(escrow: Escrow, call: Call, role: Role, at: Chain) -> None:
    account = account_of(escrow, role)
    match role:
        case Role.ANYONE:
            return
        case Role.REQUESTER_KEY | Role.PROVIDER_KEY if account is not None:
            is_allowed = call.by == at.operator_of(account)
        case _ if account is None:  # the chain's own arbiter
            require_authority(call.by)
            return
        case _:
            is_allowed = signed(call.by) == account
    if not is_allowed:
        raise refuse("NotAllowed", f"this call is for the {role.value}")


def _dispute(escrow: Escrow, call: DisputeCall, at: Chain) -> exits.Exit:
    """Ask the arbiter: the provider before delivery, for its input only; the requester after it.

    Source: ``dispute``.
    """
    by = Party.PROVIDER if escrow.state is State.ACCEPTED else Party.REQUESTER
    if (call.reason is Reason.INPUT_WITHHELD) != (by is Party.PROVIDER):
        raise refuse("BadReason", f"{call.reason.value} is not a reason of the {by.value}")
    disputed = attrs.evolve(
        escrow,
        state=State.DISPUTED,
        deadline=block_after(at.now, at.params.arbiter_window),
        dispute=Dispute(by, call.reason, call.evidence),
    )
    return disputed, []
