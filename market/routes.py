"""Which case a message from a peer is for, and what it is told."""

from collections.abc import Callable
from typing import Final

from market.auction.effects import (
    AcceptanceReceived,
    AwardReceived,
    CommitmentAckReceived,
    CommitmentReceived,
    RevealAckReceived,
    RevealReceived,
    RootReceived,
)
from market.cases import CaseKey, Event, buy_key, serve_key
from market.envelope import Opened, expect
from market.identity import AccountId
from market.messages import (
    Acceptance,
    Agreement,
    Award,
    Body,
    Commitment,
    CommitmentAck,
    CommitmentRoot,
    Receipt,
    Reveal,
    RevealAck,
)
from market.settlement.effects import AgreementReceived, ReceiptReceived

__all__ = ["route"]

_FOR_REQUESTER: Final[dict[type[Body], Callable[[Opened[Body]], Event]]] = {
    Commitment: lambda m: CommitmentReceived(expect(m, Commitment)),
    Reveal: lambda m: RevealReceived(expect(m, Reveal)),
    Acceptance: lambda m: AcceptanceReceived(expect(m, Acceptance)),
}
_FOR_BIDDER: Final[dict[type[Body], Callable[[Opened[Body]], Event]]] = {
    CommitmentAck: lambda m: CommitmentAckReceived(expect(m, CommitmentAck)),
    CommitmentRoot: lambda m: RootReceived(expect(m, CommitmentRoot)),
    RevealAck: lambda m: RevealAckReceived(expect(m, RevealAck)),
    Award: lambda m: AwardReceived(expect(m, Award)),
}


def route(message: Opened[Body], us: AccountId) -> tuple[CaseKey, Event] | None:
    """Return the case that a message is for, whether there is one or not, and the event.

    Returns:
        None where the message is for no machine: calls, transcripts, progress, announcements.
    """
    body = message.body
    match body:
        case Commitment() | Reveal() | Acceptance():
            return CaseKey("auction", body.auction), _FOR_REQUESTER[type(body)](message)
        case CommitmentAck() | CommitmentRoot() | RevealAck() | Award():
            return CaseKey("bid", body.auction), _FOR_BIDDER[type(body)](message)
        case Agreement(terms=terms):
            key = buy_key(terms) if terms.requester == us else serve_key(terms)
            return key, AgreementReceived(expect(message, Agreement))
        case Receipt(task_id=task, attempt=attempt):
            whose = f"{us.hex()}/{attempt}/{message.sender.hex()}"
            return CaseKey("buy", task, whose), ReceiptReceived(expect(message, Receipt))
        case _:
            return None
