"""What a node runs at the same time: auctions that it holds, bids that it made, tasks that it buys and serves.

A *case* is one run of one machine. It is known by a key, begins with one event of its own, and goes on with the
machine's events; nothing else is needed to make it again.
"""

from collections.abc import Callable
from typing import Any, Final, Literal

import attrs

from market.auction import bidder, requester
from market.auction.effects import BidderEvent
from market.auction.effects import Effect as AuctionEffect
from market.auction.effects import RequesterEvent as AuctionEvent
from market.envelope import Opened
from market.escrow.record import Escrow
from market.hashing import AuctionId, Hash, MessageId
from market.identity import AccountId
from market.messages import Agreement, AgreementTerms, Cfp
from market.settlement import provider as serving
from market.settlement import requester as buying
from market.settlement.effects import Effect as SettlementEffect
from market.settlement.effects import Found, ProviderEvent, RequesterEvent
from market.settlement.terms import Policy
from market.steps import Step

__all__ = [
    "AuctionBegun",
    "Beginning",
    "CallHeard",
    "CaseKey",
    "Effect",
    "Event",
    "PurchaseAdopted",
    "PurchaseBegun",
    "ServiceAdopted",
    "ServiceBegun",
    "State",
    "begin",
    "buy_key",
    "is_drafted",
    "is_over",
    "resume",
    "serve_key",
    "step",
]

Kind = Literal["auction", "bid", "buy", "serve"]
State = requester.Requester | bidder.Bidder | buying.Requester | serving.Provider
Event = AuctionEvent | BidderEvent | RequesterEvent | ProviderEvent
Effect = AuctionEffect | SettlementEffect


@attrs.frozen
class CaseKey:
    """What a case is known by."""

    kind: Kind
    """``auction`` and ``buy`` at a requester, ``bid`` and ``serve`` at a provider."""
    id: bytes
    """The auction's id, or the task's."""
    whose: str = ""
    """Of a task: its requester, attempt and provider; task ids are not unique among requesters."""


def buy_key(task: AgreementTerms | Escrow) -> CaseKey:
    """Return the key of a task at its requester."""
    return CaseKey("buy", task.task_id, _whose(task))


def serve_key(task: AgreementTerms | Escrow) -> CaseKey:
    """Return the key of a task at its provider."""
    return CaseKey("serve", task.task_id, _whose(task))


def _whose(task: AgreementTerms | Escrow) -> str:
    return f"{task.requester.hex()}/{task.attempt}/{task.provider.hex()}"


# How each case begins.


@attrs.frozen
class AuctionBegun:
    """We call for proposals."""

    cfp: Cfp
    audience: Hash
    barred: frozenset[AccountId]


@attrs.frozen
class CallHeard:
    """We mean to bid in somebody's auction."""

    message: Opened[Cfp]


@attrs.frozen
class PurchaseBegun:
    """A task of ours was awarded."""

    terms: AgreementTerms
    transcript: bytes = attrs.field(repr=False)
    award: MessageId
    policy: Policy


@attrs.frozen
class PurchaseAdopted:
    """An escrow of ours was found on chain, and nothing else of it is left."""

    found: Found
    policy: Policy


@attrs.frozen
class ServiceBegun:
    """A task that was awarded to us was proposed."""

    message: Opened[Agreement]
    expected: AgreementTerms
    policy: Policy
    offer_epoch: int
    slot: Hash


@attrs.frozen
class ServiceAdopted:
    """An escrow that binds us was found on chain, and nothing else of it is left."""

    found: Found
    policy: Policy


Beginning = (
    AuctionBegun | CallHeard | PurchaseBegun | PurchaseAdopted | ServiceBegun | ServiceAdopted
)


def begin(beginning: Beginning, at: Step) -> tuple[CaseKey, State]:
    """Return a new case and its key.

    Raises:
        UsageError: it cannot begin so.
        AgreementError: what was proposed is not what was awarded.
    """
    match beginning:
        case AuctionBegun(cfp, audience, barred):
            auction = requester.announce(cfp, at, audience, barred)
            return CaseKey("auction", auction.auction), auction
        case CallHeard(message):
            return CaseKey("bid", AuctionId(message.id)), bidder.hear(message)
        case PurchaseBegun(terms, transcript, award, policy):
            return buy_key(terms), buying.draft(terms, transcript, policy, at, award)
        case PurchaseAdopted(found, policy):
            return buy_key(found.escrow), buying.adopt(found, policy, at)
        case ServiceBegun(message, expected, policy, offer_epoch, slot):
            considered = serving.consider(
                message, expected, policy, at, offer_epoch=offer_epoch, slot=slot
            )
            return serve_key(expected), considered
        case ServiceAdopted(found, policy):
            return serve_key(found.escrow), serving.adopt(found, policy, at)


_STEPS: Final[dict[type[State], Callable[[Any, Any, Step], tuple[State, list[Any]]]]] = {
    requester.Requester: requester.step,
    bidder.Bidder: bidder.step,
    buying.Requester: buying.step,
    serving.Provider: serving.step,
}


def step(state: State, event: Event, at: Step) -> tuple[State, list[Effect]]:
    """Tell a case's machine what happened.

    Raises:
        IllegalEventError: its table does not have the event in this phase.
    """
    return _STEPS[type(state)](state, event, at)


def resume(state: State, at: Step) -> list[Effect]:
    """Return what a case asks for after a restart; whatever of it was done already does no harm."""
    effects: list[Effect] = []
    match state:
        case requester.Requester():
            effects += requester.resume(state)
        case bidder.Bidder():
            effects += bidder.resume(state)
        case buying.Requester():
            effects += buying.due(state, at)
        case serving.Provider():
            effects += serving.due(state, at)
    return effects


def is_drafted(state: State) -> bool:
    """Return whether a case has begun and said nothing yet."""
    match state:
        case requester.Requester(phase=phase):
            return phase is requester.Phase.ANNOUNCED
        case buying.Requester(phase=phase):
            return phase is buying.Phase.DRAFTED
        case _:
            return False


def is_over(state: State) -> bool:
    """Return whether nothing is left to do in a case; messages may still come."""
    match state:
        case requester.Requester(phase=phase):
            return phase in (requester.Phase.SETTLED, requester.Phase.VOID)
        case bidder.Bidder(phase=phase):
            return phase is bidder.Phase.OVER
        case buying.Requester(phase=phase):
            return phase is buying.Phase.OVER
        case serving.Provider(phase=phase):
            return phase is serving.Phase.OVER
