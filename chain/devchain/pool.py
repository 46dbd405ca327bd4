"""Transactions that wait for a block.

A transaction is *ready* when every tag that it requires is provided, by a ready transaction or by a block
just built, else it waits in *future*. (For FRAME's nonces a tag is an account and a nonce.) Two ready
transactions never provide one tag: the newcomer must have a higher priority than all that it replaces
together, which are then *usurped*, and whatever stood on them falls back to future.

The order in a block: priority, then the one that expires first, then the one that came first; what a
transaction requires always comes before it.

Limits hold in count and bytes, apart for ready and future. Over a limit the worst goes (lowest priority,
then the latest), and is *dropped*; if that is the newcomer itself, it is refused.

The pool knows nothing of runtimes: it is told a transaction's validity.

Source: ``sc-transaction-pool``, its ``graph`` module (the rules).
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import attrs

from chain.devchain.errors import RefusedError
from chain.devchain.validity import Validity

__all__ = ["Pool", "PoolLimits", "Status", "StatusKind", "Transaction", "Watch"]

StatusKind = Literal[
    "ready", "future", "inBlock", "retracted", "finalized", "usurped", "dropped", "invalid"
]
TERMINAL: frozenset[StatusKind] = frozenset({"finalized", "usurped", "dropped", "invalid"})


@attrs.frozen
class Status:
    """What became of a transaction."""

    kind: StatusKind
    hash: bytes | None = None
    """The block for ``inBlock``, ``retracted`` and ``finalized``; the usurper for ``usurped``."""

    @property
    def is_final(self) -> bool:
        """Whether nothing follows."""
        return self.kind in TERMINAL


Watch = Callable[[Status], None]


@attrs.frozen
class PoolLimits:
    """How much may wait. The defaults are a node's."""

    ready_count: int = 8192
    ready_bytes: int = 20 * 1024 * 1024
    future_count: int = 512
    future_bytes: int = 1024 * 1024


@attrs.frozen(eq=False)
class Transaction:
    """A transaction in the pool."""

    hash: bytes
    raw: bytes = attrs.field(repr=False)
    validity: Validity
    valid_till: int
    """The last block number for which the runtime called it valid."""
    order: int
    """Counts arrivals."""
    watch: Watch | None = attrs.field(default=None, repr=False)

    @property
    def rank(self) -> tuple[int, int, int]:
        """Smaller is better."""
        return -self.validity.priority, self.valid_till, self.order


