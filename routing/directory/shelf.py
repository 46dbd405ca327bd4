"""The entries themselves, in all their indices at once, and who has to go when there are too many."""

import heapq
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from sortedcontainers import SortedList

from market.identity import AccountId, PublicKey
from market.units import BlockNumber
from routing.directory.entry import Entry
from routing.directory.names import Names
from routing.directory.reconcile import Digests
from routing.directory.texts import Texts
from routing.moment import Millis, Moment

__all__ = ["Shelf"]


class Shelf:
    """One entry an account; everything that finds one is changed together."""

    def __init__(self, texts: Texts) -> None:
        self._entries: dict[AccountId, Entry] = {}
        self._peers: dict[PublicKey, OrderedDict[AccountId, None]] = {}
        self._places: Any = SortedList()  # (weight, tie, account), ascending
        self._deadlines: list[tuple[Millis, AccountId, int]] = []
        self._blocks: list[tuple[BlockNumber, AccountId, int]] = []
        self.names = Names()
        self.texts = texts
        self.digests = Digests()
        self.octets = 0
        """Of all announcements, as received."""

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, account: AccountId) -> bool:
        return account in self._entries

    def get(self, account: AccountId) -> Entry | None:
        """Return an account's entry."""
        return self._entries.get(account)

    def __getitem__(self, account: AccountId) -> Entry:
        return self._entries[account]

    def __iter__(self) -> Iterator[Entry]:
        """Yield all entries, heaviest first."""
        return (self._entries[account] for _, _, account in reversed(self._places))

    def accounts_of(self, peer: PublicKey) -> list[AccountId]:
        """Return a transport key's accounts, the least recently renewed first."""
        return list(self._peers.get(peer, ()))

    def lightest(self) -> AccountId:
        """Return who has to go first."""
        account: AccountId = self._places[0][2]
        return account

    def put(self, entry: Entry) -> None:
        """Put an entry in, in the place of its account's last."""
        old = self._entries.get(entry.account)
        if old is not None:
            self._unindex(old)
        self.texts.replace(old, entry)
        self._entries[entry.account] = entry
        self._places.add((entry.weight, entry.tie, entry.account))
        self.names.add(entry)
        self.digests.put(entry.account, entry.sequence)
        self.octets += len(entry.message.raw)
        siblings = self._peers.setdefault(entry.message.body.transport_key, OrderedDict())
        siblings[entry.account] = None
        heapq.heappush(self._deadlines, (entry.deadline, entry.account, entry.sequence))
        heapq.heappush(self._blocks, (entry.message.expires_at, entry.account, entry.sequence))
        self._tidy()

    def remove(self, entry: Entry) -> None:
        """Take an entry out."""
        self._unindex(entry)
        self.texts.replace(entry, None)

    def pop_dead(self, now: Moment) -> Iterator[Entry]:
        """Take out all that may not be listed any more, and yield them."""
        while self._deadlines and self._deadlines[0][0] <= now.millis:
            _, account, sequence = heapq.heappop(self._deadlines)
            yield from self._pop(account, sequence)
        while self._blocks and self._blocks[0][0] < now.block:
            _, account, sequence = heapq.heappop(self._blocks)
            yield from self._pop(account, sequence)

    def _pop(self, account: AccountId, sequence: int) -> Iterator[Entry]:
        entry = self._entries.get(account)
        if entry is not None and entry.sequence == sequence:
            self.remove(entry)
            yield entry

    def _unindex(self, entry: Entry) -> None:
        del self._entries[entry.account]
        self._places.remove((entry.weight, entry.tie, entry.account))
        self.names.remove(entry)
        self.digests.drop(entry.account)
        self.octets -= len(entry.message.raw)
        peer = entry.message.body.transport_key
        del self._peers[peer][entry.account]
        if not self._peers[peer]:
            del self._peers[peer]

    def _tidy(self) -> None:
        """Drop the times of entries that were replaced, when they are most of the heap."""
        if len(self._deadlines) > 4 * len(self._entries) + 1_024:
            entries = self._entries.values()
            self._deadlines = [(e.deadline, e.account, e.sequence) for e in entries]
            self._blocks = [(e.message.expires_at, e.account, e.sequence) for e in entries]
            heapq.heapify(self._deadlines)
            heapq.heapify(self._blocks)
