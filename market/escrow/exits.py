"""The ways out of an escrow. None of them can fail.

Amounts are floored at each division in the pallet's order. Where the pallet's subtraction saturates ours is
plain: what leaves never exceeds what is held, which the property tests show.

Source: ``pallets/escrow/src/exits.rs``.
"""

import attrs

from market.escrow.calls import Burn, Effect, Pay
from market.escrow.params import FAILURE_BPS, SUCCESS_BPS, part
from market.escrow.record import Chain, Escrow, Party, State
from market.identity import AccountId
from market.standing import (
    DisputeLost,
    Draw,
    Failure,
    Neutral,
    Outcome,
    Pruned,
    ReduceExposure,
    Success,
    Terminal,
)
from market.units import Planck, block_after

__all__ = ["Exit", "cancel", "escalate", "expire", "prune", "refund", "release", "rule", "split"]

Exit = tuple[Escrow, list[Effect]]
"""The record after it, and what follows."""


def release(escrow: Escrow, at: Chain) -> Exit:
    """Pay the current milestone in full; the next begins, or the escrow ends. A dispute ends it.

    Source: ``do_release``.
    """
    unit, exposure = escrow.unit, escrow.remaining
    paying = _paying(escrow, unit, at)
    paid = attrs.evolve(escrow, paid=Planck(escrow.paid + unit))
    if escrow.is_last_milestone or escrow.dispute is not None:
        left = escrow.held(at.params) - _total(paying)
        return _end(paid, State.RELEASED, at, paying, left, exposure, 0, Success())
    following = attrs.evolve(
        paid,
        milestone=escrow.milestone + 1,
        state=State.ACCEPTED,
        deadline=block_after(at.now, escrow.deliver_within),
        result=None,
    )
    return following, [*paying, ReduceExposure(escrow.provider, unit)]


def refund(escrow: Escrow, at: Chain) -> Exit:
    """Give back what is not paid: half a failure, nobody's when asked for, a whole one in a dispute.

    Source: ``do_refund``.
    """
    outcome: Outcome
    if escrow.state is State.ACCEPTED and escrow.cancel_requested:
        outcome = Neutral()
    else:
        outcome = Failure(half=escrow.state in {State.ACCEPTED, State.DELIVERED})
    unpaid = escrow.remaining
    return _end(escrow, State.REFUNDED, at, [], escrow.held(at.params), unpaid, unpaid, outcome)


def expire(escrow: Escrow, at: Chain) -> Exit:
    """The provider missed its deadline: a failure.

    Source: ``do_timeout``, ``State::Accepted``.
    """
    unpaid = escrow.remaining
    return _end(escrow, State.EXPIRED, at, [], escrow.held(at.params), unpaid, unpaid, Failure())


