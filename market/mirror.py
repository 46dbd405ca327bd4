"""Both mirrors joined: what an escrow's effects do to money, bonds and scores.

The order is the chain's, and it matters: a treasury that a payment has just created can take the next one.
"""

from collections.abc import Iterable

import attrs

from market.escrow import money
from market.escrow.calls import Burn, Effect, Hold, Pay
from market.reputation import settlement
from market.reputation.book import Book, Chain

__all__ = ["carry_out"]


def carry_out(book: Book, effects: Iterable[Effect], at: Chain) -> Book:
    """Return all books after the effects of one call on an escrow.

    Args:
        book: bonds and scores, and the ledger that both mirrors share.
        effects: what :func:`market.escrow.machine.step` or an opening gave.
        at: the chain, as bonds and scores read it.

    Raises:
        RefusedError: the requester cannot afford to open; nothing changes.
    """
    for effect in effects:
        if isinstance(effect, Hold | Pay | Burn):
            book = attrs.evolve(book, ledger=money.carry_out(book.ledger, [effect]))
        else:
            book = settlement.carry_out(book, effect, at)
    return book
