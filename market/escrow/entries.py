"""The ways into an escrow: what an offer must be, and how both sides are bound by it.

Here alone a call may be refused for what an account has or is.

Source: ``pallets/escrow/src/entries.rs``, and ``open``, ``open_with_offer`` and ``revoke_offers`` of ``lib.rs``.
"""

from typing import Final

import attrs

from market.errors import RefusedError
from market.escrow.calls import Effect, Hold
from market.escrow.exits import Exit
from market.escrow.record import TERMINAL, Chain, Escrow, State, record_of
from market.identity import AccountId, PublicKey
from market.offer import Offer, is_offer_signed_by
from market.origins import Origin, signed
from market.standing import TakeOn
from market.units import MAX_BLOCK, block_after

__all__ = ["bind", "open_escrow", "open_with_offer", "refuse", "revoke_offers"]

MAX_ATTEMPT: Final = 255
"""Attempts are counted in eight bits."""


def refuse(variant: str, message: str = "") -> RefusedError:
    """Return this pallet's refusal of that name."""
    return RefusedError("escrow", variant, message)


def open_escrow(offer: Offer, by: Origin, at: Chain, last: Escrow | None = None) -> Exit:
    """Fund an escrow and propose it to its provider.

    Args:
        offer: what is proposed.
        by: the caller.
        at: the chain.
        last: the last escrow at the same task, while its record is kept.

    Raises:
        RefusedError: as the chain would.

    Source: ``open``.
    """
    _validate(offer, signed(by), at, last)
    deadline = min(offer.valid_until, block_after(at.now, at.params.accept_within))
    return _fund(record_of(offer, at.params, deadline), at)


def open_with_offer(
    offer: Offer, signature: bytes, by: Origin, at: Chain, last: Escrow | None = None
) -> Exit:
    """Fund an escrow with an offer that its provider has signed: both are bound at once.

    Args:
        offer: what is signed.
        signature: the provider's operator key's, ed25519.
        by: the caller.
        at: the chain.
        last: the last escrow at the same task, while its record is kept.

    Raises:
        RefusedError: as the chain would.

    Source: ``open_with_offer``.
    """
    who = signed(by)
    _validate(offer, who, at, last)
    if who in at.compromised:
        raise refuse("MayNotCommit", "the requester is flagged: clear the flag by its cold account")
    key = PublicKey(at.operator_of(offer.provider))
    if not is_offer_signed_by(offer, signature, key):
        raise refuse("BadSignature", "ask the provider for its signature over this offer")
    opened, funding = _fund(record_of(offer, at.params, offer.valid_until), at)
    bound, binding = bind(opened, at)
    return bound, [*funding, *binding]


def _fund(escrow: Escrow, at: Chain) -> Exit:
    return escrow, [Hold(escrow.requester, escrow.held(at.params))]


def bind(escrow: Escrow, at: Chain) -> Exit:
    """Bind the provider.

    Raises:
        RefusedError: it may not take on work, or not so much.

    Source: ``do_accept``.
    """
    if not at.may_commit(escrow.provider):
        raise refuse("MayNotCommit", "the provider is not registered, or is flagged")
    base = at.take_on(escrow.provider, escrow.price)
    accepted = attrs.evolve(
        escrow,
        state=State.ACCEPTED,
        slash_base=base,
        deadline=block_after(at.now, escrow.deliver_within),
    )
    effects: list[Effect] = [TakeOn(escrow.provider, escrow.price)]
    return accepted, effects


def _validate(offer: Offer, who: AccountId, at: Chain, last: Escrow | None) -> None:
    """Check what both ways of opening ask alike, in the chain's order.

    Source: ``validate``.
    """
    if who != offer.requester:
        raise refuse("NotAllowed", "the offer's requester opens with it")
    if offer.genesis != at.genesis:
        raise refuse("WrongChain", "the offer is for another chain")
    if offer.requester == offer.provider:
        raise refuse("SameParty", "nobody deals with itself")
    smallest = min(offer.milestones, default=0)
    if sum(offer.milestones) != offer.price or smallest < max(at.min_price, 1):
        raise refuse("BadMilestones", f"each at least {at.min_price} planck, in sum the price")
    params = at.params
    total = min(offer.deliver_within * len(offer.milestones), MAX_BLOCK)
    if not (
        1 <= offer.deliver_within <= params.max_deliver_within
        and total <= params.max_deliver_total
        and params.min_review <= offer.review_blocks <= params.max_review
    ):
        raise refuse("BadPeriod", "the periods are outside what the chain allows")
    furthest = block_after(at.now, params.offer_validity)
    if not at.now <= offer.valid_until <= furthest:
        raise refuse("BadValidity", f"it must bind until a block from {at.now} to {furthest}")
    if offer.offer_epoch != at.offer_epochs.get(offer.provider, 0):
        raise refuse("Revoked", "the provider has revoked it: ask for a new one")
    if offer.arbiter is not None and (
        offer.arbiter in (offer.requester, offer.provider) or offer.arbiter not in at.arbiters
    ):
        raise refuse("BadArbiter", "name a third account with the active role of an arbiter")
    _validate_attempt(offer.attempt, last)


def _validate_attempt(attempt: int, last: Escrow | None) -> None:
    if last is None:
        if attempt != 0:
            raise refuse("BadAttempt", "the first attempt at a task is 0")
        return
    if last.state not in TERMINAL or last.paid != 0:
        raise refuse("TaskTaken", "the last attempt has not ended, or was paid")
    if last.attempt == MAX_ATTEMPT or attempt != last.attempt + 1:
        raise refuse("BadAttempt", f"the last attempt was {last.attempt}")


def revoke_offers(epoch: int) -> int:
    """Return a provider's next epoch of offers, in which those signed before bind no more.

    Raises:
        RefusedError: ``Overflow``: no epoch is left.

    Source: ``revoke_offers``.
    """
    if epoch == MAX_BLOCK:  # both are counted in 32 bits
        raise refuse("Overflow")
    return epoch + 1