def rule(escrow: Escrow, at: Chain, provider_bps: int, named: AccountId | None) -> Exit:
    """Carry out a ruling: the provider's part, the deposits, the rest.

    The loser pays D: half of it, rounded down, to the arbiter, the other half to the winner. Where nobody
    lost, each pays a quarter of D, rounded down, to the arbiter.

    Args:
        escrow: which is disputed.
        at: the chain.
        provider_bps: the provider's part of the disputed milestone.
        named: the arbiter, where the parties named one and it has ruled.

    Source: ``do_rule``.
    """
    unit, exposure = escrow.unit, escrow.remaining
    due = part(unit, provider_bps)
    moves = _paying(escrow, due, at)
    requester, provider = escrow.requester, escrow.provider
    arbiter = at.treasury if named is None else named
    deposit = escrow.dispute_deposit
    half, quarter = Planck(deposit // 2), Planck(deposit // 4)
    rest = Planck(deposit - half)
    asked: list[Effect]
    outcome: Outcome
    if provider_bps >= SUCCESS_BPS:
        moves += [Pay(requester, arbiter, half), Pay(requester, provider, rest)]
        asked, outcome = [DisputeLost(requester)], Success()
    elif provider_bps <= FAILURE_BPS:
        asked = [Draw(provider, half, arbiter), Draw(provider, rest, requester)]
        outcome = Failure(named_arbiter=named is not None)
    else:
        moves += [Pay(requester, arbiter, quarter)]
        asked, outcome = [Draw(provider, quarter, arbiter)], Neutral()
    left = escrow.held(at.params) - _total(moves)
    ruled = attrs.evolve(escrow, paid=Planck(escrow.paid + due), ruling=provider_bps)
    return _end(ruled, State.RULED, at, [*moves, *asked], left, exposure, unit - due, outcome)


def escalate(escrow: Escrow, at: Chain) -> Exit:
    """The first arbiter was silent: the chain's own is asked.

    Source: ``do_timeout``, ``State::Disputed``.
    """
    rule_by = block_after(at.now, at.params.escalated_window)
    return attrs.evolve(escrow, state=State.ESCALATED, deadline=rule_by), []


def split(escrow: Escrow, at: Chain) -> Exit:
    """Both arbiters were silent: a delivered milestone is halved, an undelivered one returned, and the
    disputer's deposit burned. No score moves.

    Source: ``do_split``.
    """
    unit, exposure, deposit = escrow.unit, escrow.remaining, escrow.dispute_deposit
    if escrow.dispute is not None and escrow.dispute.by is Party.REQUESTER:
        due = Planck(unit // 2)
        moves: list[Effect] = [*_paying(escrow, due, at), Burn(escrow.requester, deposit)]
    else:
        due = Planck(0)
        moves = [Draw(escrow.provider, deposit, None)]
    left = escrow.held(at.params) - _total(moves)
    paid = attrs.evolve(escrow, paid=Planck(escrow.paid + due))
    return _end(paid, State.SPLIT, at, moves, left, exposure, 0, Neutral())


def cancel(escrow: Escrow, at: Chain) -> Exit:
    """End an escrow that the provider had not bound itself to.

    Source: ``end_unaccepted``.
    """
    return _close(escrow, State.CANCELLED, at, [], escrow.held(at.params))


def prune(escrow: Escrow) -> list[Effect]:
    """Return the deposit of a record that goes.

    Source: ``do_prune``.
    """
    who = escrow.requester
    return [Pay(who, who, escrow.record_deposit), Pruned(escrow.provider, who)]


def _paying(escrow: Escrow, amount: Planck, at: Chain) -> list[Effect]:
    """Pay ``amount`` to the provider, and burn the fee on it; nothing for nothing.

    Source: ``pay``.
    """
    if amount == 0:
        return []
    who = escrow.requester
    return [Pay(who, escrow.provider, amount), Burn(who, at.params.fee(amount))]


def _total(effects: list[Effect]) -> int:
    return sum(each.amount for each in effects if isinstance(each, Pay | Burn))


def _end(
    escrow: Escrow,
    state: State,
    at: Chain,
    effects: list[Effect],
    left: int,
    exposure: int,
    unpaid: int,
    outcome: Outcome,
) -> Exit:
    """End an accepted escrow: bonds and scores are told, then the rest is returned.

    Args:
        escrow: with all that was paid.
        state: the terminal one.
        at: the chain.
        effects: of this exit so far.
        left: what is still held after them, the record's deposit included.
        exposure: what was still counted.
        unpaid: what a failure weighs.
        outcome: for the provider.

    Source: ``end``.
    """
    terminal = Terminal(
        requester=escrow.requester,
        provider=escrow.provider,
        paid=escrow.paid,
        unpaid=Planck(unpaid),
        exposure=Planck(exposure),
        slash_base=escrow.slash_base,
        outcome=outcome,
    )
    return _close(escrow, state, at, [*effects, terminal], left)


def _close(escrow: Escrow, state: State, at: Chain, effects: list[Effect], left: int) -> Exit:
    """Return what is left but the record's deposit.

    Source: ``close``.
    """
    who = escrow.requester
    returned = Pay(who, who, Planck(left - escrow.record_deposit))
    return attrs.evolve(escrow, state=state, deadline=at.now), [*effects, returned]
