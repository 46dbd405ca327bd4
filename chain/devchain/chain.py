"""A dev chain: a FRAME runtime's wasm, run inside this process.

::

    with DevChain.open(Path("runtime.wasm")) as chain:
        chain.submit(signed_extrinsic)
        chain.build()
        for event in chain.events():
            print(event.pallet, event.name, event.attributes)

The interface, in the order of a chain's life:

- ``DevChain.open(runtime, path=None, *, preset, genesis_patch, salt, clock, finality_lag, keep_blocks,
  keep_bodies, pool_limits, cache, synchronous)`` and ``close()``; a context manager.
- ``genesis``, ``head``, ``finalized`` (each a :class:`~chain.devchain.block.Block`), ``instance_id``,
  ``importable``, ``path``.
- ``submit(raw, watch=None) -> hash``; ``drop(hash)``; ``pending() -> list[Transaction]``; ``future()``;
  ``has_ready``; ``waiting``; ``validate(raw, at) -> Validity``; ``pool_provides(tag)``. A watcher is called with
  :class:`~chain.devchain.pool.Status`.
- ``build(limit=None, parent=None, at=None) -> Block``; ``advance(blocks, seconds, empty_blocks=False)``;
  ``set_storage(pairs) -> Block``; ``now()``, ``time_offset``.
- ``block(hash or number)``, ``block_hash(number)``; ``state(at)``, ``storage(key, at)``,
  ``keys(prefix, start, count, at)``, ``pairs(...)``, ``child_storage``, ``changes(at)``;
  ``call(api, data, at)``; ``runtime(at)``; ``metadata(at)``; ``events(at)``;
  ``query(pallet, item, *keys, at)``.
- ``finalize(hash=None)``, ``set_head(hash)``, ``reorg(depth)``; ``import_block(header, extrinsics)``.
- ``snapshot()``, ``restore(snapshot)``, ``fork()``.
- ``faults``: ``stall``, ``refuse``.
- ``listen(listener)``: called with the notices of :mod:`chain.devchain.notices` (a block was imported, the
  head changed, a block became final; in that order), when the chain is consistent; it may call the chain.
  Returns a function that ends it.

Where ``at`` or a block is asked for, a hash, a number on the best chain or None (the head) will do. The
chain is synchronous, and belongs to one thread at a time. For the same runtime, preset, salt, clock and calls it
makes the same blocks, byte for byte.

Theory of operation: a block is made (:mod:`~chain.devchain.author`), written in one transaction
(:mod:`~chain.devchain.store`) and hung into the tree of open blocks (:mod:`~chain.devchain.tree`), which
:mod:`~chain.devchain.ledger` does as one; only then are watchers and listeners told. What is raised on the
way leaves the chain as it was.
"""

import os
import struct
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import attrs

from chain.devchain.author import Built, author_block, execute_block
from chain.devchain.block import Block
from chain.devchain.errors import (
    ImportRefusedError,
    RefusedError,
    RuntimeTrapError,
    UsageError,
)
from chain.devchain.genesis import build_genesis
from chain.devchain.hashing import blake2_256, storage_prefix, twox
from chain.devchain.ledger import Ledger, Move
from chain.devchain.metadata import EVENTS_KEY
from chain.devchain.notices import BlockFinalized, BlockImported, HeadChanged, Listener, Outbox
from chain.devchain.overlay import Overlay
from chain.devchain.pool import Pool, PoolLimits, Status, Transaction, Watch
from chain.devchain.runtimes import Runtimes, default_cache
from chain.devchain.scale import decode_vec
from chain.devchain.state import State
from chain.devchain.store import Store, Synchronous
from chain.devchain.tree import Entry, Tree
from chain.devchain.validity import Validity, decode_validity
from chain.devchain.view import At, ChainView

__all__ = ["At", "DevChain", "Faults", "Snapshot"]

NUMBER_KEY = storage_prefix("System", "Number")
BLOCK_HASH_PREFIX = storage_prefix("System", "BlockHash")
NOW_KEY = storage_prefix("Timestamp", "Now")
EXTERNAL = b"\2"
"""``TransactionSource::External``."""


