"""What is remembered of agents that are not listed: enough to say why, and bounded."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final, Literal

import attrs

from market.identity import AccountId, PeerId
from routing.moment import Millis

__all__ = ["Absence", "Reason", "Trace", "Traces"]

Reason = Literal[
    "found",  # it is among the matches
    "beyond-limit",  # more were found than were asked for
    "filtered",  # a gate of the query shuts it out
    "dissimilar",  # its text is too far from what was asked
    "other-capability",  # it is listed, for something else
    "expired",  # it was not heard of for longer than it said
    "withdrawn",  # it has left
    "crowded-out",  # the directory is full, of agents with more behind them
    "refused",  # what came in its name was forged, malformed or too old
    "unknown",  # nothing was ever heard of it
]
KEPT: Final = 4_096
"""Agents remembered, of each kind."""


@attrs.frozen
class Trace:
    """The last that is known of an agent."""

    reason: Reason
    detail: str
    at: Millis
    peer: PeerId | None = None
    capabilities: tuple[str, ...] = ()


@attrs.frozen
class Absence:
    """Why one agent is not among the matches; or, without an agent, why nobody is."""

    reason: Reason
    detail: str
    account: AccountId | None = None
    peer: PeerId | None = None


class Traces:
    """Who left, and who was refused; the oldest are forgotten first.

    The two are apart, since anybody can send rubbish in somebody else's name, and must not be able to
    overwrite what is known.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._left: OrderedDict[AccountId, Trace] = OrderedDict()
        self._refused: OrderedDict[AccountId, Trace] = OrderedDict()

    def left(self, account: AccountId, trace: Trace) -> None:
        """Remember one that is no longer listed."""
        self._put(self._left, account, trace)

    def refused(self, account: AccountId, trace: Trace) -> None:
        """Remember that something in its name was refused."""
        self._put(self._refused, account, trace)

    def returned(self, account: AccountId) -> None:
        """Forget one that is listed again."""
        self._left.pop(account, None)

    def of(self, account: AccountId) -> list[Trace]:
        """Return what is known of an account."""
        return [book[account] for book in (self._left, self._refused) if account in book]

    def all(self) -> Iterator[tuple[AccountId, Trace]]:
        """Yield all that have left, the last first, then all that were refused."""
        yield from reversed(self._left.items())
        yield from reversed(self._refused.items())

    def _put(self, book: OrderedDict[AccountId, Trace], account: AccountId, trace: Trace) -> None:
        book[account] = trace
        book.move_to_end(account)
        if len(book) > self._kept:
            book.popitem(last=False)
