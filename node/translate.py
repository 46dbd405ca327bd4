"""From what the market's machines ask for to the chain's calls."""

from collections.abc import Callable
from typing import Final

from chain import calls as chain_calls
from chain.calls import escrow as calls
from chain.calls import frame
from chain.payloads import MultiSignature
from chain.units import BasisPoints
from market.escrow import calls as market_calls
from market.ports import Remark, Submission
from market.settlement.effects import OnEscrow, OpenEscrow
from market.standing import EscrowId

__all__ = ["chain_call"]


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
