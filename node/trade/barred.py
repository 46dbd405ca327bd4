"""Bidders that let an auction down: who committed and did not reveal, or won and refused, is not asked for a while.

Nothing is stored: a node that was restarted forgives, since it may have been away itself when a bid was to be opened.
"""

import logging
from typing import Final

from market.auction.defaults import defaults_in
from market.auction.facts import Facts
from market.envelope import Opened
from market.identity import AccountId
from market.messages import Transcript
from market.units import BlockNumber

__all__ = ["Barred"]

_LOG: Final = logging.getLogger("ainur.market")


class Barred:
    """Accounts, and until when."""

    def __init__(self) -> None:
        self._until: dict[AccountId, BlockNumber] = {}

    def note(self, transcript: Opened[Transcript], facts: Facts, until: BlockNumber) -> None:
        """Take note of who let an auction down.

        Args:
            transcript: one in which no fault was found.
            facts: what it was verified with.
            until: the last block for which they are barred.
        """
        for default in defaults_in(transcript, facts):
            if until > self._until.get(default.account, 0):
                self._until[default.account] = until
                _LOG.warning(
                    "%s has %s a bid: barred until block %d",
                    default.account.hex()[:12],
                    default.kind,
                    until,
                )

    def at(self, now: BlockNumber) -> frozenset[AccountId]:
        """Return who is barred at a block."""
        self._until = {who: until for who, until in self._until.items() if until >= now}
        return frozenset(self._until)
