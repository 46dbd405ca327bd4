"""Cases that were put away: made again from their rows for who asks, and kept at hand for a while."""

from collections import OrderedDict
from typing import Final

from market.cases import CaseKey, State
from market.drive import replay
from market.hashing import GenesisHash
from market.identity import Identity
from node.journal import Journal

__all__ = ["Archive"]

AT_HAND: Final = 256
"""Tasks and auctions that are not read twice; the longest unused goes first."""


class Archive:
    """Reads cases that nothing can come of any more."""

    def __init__(self, journal: Journal, identity: Identity, genesis: GenesisHash) -> None:
        self._journal, self._identity, self._genesis = journal, identity, genesis
        self._at_hand: OrderedDict[bytes, dict[CaseKey, State]] = OrderedDict()

    def cases_of(self, name: bytes) -> dict[CaseKey, State]:
        """Return the cases of a task, or an auction; none where they were never put away, or too long ago.

        Raises:
            UsageError: their rows cannot be read.
        """
        cases = self._at_hand.get(name)
        if cases is None:
            rows = self._journal.archived(name)
            if not rows:
                return {}
            cases = self._at_hand[name] = {}
            for _ in replay(rows, cases, self._identity, self._genesis):
                pass
        self._at_hand.move_to_end(name)
        while len(self._at_hand) > AT_HAND:
            self._at_hand.popitem(last=False)
        return cases
