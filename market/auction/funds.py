"""Whether a requester can pay for what it calls for, before anybody bids."""

from market.auction.facts import Facts
from market.envelope import Opened
from market.errors import FundsError
from market.escrow.params import Params
from market.messages import Cfp
from market.settlement.terms import milestones_of
from market.units import Planck

__all__ = ["compute_funds_needed", "require_funded"]


def compute_funds_needed(cfp: Cfp, params: Params) -> Planck:
    """Return what the escrows of a call hold at most: reserves, fees and deposits, planck.

    A payment never exceeds the value of the work, and that never the reserve.
    """
    return Planck(
        sum(
            sum(
                amount + params.fee(amount) for amount in milestones_of(t.reserve, t.milestones_ppm)
            )
            + params.dispute_deposit(t.reserve)
            + params.record_deposit
            for t in cfp.tasks
        )
    )


def require_funded(call: Opened[Cfp], facts: Facts, params: Params) -> None:
    """Refuse to bid for a requester that could not open the escrows.

    Args:
        call: the call.
        facts: at the call's facts block, the requester's among them.
        params: the chain's.

    Raises:
        FundsError: at the facts block it had less than its call may cost, or no account.
    """
    known = facts.by_account().get(call.sender)
    free = known.free if known is not None else Planck(0)
    needed = compute_funds_needed(call.body, params)
    if facts.block != call.body.facts_block or free < needed:
        raise FundsError(
            f"the requester had {free} planck to spend at block {facts.block}, and its call may cost "
            f"{needed}: do not bid"
        )
