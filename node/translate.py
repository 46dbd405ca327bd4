"""From what the market's machines ask for to the chain's calls, and from the chain's records to an auction's facts."""

from collections.abc import Callable
from typing import Final

from chain import calls as chain_calls
from chain.calls import escrow as calls
from chain.calls import frame
from chain.payloads import MultiSignature
from chain.records.registry import Agent
from chain.units import BasisPoints
from market.auction.facts import AccountFacts
from market.errors import UsageError
from market.escrow import calls as market_calls
from market.identity import AccountId, PublicKey
from market.ports import Remark, Submission
from market.reputation.params import Params as ReputationParams
from market.reputation.record import Record as Standing
from market.settlement.effects import OnEscrow, OpenEscrow
from market.standing import EscrowId
from market.units import BlockNumber, Planck

__all__ = ["account_facts", "chain_call"]

MAX_WIRE: Final = 2**63 - 1


def chain_call(what: Submission) -> chain_calls.Call:
    """Return what a machine wants done as a call of the chain's."""
    match what:
        case Remark(data):
            return frame.RemarkWithEvent(data)
        case OpenEscrow(offer, signature):
            if signature is None:
                return calls.Open(offer)
            return calls.OpenWithOffer(offer, MultiSignature("ed25519", signature))
        case OnEscrow(escrow, call):
            return _on_escrow(escrow, call)


def _on_escrow(escrow: EscrowId, call: market_calls.Call) -> chain_calls.Call:
    match call:
        case market_calls.Accept(_, offer_hash):
            return calls.Accept(escrow, offer_hash)
        case market_calls.Deliver(_, result):
            return calls.Deliver(escrow, result)
        case market_calls.DisputeCall(_, reason, evidence):
            return calls.Dispute(escrow, reason, evidence)
        case market_calls.Rule(_, bps):
            return calls.Rule(escrow, BasisPoints(bps))
    return _PLAIN[type(call)](escrow)


_PLAIN: Final[dict[type[market_calls.Call], Callable[[EscrowId], chain_calls.Call]]] = {
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