class Pool:
    """Ready and future transactions.

    Args:
        limits: how much may wait.
        tell: called with a transaction's watcher and its status; the chain delivers it when its own
            state is consistent.
    """

    def __init__(self, limits: PoolLimits, tell: Callable[[Watch, Status], None]) -> None:
        self.limits = limits
        self._tell_watch = tell
        self.ready: dict[bytes, Transaction] = {}
        self.future: dict[bytes, Transaction] = {}
        self._providers: dict[bytes, bytes] = {}
        """Tag to the hash of the ready transaction that provides it."""
        self._recent: list[frozenset[bytes]] = []
        """Tags that the last two blocks provided: a newcomer may have been signed before them."""
        self._satisfied: set[bytes] = set()
        """Tags that older blocks provided, as far as anything here requires them."""
        self._bytes = {"ready": 0, "future": 0}
        self._arrivals = 0

    def __contains__(self, hash_: bytes) -> bool:
        return hash_ in self.ready or hash_ in self.future

    def __len__(self) -> int:
        return len(self.ready) + len(self.future)

    def get(self, hash_: bytes) -> Transaction | None:
        """Return a waiting transaction."""
        return self.ready.get(hash_) or self.future.get(hash_)

    def provides(self, tag: bytes) -> bool:
        """Whether a ready transaction or a block provides a tag."""
        return tag in self._providers or self.is_on_chain(tag)

    def is_on_chain(self, tag: bytes) -> bool:
        """Whether a block provided a tag, so far as that is remembered; then nobody need wait for it."""
        return tag in self._satisfied or any(tag in tags for tags in self._recent)

    # -- coming in ----------------------------------------------------------------------------

    def add(
        self,
        hash_: bytes,
        raw: bytes,
        validity: Validity,
        height: int,
        watch: Watch | None = None,
        *,
        announce: bool = True,
    ) -> None:
        """Take in a valid transaction.

        Args:
            height: the number of the block for whose end it is valid.
            watch: told what becomes of it.
            announce: whether to tell that it is ready, or waits; a transaction that was merely
                validated anew has been told so before.

        Raises:
            RefusedError: it is here already, its priority is too low to replace what it must replace,
                or there is no room for it. Nothing has changed then.
        """
        if hash_ in self:
            raise RefusedError(1013, f"0x{hash_.hex()}")
        self._arrivals += 1
        valid_till = height + validity.longevity
        transaction = Transaction(hash_, raw, validity, valid_till, self._arrivals, watch)
        if all(self.provides(tag) for tag in validity.requires):
            self._add_ready(transaction, announce=announce)
            self._promote()
        else:
            self._make_room(self.future, "future", transaction)
            self._put("future", transaction, announce=announce)
        if hash_ not in self:
            raise RefusedError(1016, "The transaction was not kept: the pool is full")

    def _put(
        self, place: Literal["ready", "future"], transaction: Transaction, *, announce: bool = True
    ) -> None:
        (self.ready if place == "ready" else self.future)[transaction.hash] = transaction
        self._bytes[place] += len(transaction.raw)
        if place == "ready":
            for tag in transaction.validity.provides:
                self._providers[tag] = transaction.hash
        if announce:
            self._tell(transaction, Status(place))

    def _take(self, hash_: bytes) -> Transaction | None:
        transaction = self.ready.pop(hash_, None)
        if transaction is not None:
            self._bytes["ready"] -= len(transaction.raw)
            for tag in transaction.validity.provides:
                if self._providers.get(tag) == hash_:
                    del self._providers[tag]
            return transaction
        transaction = self.future.pop(hash_, None)
        if transaction is not None:
            self._bytes["future"] -= len(transaction.raw)
        return transaction

    def _add_ready(self, transaction: Transaction, *, announce: bool = True) -> None:
        validity = transaction.validity
        replaced = {h for tag in validity.provides if (h := self._providers.get(tag)) is not None}
        old = [self.ready[h] for h in sorted(replaced)]
        if old and sum(t.validity.priority for t in old) >= validity.priority:
            raise RefusedError(
                1014,
                "The transaction has too low priority to replace another transaction already in the pool.",
            )
        falling = self._standing_on(old)
        if any(
            self._providers.get(tag) in falling and not self.is_on_chain(tag)
            for tag in validity.requires
        ):
            raise RefusedError(
                1015, "The transaction requires what stands on those that it replaces."
            )
        evicted = self._make_room(self.ready, "ready", transaction, leaving=replaced)
        for one in old:
            self._take(one.hash)
            self._tell(one, Status("usurped", transaction.hash))
        self._put("ready", transaction, announce=announce)
        if old or evicted:
            # Only now: what went may have provided for the newcomer itself.
            self._demote()

    def _standing_on(self, transactions: list[Transaction]) -> set[bytes]:
        """Return the hashes of ready transactions and of all that stands on them."""
        standing = {t.hash for t in transactions}
        grown = bool(standing)
        while grown:
            provided = {t for h in standing for t in self.ready[h].validity.provides}
            tags = {t for t in provided if not self.is_on_chain(t)}
            more = {h for h, t in self.ready.items() if not tags.isdisjoint(t.validity.requires)}
            grown = not more <= standing
            standing |= more
        return standing

    def _make_room(
        self,
        place: dict[bytes, Transaction],
        name: Literal["ready", "future"],
        newcomer: Transaction,
        leaving: Iterable[bytes] = (),
    ) -> bool:
        """Drop the worst until there is room; return whether anything went.

        Raises:
            RefusedError: the newcomer itself is the worst; nothing has changed.
        """
        limits = self.limits
        count, size = (
            (limits.ready_count, limits.ready_bytes)
            if name == "ready"
            else (limits.future_count, limits.future_bytes)
        )
        gone = set(leaving)
        held = self._bytes[name] - sum(len(place[h].raw) for h in gone)
        if len(place) - len(gone) < count and held + len(newcomer.raw) <= size:
            return False
        out = []
        staying = [t for h, t in place.items() if h not in gone]
        worst = sorted([*staying, newcomer], key=lambda t: t.rank)
        total, left = held + len(newcomer.raw), len(worst)
        while worst and (left > count or total > size):
            one = worst.pop()
            left, total = left - 1, total - len(one.raw)
            if one is newcomer:
                raise RefusedError(1016, "The transaction was not kept: the pool is full")
            out.append(one)
        for one in out:
            self._take(one.hash)
            self._tell(one, Status("dropped"))
        return bool(out)

    # -- moving between ready and future ------------------------------------------------------

    def _promote(self) -> None:
        """Move what has become ready, until nothing more has."""
        moved = True
        while moved:
            moved = False
            for hash_, transaction in list(self.future.items()):
                if all(self.provides(tag) for tag in transaction.validity.requires):
                    self._take(hash_)
                    try:
                        self._add_ready(transaction)
                        moved = True
                    except RefusedError:
                        self._tell(transaction, Status("dropped"))

    def _demote(self) -> None:
        """Move what is no longer ready, until nothing more is."""
        moved = True
        while moved:
            moved = False
            for hash_, transaction in list(self.ready.items()):
                if not all(self.provides(tag) for tag in transaction.validity.requires):
                    self._take(hash_)
                    try:
                        self._make_room(self.future, "future", transaction)
                        self._put("future", transaction)
                    except RefusedError:
                        self._tell(transaction, Status("dropped"))
                    moved = True

    # -- for a block --------------------------------------------------------------------------

    def has_ready(self) -> bool:
        """Whether a block would have something in it."""
        return bool(self.ready)

    def in_order(self) -> Iterator[Transaction]:
        """Yield ready transactions in the order in which a block takes them."""
        waiting: dict[bytes, list[Transaction]] = {}
        missing: dict[bytes, int] = {}
        heap: list[tuple[tuple[int, int, int], bytes]] = []
        for hash_, transaction in self.ready.items():
            needs = {t for t in transaction.validity.requires if not self.is_on_chain(t)}
            if needs:
                missing[hash_] = len(needs)
                for tag in sorted(needs):
                    waiting.setdefault(tag, []).append(transaction)
            else:
                heap.append((transaction.rank, hash_))
        heapq.heapify(heap)
        while heap:
            _, hash_ = heapq.heappop(heap)
            transaction = self.ready[hash_]
            yield transaction
            for tag in transaction.validity.provides:
                for dependent in waiting.pop(tag, ()):
                    missing[dependent.hash] -= 1
                    if not missing[dependent.hash]:
                        heapq.heappush(heap, (dependent.rank, dependent.hash))

    def included(self, transactions: Iterable[Transaction], height: int) -> None:
        """Take out what a block at ``height`` included, and what expires with it."""
        tags: set[bytes] = set()
        for transaction in transactions:
            tags.update(transaction.validity.provides)
            self._take(transaction.hash)
        everything = self._all()
        self._satisfied |= tags.union(*self._recent)
        self._satisfied &= {tag for t in everything for tag in t.validity.requires}
        self._recent = [*self._recent[-1:], frozenset(tags)]
        for transaction in everything:
            if transaction.valid_till <= height:
                self.reject(transaction.hash)
        self._promote()

    def reject(self, hash_: bytes, kind: Literal["invalid", "dropped"] = "invalid") -> None:
        """Take out a transaction that turned out to be no good."""
        transaction = self._take(hash_)
        if transaction is not None:
            self._tell(transaction, Status(kind))
            self._demote()

    def drain(self) -> list[Transaction]:
        """Take out everything, to be validated anew, and forget which tags are satisfied."""
        everything = sorted(self._all(), key=lambda t: t.order)
        self.ready, self.future, self._providers = {}, {}, {}
        self._recent, self._satisfied = [], set()
        self._bytes = {"ready": 0, "future": 0}
        return everything

    def _all(self) -> list[Transaction]:
        return [*self.ready.values(), *self.future.values()]

    def _tell(self, transaction: Transaction, status: Status) -> None:
        if transaction.watch is not None:
            self._tell_watch(transaction.watch, status)
