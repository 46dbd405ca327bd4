"""Between the chain client's words and the market's: records, calls, and facts for auctions.

Both sides have types of their own, since neither may depend on the other's; only the shell knows both.
"""

from collections.abc import Callable
from typing import Final

from chain import calls as chain_calls
from chain.calls import escrow as calls
from chain.calls import frame
from chain.payloads import MultiSignature
from chain.payloads import Offer as ChainOffer
from chain.records.escrow import EscrowRecord
from chain.records.registry import Agent
from chain.records.reputation import ReputationParams, Standing
from chain.units import (
    AttemptNumber,
    BasisPoints,
    Blocks,
    DisputeReason,
    OfferEpoch,
)
from chain.units import EscrowId as ChainEscrowId
from market.auction.facts import AccountFacts
from market.errors import UsageError
from market.escrow import calls as market_calls
from market.escrow.record import Dispute, Escrow, Party, Reason, State
from market.identity import AccountId, PublicKey
from market.offer import Offer
from market.ports import Remark, Submission
from market.settlement.effects import OnEscrow, OpenEscrow
from market.standing import EscrowId
from market.units import BlockNumber, Planck

__all__ = ["account_facts", "chain_call", "chain_offer", "market_escrow"]

MAX_WIRE: Final = 2**63 - 1


def market_escrow(record: EscrowRecord) -> Escrow:
    """Return a stored escrow as the market's rules have it."""
    dispute = record.dispute
    return Escrow(
        requester=record.requester,
        provider=record.provider,
        task_id=record.task_id,
        attempt=record.attempt,
        price=record.price,
        milestones=record.milestones,
        milestone=record.milestone,
        paid=record.paid,
        input_hash=record.input_hash,
        slot=record.slot,
        terms=record.terms,
        arbiter=record.arbiter,
        deliver_within=record.deliver_within,
        review_blocks=record.review_blocks,
        valid_until=record.valid_until,
        offer_hash=record.offer_hash,
        state=State(record.state.phase.value),
        ruling=record.state.provider_bps,
        deadline=record.deadline,
        result=record.result,
        dispute=None
        if dispute is None
        else Dispute(Party(dispute.by.value), Reason(dispute.reason.value), dispute.evidence),
        cancel_requested=record.cancel_requested,
        slash_base=record.slash_base,
        dispute_deposit=record.dispute_deposit,
        record_deposit=record.record_deposit,
    )


def chain_offer(offer: Offer) -> ChainOffer:
    """Return an offer as the chain's calls take it."""
    return ChainOffer(
        genesis=offer.genesis,
        requester=offer.requester,
        provider=offer.provider,
        task_id=offer.task_id,
        attempt=AttemptNumber(offer.attempt),
        price=offer.price,
        milestones=offer.milestones,
        input_hash=offer.input_hash,
        slot=offer.slot,
        terms=offer.terms,
        arbiter=offer.arbiter,
        deliver_within=Blocks(offer.deliver_within),
        review_blocks=Blocks(offer.review_blocks),
        valid_until=offer.valid_until,
        offer_epoch=OfferEpoch(offer.offer_epoch),
    )


def chain_call(what: Submission) -> chain_calls.Call:
    """Return what a machine wants done as a call of the chain's."""
    match what:
        case Remark(data):
            return frame.Remark(data)
        case OpenEscrow(offer, signature):
            if signature is None:
                return calls.Open(chain_offer(offer))
            return calls.OpenWithOffer(chain_offer(offer), MultiSignature("ed25519", signature))
        case OnEscrow(escrow, call):
            return _on_escrow(escrow, call)


def _on_escrow(number: EscrowId, call: market_calls.Call) -> chain_calls.Call:
    escrow = ChainEscrowId(number)
    match call:
        case market_calls.Accept(_, offer_hash):
            return calls.Accept(escrow, offer_hash)
        case market_calls.Deliver(_, result):
            return calls.Deliver(escrow, result)
        case market_calls.DisputeCall(_, reason, evidence):
            return calls.Dispute(escrow, DisputeReason(reason.value), evidence)
        case market_calls.Rule(_, bps):
            return calls.Rule(escrow, BasisPoints(bps))
    return _PLAIN[type(call)](escrow)


_PLAIN: Final[dict[type[market_calls.Call], Callable[[ChainEscrowId], chain_calls.Call]]] = {
    market_calls.Decline: calls.Decline,
    market_calls.Cancel: calls.Cancel,
    market_calls.RequestCancel: calls.RequestCancel,
    market_calls.Release: calls.Release,
    market_calls.Refund: calls.Refund,
    market_calls.ClaimTimeout: calls.ClaimTimeout,
    market_calls.Prune: calls.Prune,
}
"""Calls that name the escrow alone."""


def account_facts(
    account: AccountId,
    agent: Agent | None,
    standing: Standing,
    params: ReputationParams,
    free: Planck,
    at: BlockNumber,
) -> AccountFacts:
    """Return what an auction asks about an account.

    Args:
        account: whose.
        agent: its record in the registry; None where it is not registered.
        standing: its bond and score.
        params: of bonds and scores.
        free: what it may spend, planck.
        at: the block of all these.

    Raises:
        UsageError: an amount does not fit a message.
    """
    since = standing.bonded_since
    is_eligible = since is not None and since < at and standing.suspended_at is None
    room = max(standing.exposure_limit(params) - standing.exposure, 0)
    if min(room, free) < 0:
        raise UsageError("amounts are never negative")
    return AccountFacts(
        account=account,
        key=PublicKey(account if agent is None else agent.operator_at(at)),
        is_eligible=is_eligible,
        score=standing.effective,
        headroom=Planck(min(room, MAX_WIRE)),
        free=Planck(min(free, MAX_WIRE)),
    )
