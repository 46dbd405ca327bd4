"""What the chain says in its events, as facts."""

from collections.abc import Iterator
from typing import TypeVar

from chain.events import Event, Other, escrow, reputation
from chain.submission import Receipt
from market.identity import AccountId, ss58_from_account
from node.demo.facts import Fact

__all__ = [
    "event_of",
    "of_end",
    "of_failure",
    "of_hold",
    "of_opening",
    "of_payment",
    "of_score",
    "paid_to",
]

E = TypeVar("E", bound=Event)


def event_of(receipt: Receipt, kind: type[E]) -> E:
    """Return the one event of a kind."""
    [found] = (event for event in receipt.events if isinstance(event, kind))
    return found


def _balances(receipt: Receipt, name: str) -> Iterator[dict[str, int | str]]:
    for event in receipt.events:
        if isinstance(event, Other) and (event.pallet, event.name) == ("Balances", name):
            yield event.attributes


def of_hold(receipt: Receipt) -> Iterator[Fact]:
    """Tell what was put on hold."""
    for held in _balances(receipt, "Held"):
        yield Fact("held", "put on hold", held["amount"], "planck")


def of_opening(receipt: Receipt) -> Iterator[Fact]:
    """Tell a new escrow's number and price, and what it holds."""
    opened = event_of(receipt, escrow.Opened)
    yield Fact("escrow", "escrow", opened.escrow)
    yield Fact("price", "price", opened.price, "planck")
    yield from of_hold(receipt)


def of_payment(receipt: Receipt) -> Iterator[Fact]:
    """Tell what the provider was paid, and the fee."""
    paid = event_of(receipt, escrow.Paid)
    yield Fact("paid", "paid to the provider", paid.amount, "planck")
    yield Fact("fee", "fee, burned", paid.fee, "planck")


def paid_to(receipt: Receipt, account: AccountId, name: str, label: str) -> Iterator[Fact]:
    """Tell what an account received out of holds, if it did."""
    address = ss58_from_account(account)
    amounts = [t["amount"] for t in _balances(receipt, "TransferOnHold") if t["dest"] == address]
    if amounts:
        yield Fact(name, label, sum(map(int, amounts)), "planck")


def of_end(receipt: Receipt) -> Iterator[Fact]:
    """Tell how an escrow ended."""
    end = event_of(receipt, escrow.Ended)
    yield Fact("refunded", "back to the requester", end.refunded, "planck")
    yield Fact("state", "the escrow is now", end.state.state.value, "text")


def of_score(receipt: Receipt) -> Iterator[Fact]:
    """Tell how the score moved, if it did."""
    for event in receipt.events:
        if isinstance(event, reputation.ScoreMoved):
            yield Fact("score_before", "score before", event.before, "points")
            yield Fact("score_after", "score after", event.after, "points")


def of_failure(receipt: Receipt) -> Iterator[Fact]:
    """Tell what a failure took of the bond."""
    slashed = event_of(receipt, reputation.Slashed)
    yield Fact("slashed", "slashed from the bond", slashed.amount, "planck")
    yield Fact("slashed_to_requester", "of that, to the requester", slashed.to_requester, "planck")