@attrs.define
class Faults:
    """What goes wrong on demand."""

    stall: bool = False
    """No block is made: :meth:`DevChain.build` raises."""
    refuse: bool | int = False
    """Refuse every transaction (True), or so many of those that come next."""


@attrs.frozen(eq=False)
class Snapshot:
    """A chain as it was; good for the chain that made it and its forks."""

    genesis: bytes
    tree: Tree = attrs.field(repr=False)
    time_offset: int
    importable: bool


def _wall_clock() -> int:
    return time.time_ns() // 1_000_000


class DevChain(ChainView):
    """See the module's text."""

    def __init__(
        self,
        ledger: Ledger,
        genesis: Block,
        runtimes: Runtimes,
        *,
        path: Path | None,
        clock: Callable[[], int],
        pool_limits: PoolLimits,
    ) -> None:
        """Use :meth:`open`."""
        super().__init__(ledger, runtimes)
        self.path = path
        self.genesis = genesis
        self.faults = Faults()
        self.time_offset = 0
        """Milliseconds that the chain's time is ahead of the clock."""
        self.importable = True
        """Whether another node can import this chain: nothing was written or skipped by hand."""
        self.instance_id = os.urandom(16).hex()
        """Changes whenever what a client knows of this chain may have been undone."""
        self._clock = clock
        self._outbox = Outbox()
        self._pool = Pool(pool_limits, self._outbox.tell)

    # -- opening and closing ------------------------------------------------------------------

    @classmethod
    def open(
        cls,
        runtime: bytes | Path,
        path: Path | None = None,
        *,
        preset: str | None = "development",
        genesis_patch: Mapping[str, Any] | None = None,
        salt: bytes | None = None,
        clock: Callable[[], int] | None = None,
        finality_lag: int = 0,
        keep_blocks: int = 512,
        keep_bodies: int = 100_000,
        pool_limits: PoolLimits | None = None,
        cache: Path | None = None,
        synchronous: Synchronous = "FULL",
    ) -> "DevChain":
        """Start a chain, or go on with the one in a folder.

        Args:
            runtime: a FRAME runtime's wasm, compressed or not, or the file that holds it.
            path: folder of a chain that stays; None for one in memory.
            preset: the runtime's genesis preset; None for its bare default.
            genesis_patch: JSON merge patch onto the preset.
            salt: makes a chain unlike others of the same runtime and preset; up to 32 bytes. An existing
                chain keeps its own, and None takes that.
            clock: milliseconds since 1970; the wall clock unless given.
            finality_lag: blocks between the head and the finalised block.
            keep_blocks: states kept behind the finalised block.
            keep_bodies: headers and bodies kept by a chain in memory; one on disk keeps all.
            pool_limits: how many transactions may wait.
            cache: absolute folder of compiled runtimes; None for the user's cache folder.
            synchronous: SQLite's setting; anything but FULL may lose the last blocks at a power cut.

        Raises:
            BlobError: the runtime is none.
            UsageError: there is no such preset, or an argument is out of range.
            StoreError: the folder holds another chain, or cannot be used.
        """
        if finality_lag < 0 or keep_blocks < 1 or keep_bodies < 1:
            raise UsageError("finality_lag is at least 0, keep_blocks and keep_bodies at least 1")
        if salt is not None and len(salt) > 32:
            raise UsageError("a salt is at most 32 bytes")
        code = runtime if isinstance(runtime, bytes) else runtime.read_bytes()
        runtimes = Runtimes(default_cache() if cache is None else cache.absolute())
        executor = runtimes.of_code(code)
        store = Store.in_memory() if path is None else Store.open(path, synchronous)
        try:
            meta = store.meta()
            salt = meta.get("salt") if salt is None else salt
            genesis, state, changes = build_genesis(executor, preset, genesis_patch, salt)
            if meta:
                tree = Ledger.load(store, meta, genesis, path)
            else:
                meta = {"time_offset": b"0", "importable": b"1"}
                if salt is not None:
                    meta["salt"] = salt
                entry = Entry(genesis, executor.state_version, None, None, state)
                tree = Ledger.create(store, entry, changes, meta)
        except BaseException:
            store.close()
            raise
        self = cls(
            Ledger(store, tree, finality_lag, keep_blocks, keep_bodies),
            genesis,
            runtimes,
            path=path,
            clock=clock or _wall_clock,
            pool_limits=pool_limits or PoolLimits(),
        )
        self.time_offset = int(meta["time_offset"])
        self.importable = meta["importable"] == b"1"
        return self

    def _meta(self) -> dict[str, bytes]:
        return {
            "time_offset": str(self.time_offset).encode(),
            "importable": b"1" if self.importable else b"0",
        }

    def close(self) -> None:
        """End the chain; one on disk can be opened again."""
        self._ledger.store.close()
        self._runtimes.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _value: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    # -- where the chain is -------------------------------------------------------------------

    # -- transactions -------------------------------------------------------------------------

    def validate(self, raw: bytes, at: At = None) -> Validity:
        """Ask the runtime for a transaction's validity.

        Raises:
            InvalidTransactionError: it refused the transaction, or trapped on it.
        """
        entry = self._entry(at)
        try:
            answer = self.call(
                "TaggedTransactionQueue_validate_transaction",
                EXTERNAL + raw + entry.block.hash,
                entry.block.hash,
            )
        except RuntimeTrapError as error:
            # A node answers so, too: the bytes are not an extrinsic, or its check panicked.
            raise RefusedError(
                1002, f"the runtime trapped on it: {error.panic or error}"
            ) from error
        return decode_validity(answer)

    def submit(self, raw: bytes, watch: Watch | None = None) -> bytes:
        """Put a transaction into the pool; return its hash.

        Args:
            raw: an encoded extrinsic, with its length in front.
            watch: called with each :class:`Status`, the first time before this returns.

        Raises:
            RefusedError: it was not taken; its ``code`` is the JSON-RPC error a node answers with.
        """
        if self.faults.refuse:
            if self.faults.refuse is not True:
                self.faults.refuse -= 1
            raise RefusedError(1016, "refused on demand; clear DevChain.faults.refuse")
        if len(raw) > self._pool.limits.ready_bytes:
            raise RefusedError(1016, "The transaction is larger than the whole pool")
        try:
            _, end = decode_vec(raw)
        except ValueError:
            end = -1
        if end != len(raw):
            raise RefusedError(1001, "the bytes are not one extrinsic with its length in front")
        hash_ = blake2_256(raw)
        if hash_ in self._pool:
            raise RefusedError(1013, f"0x{hash_.hex()}")
        validity = self.validate(raw)
        self._pool.add(hash_, raw, validity, self.head.number, watch)
        self._outbox.deliver()
        return hash_

    @property
    def has_ready(self) -> bool:
        """Whether a block built now would hold a transaction."""
        return self._pool.has_ready()

    @property
    def waiting(self) -> int:
        """Transactions in the pool, ready or not; asking costs nothing."""
        return len(self._pool)

    def pending(self) -> list[Transaction]:
        """Return the ready transactions, in the order in which a block would take them."""
        return list(self._pool.in_order())

    def future(self) -> list[Transaction]:
        """Return the transactions that wait for others."""
        return list(self._pool.future.values())

    def pool_provides(self, tag: bytes) -> bool:
        """Whether a ready transaction or a recent block provides a tag."""
        return self._pool.provides(tag)

    def drop(self, hash_: bytes) -> bool:
        """Take a transaction out of the pool; say whether it was there."""
        known = hash_ in self._pool
        self._pool.reject(hash_, "dropped")
        self._outbox.deliver()
        return known

    # -- time ---------------------------------------------------------------------------------

    def now(self) -> int:
        """Return the time that the next block will bear, in milliseconds since 1970.

        A runtime that wants more than a millisecond between blocks puts it off by itself.
        """
        return self._time_after(self.state())

    def _time_after(self, parent: State) -> int:
        stored = parent.get(NOW_KEY)
        last = struct.unpack("<Q", stored)[0] if stored and len(stored) == _U64 else -1
        return max(self._clock() + self.time_offset, last + 1)

    # -- blocks -------------------------------------------------------------------------------

    def build(self, limit: int | None = None, parent: At = None, at: int | None = None) -> Block:
        """Make a block of what is ready.

        Args:
            limit: transactions from the pool at most.
            parent: what it stands on; the head unless given. A block on another one takes nothing from
                the pool, and becomes the head when it is higher.
            at: its time, in milliseconds since 1970; the clock's unless given.

        Raises:
            UsageError: the chain is stalled on demand.
            RuntimeTrapError: the runtime trapped outside of transactions; no block was made.
        """
        return self._build(self._entry(parent), limit=limit, millis=at)

    def _build(
        self,
        parent: Entry,
        *,
        number: int | None = None,
        limit: int | None = None,
        millis: int | None = None,
        writes: Iterable[tuple[bytes, bytes | None]] = (),
    ) -> Block:
        if self.faults.stall:
            raise UsageError("the chain is stalled on demand; clear DevChain.faults.stall")
        state = self._tree.state(parent)
        millis = self._time_after(state) if millis is None else millis
        pool = list(self._pool.in_order()) if parent is self._tree.head else []
        pool = pool if limit is None else pool[:limit]
        height = parent.block.number + 1 if number is None else number
        writes = tuple(writes)

        def attempt(transactions: list[Transaction], millis: int) -> Built:
            overlay = Overlay(state)
            for key, value in writes:
                overlay.set(key, value)
            executor = self._runtimes.of_state(state)
            return author_block(executor, overlay, parent.block.hash, height, millis, transactions)

        def make(millis: int) -> Built:
            try:
                return attempt(pool, millis)
            except RuntimeTrapError:
                return self._without_culprit(attempt, pool, millis)

        built = make(millis)
        while built.block.hash in self._tree.entries:
            # A sibling with the same contents and time would be the same block.
            millis = max(self._time_after(built.state), millis + 1)
            same, built = built, make(millis)
            if built.block == same.block:
                raise UsageError(
                    "a second block on this parent would be the same as the first, since this"
                    " runtime keeps no time: put a transaction into it"
                )
        self._take_in(built, best=built.block.number > self.head.number)
        return built.block

    def _without_culprit(
        self,
        attempt: Callable[[list[Transaction], int], Built],
        pool: list[Transaction],
        millis: int,
    ) -> Built:
        """Make a block although one of the transactions makes the block itself trap, at its end.

        Raises:
            RuntimeTrapError: it traps without any of them.
        """
        built = attempt([], millis)
        good, bad = 0, len(pool)  # the first `good` of them do no harm, the first `bad` do
        while bad - good > 1:
            middle = (good + bad) // 2
            try:
                built = attempt(pool[:middle], millis)
                good = middle
            except RuntimeTrapError:
                bad = middle
        return attrs.evolve(built, refused=(*built.refused, pool[good])) if pool else built

    def import_block(self, header: bytes, extrinsics: Iterable[bytes]) -> Block:
        """Execute a block made elsewhere, and add it if it is what it claims to be.

        Raises:
            ImportRefusedError: it is not, or its parent is unknown here.
        """
        known = self._tree.entries.get(blake2_256(header))
        if known is not None:
            return known.block
        extrinsics = tuple(extrinsics)
        parent = self._tree.entries.get(header[:32])
        if parent is None:
            raise ImportRefusedError(f"the parent 0x{header[:32].hex()} is unknown here")
        state = self._tree.state(parent)
        built = execute_block(self._runtimes.of_state(state), state, header, extrinsics)
        ours = (self._pool.get(blake2_256(extrinsic)) for extrinsic in extrinsics)
        built = attrs.evolve(built, included=tuple(t for t in ours if t is not None))
        self._take_in(built, best=built.block.number > self.head.number, foreign=True)
        return built.block

    def _take_in(self, built: Built, *, best: bool, foreign: bool = False) -> None:
        """Add a block, and tell everybody what that means."""
        entry = Entry(
            built.block,
            built.state_version,
            built.changes,
            built.changes.top.get(EVENTS_KEY),
            built.state,
            built.included,
        )
        parent = self._tree.get(built.block.parent)
        extends = parent is self._tree.head
        move = self._ledger.add(entry, self._meta(), best=best)
        if best and extends and parent.state is not None:
            parent.state.hand_on_reads(built.state, built.changes)
        self._outbox.post(BlockImported(entry.block))
        if best:
            self._tell_head(move)
            self._pool.included(built.included, entry.block.number)
        for transaction in built.refused:
            self._pool.reject(transaction.hash)
        if best and (foreign or not extends):
            self._revalidate(move)
        self._tell_final(move)
        self._outbox.deliver()

    def _tell_head(self, move: Move) -> None:
        self._outbox.post(HeadChanged(self.head, _blocks(move.left), _blocks(move.gained)))
        for entry in move.left:
            for transaction in entry.included:
                self._outbox.tell(transaction.watch, Status("retracted", entry.block.hash))
        for entry in move.gained:
            for transaction in entry.included:
                self._outbox.tell(transaction.watch, Status("inBlock", entry.block.hash))

    def _tell_final(self, move: Move) -> None:
        for entry in move.final:
            self._outbox.post(BlockFinalized(entry.block))
            for transaction in entry.included:
                self._outbox.tell(transaction.watch, Status("finalized", entry.block.hash))
            entry.included = ()

    def _revalidate(self, move: Move) -> None:
        """Ask anew about everything that waits, and take back what the head has left behind."""
        held = {extrinsic for entry in move.gained for extrinsic in entry.block.extrinsics}
        back = [(t, True) for entry in reversed(move.left) for t in entry.included]
        for transaction, announce in [*back, *((t, False) for t in self._pool.drain())]:
            if transaction.raw in held or transaction.hash in self._pool:
                continue
            watch = transaction.watch
            try:
                validity = self.validate(transaction.raw)
                self._pool.add(
                    transaction.hash,
                    transaction.raw,
                    validity,
                    self.head.number,
                    watch,
                    announce=announce,
                )
            except RefusedError:
                self._outbox.tell(watch, Status("invalid"))

    def advance(self, blocks: int = 0, seconds: float = 0, *, empty_blocks: bool = False) -> Block:
        """Let blocks and time pass; return the new head.

        In one step: the block number jumps, and one block is built there. The chain can then no longer be
        imported by another. With ``empty_blocks`` every block is built, so that it can.

        Args:
            blocks: how far the block number goes, at least 1 (0 with ``seconds`` alone builds one block).
            seconds: how far the time goes.

        Raises:
            UsageError: a number is negative.
        """
        if blocks < 0 or seconds < 0:
            raise UsageError("blocks and seconds only go forward")
        if self.head.number + blocks > _LAST_NUMBER:
            raise UsageError(f"a block number is at most {_LAST_NUMBER}")
        blocks = max(blocks, 1)
        millis = round(seconds * 1000)
        start = self.time_offset
        try:
            if empty_blocks:
                for i in range(1, blocks + 1):
                    self.time_offset = start + millis * i // blocks
                    self.build(limit=0)
                return self.head
            self.time_offset = start + millis
            return self._jump(blocks)
        except BaseException:
            self.time_offset = start
            raise

    def _jump(self, blocks: int) -> Block:
        target = self.head.number + blocks
        if self.head.number == 0 and blocks > 1:
            # Block 1 records the genesis hash, over which CheckGenesis and eras sign: never skip it.
            self.build(limit=0)
        if target == self.head.number + 1:
            return self.build()
        # frame-system asserts that a block's number follows the one in storage.
        writes = [(NUMBER_KEY, struct.pack("<I", target - 1))]
        if self.head.number and blocks <= _LONGEST_ERA:
            # The next block would record this one's hash, over which whoever last saw it signs its eras.
            number = struct.pack("<I", self.head.number)
            writes.append((BLOCK_HASH_PREFIX + twox(number, 8) + number, self.head.hash))
        return self._by_hand(writes, target)

    def _by_hand(
        self, writes: Iterable[tuple[bytes, bytes | None]], number: int | None = None
    ) -> Block:
        """Make an empty block over storage that no runtime wrote."""
        importable, self.importable = self.importable, False
        try:
            self._build(self._tree.head, number=number, limit=0, writes=writes)
        except BaseException:
            self.importable = importable
            raise
        self._revalidate(Move())
        self._outbox.deliver()
        return self.head

    def set_storage(self, pairs: Iterable[tuple[bytes, bytes | None]]) -> Block:
        """Write storage by hand, in a block of its own; a value of None removes the key.

        No runtime could make such a block: the chain can then no longer be imported by another.
        """
        return self._by_hand(pairs)

    # -- forks and finality -------------------------------------------------------------------

    def set_head(self, hash_: bytes) -> Block:
        """Make another branch the best chain, whatever its length.

        Raises:
            UsageError: it does not stand on the finalised block.
        """
        target = self._tree.get(hash_)
        if target is not self._tree.head:
            move = self._ledger.set_head(target, self._meta())
            self._tell_head(move)
            self._revalidate(move)
            self._tell_final(move)
            self._outbox.deliver()
        return self.head

    def reorg(self, depth: int) -> Block:
        """Replace the last ``depth`` blocks by one more of other ones; return the new head.

        Their transactions go back to the pool, and into the new blocks as far as they are still valid.

        Raises:
            UsageError: so many blocks are not open, because finality has passed them.
        """
        open_blocks = list(self._tree.path_to(self._tree.head))
        if not 0 < depth < len(open_blocks) or (
            open_blocks[depth].block.number < self.finalized.number
        ):
            raise UsageError(
                f"a reorganisation of {depth} blocks passes the finalised block"
                f" {self.finalized.number}; open the chain with a larger finality_lag"
            )
        self.set_head(open_blocks[depth].block.hash)
        for _ in range(depth + 1):
            self.build()
        return self.head

    def finalize(self, hash_: bytes | None = None) -> Block:
        """Finalise a block of the best chain (the head unless given) and all before it.

        Raises:
            UsageError: it is not on the best chain.
        """
        self._tell_final(self._ledger.finalize(self._entry(hash_), self._meta()))
        self._outbox.deliver()
        return self.finalized

    # -- snapshots and forks ------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Return the chain as it is; the pool is no part of it."""
        return Snapshot(
            genesis=self.genesis.hash,
            tree=self._tree.copy(),
            time_offset=self.time_offset,
            importable=self.importable,
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot. The pool is emptied, and the instance gets another id.

        Raises:
            UsageError: the snapshot is another chain's.
        """
        if snapshot.genesis != self.genesis.hash:
            raise UsageError("the snapshot is another chain's; restore it there")
        gone = self._pool.drain()
        self.time_offset, self.importable = snapshot.time_offset, snapshot.importable
        move = self._ledger.replace(snapshot.tree.copy(), self._meta())
        self.instance_id = os.urandom(16).hex()
        self._outbox.post(HeadChanged(self.head, _blocks(move.left), _blocks(move.gained)))
        for transaction in [*gone, *(t for entry in move.left for t in entry.included)]:
            self._outbox.tell(transaction.watch, Status("dropped"))
        self._outbox.deliver()

    def fork(self) -> "DevChain":
        """Return a chain in memory that starts from this one as it is, with an empty pool.

        The two share everything up to now and nothing from now on.
        """
        ledger = attrs.evolve(
            self._ledger,
            store=self._ledger.store.copy(),
            tree=self._tree.without_transactions(),
        )
        other = DevChain(
            ledger,
            self.genesis,
            self._runtimes.shared(),
            path=None,
            clock=self._clock,
            pool_limits=self._pool.limits,
        )
        other.time_offset, other.importable = self.time_offset, self.importable
        return other

    # -- telling ------------------------------------------------------------------------------

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call a listener for every notice from now on; return a function that ends it."""
        return self._outbox.listen(listener)


_U64 = 8
_LAST_NUMBER = 2**32 - 2
"""frame-system's numbers have 32 bits; the last is left so that one more block can be built."""
_LONGEST_ERA = 65_536
"""Blocks; source: sp_runtime::generic::Era."""


def _blocks(entries: Iterable[Entry]) -> tuple[Block, ...]:
    return tuple(entry.block for entry in entries)
