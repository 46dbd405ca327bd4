"""A dev chain: a FRAME runtime's wasm, run inside this process.

::

    with DevChain.open(Path("runtime.wasm")) as chain:
        chain.submit(signed_extrinsic)
        block = chain.build()
        for event in chain.events(block.hash):
            print(event.pallet, event.name, event.attributes)

The interface, in the order of a chain's life:

- ``DevChain.open(runtime, path=None, *, preset, genesis_patch, salt, clock, finality_lag, keep_blocks,
  keep_bodies, pool_limits, cache, synchronous)`` and ``close()``; a context manager.
- ``genesis``, ``head``, ``finalized`` (each a :class:`Block`), ``instance_id``, ``importable``, ``path``.
- ``submit(raw, watch=None) -> hash``; ``pending() -> list[Transaction]``; ``future()``; ``has_ready``;
  ``validate(raw) -> Validity``; ``pool_provides(tag)``. A watcher is called with :class:`Status`.
- ``build(limit=None, parent=None, at=None) -> Block``; ``advance(blocks, seconds, empty_blocks=False)``;
  ``set_storage(pairs) -> Block``; ``now()``, ``time_offset``.
- ``block(hash or number)``, ``block_hash(number)``; ``state(at)``, ``storage(key, at)``,
  ``keys(prefix, start, count, at)``, ``pairs(...)``, ``child_storage``, ``changes(at)``;
  ``call(api, data, at)``; ``runtime(at)``; ``metadata(at)``; ``events(at)``; ``query(pallet, item, *keys, at)``.
- ``finalize(hash=None)``, ``set_head(hash)``, ``reorg(depth)``; ``import_block(header, extrinsics)``.
- ``snapshot()``, ``restore(snapshot)``, ``fork()``.
- ``faults``: ``stall``, ``refuse``.
- ``listen(listener)``: called with :class:`BlockImported`, :class:`HeadChanged`, :class:`BlockFinalized`,
  in that order for each block, when the chain is consistent; it may call the chain. Returns a function that
  ends it.

Where ``at`` or a block is asked for, a hash, a number on the best chain or None (the head) will do. The
chain is synchronous and belongs to one thread. For the same runtime, preset, salt, clock and calls it
makes the same blocks, byte for byte.

Theory of operation: a block is made (:mod:`author`), written in one transaction (:mod:`store`), hung into
the tree of open blocks (:mod:`tree`), and only then told to watchers and listeners. What is raised on the
way leaves the chain as it was.
"""

import functools
import secrets
import struct
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import attrs

from chain.devchain.author import Built, author_block, execute_block
from chain.devchain.block import Block
from chain.devchain.errors import (
    DevChainError,
    ImportRefusedError,
    RefusedError,
    RuntimeTrapError,
    StoreError,
    UnknownBlockError,
    UsageError,
)
from chain.devchain.executor import Executor
from chain.devchain.genesis import CODE_KEY, build_genesis
from chain.devchain.hashing import blake2_256, storage_prefix
from chain.devchain.metadata import EVENTS_KEY, Event, Metadata
from chain.devchain.overlay import Overlay
from chain.devchain.pool import Pool, PoolLimits, Status, Transaction, Watch
from chain.devchain.scale import decode_vec
from chain.devchain.state import EMPTY, Changes, State
from chain.devchain.store import PRUNE_EVERY, BlockRow, Store, Synchronous
from chain.devchain.tree import Entry, Tree
from chain.devchain.validity import Validity, decode_validity

__all__ = [
    "At",
    "BlockFinalized",
    "BlockImported",
    "DevChain",
    "Faults",
    "HeadChanged",
    "Notice",
    "Snapshot",
]

NUMBER_KEY = storage_prefix("System", "Number")
NOW_KEY = storage_prefix("Timestamp", "Now")
EXTERNAL = b"\2"
"""``TransactionSource::External``."""

At = bytes | int | None
"""A block: its hash, its number on the best chain, or None for the head."""


@attrs.frozen
class BlockImported:
    """A block was added, on the best chain or on a fork."""

    block: Block


@attrs.frozen
class HeadChanged:
    """The best chain ends elsewhere."""

    head: Block
    left: tuple[Block, ...]
    """Blocks that are no longer on the best chain, from the top."""
    gained: tuple[Block, ...]
    """Blocks that now are, from the bottom."""


@attrs.frozen
class BlockFinalized:
    """A block became final."""

    block: Block


Notice = BlockImported | HeadChanged | BlockFinalized
Listener = Callable[[Notice], None]


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


class DevChain:
    """See the module's text."""

    def __init__(
        self,
        store: Store,
        *,
        path: Path | None,
        cache: Path,
        clock: Callable[[], int],
        min_period_ms: int,
        finality_lag: int,
        keep_blocks: int,
        keep_bodies: int,
        pool_limits: PoolLimits,
    ) -> None:
        """Use :meth:`open`."""
        self.path = path
        self.time_offset = 0
        self.faults = Faults()
        self.importable = True
        self.instance_id = secrets.token_hex(16)
        self.genesis: Block
        self._tree: Tree
        self._store = store
        self._cache = cache
        self._executors: dict[bytes, Executor] = {}
        self._metadata: dict[bytes, Metadata] = {}
        self._clock = clock
        self._min_period = min_period_ms
        self._lag, self._keep, self._bodies = finality_lag, keep_blocks, keep_bodies
        self._pool = Pool(pool_limits, self._tell)
        self._outbox: deque[Callable[[], None]] = deque()
        self._delivering = False
        self._listeners: list[Listener] = []

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
        min_period_ms: int = 1,
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
            min_period_ms: the runtime's ``Timestamp::MinimumPeriod``, in milliseconds.
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
        if finality_lag < 0 or keep_blocks < 1 or keep_bodies < 1 or min_period_ms < 0:
            raise UsageError("finality_lag and min_period_ms are at least 0, keep_* at least 1")
        if salt is not None and len(salt) > 32:
            raise UsageError("a salt is at most 32 bytes")
        code = runtime if isinstance(runtime, bytes) else runtime.read_bytes()
        self = cls(
            Store.in_memory() if path is None else Store.open(path, synchronous),
            path=path,
            cache=_default_cache() if cache is None else cache.absolute(),
            clock=clock or _wall_clock,
            min_period_ms=min_period_ms,
            finality_lag=finality_lag,
            keep_blocks=keep_blocks,
            keep_bodies=keep_bodies,
            pool_limits=pool_limits or PoolLimits(),
        )
        try:
            executor = self._executor(code)
            meta = self._store.meta()
            if salt is None:
                salt = meta.get("salt")
            block, state, changes = build_genesis(executor, preset, genesis_patch, salt)
            if meta:
                self._resume(meta, block)
            else:
                self._begin(block, state, changes, executor.state_version, salt)
        except BaseException:
            self._store.close()
            raise
        return self

    def _begin(
        self, block: Block, state: State, changes: Changes, version: int, salt: bytes | None
    ) -> None:
        entry = Entry(block, version, None, None, state)
        self.genesis = block
        self._tree = Tree(entry)
        store = self._store
        with store.transaction():
            store.add(BlockRow(block, version, changes, None))
            store.move_base([BlockRow(block, version, changes, None)] if store.keeps_state else [])
            store.set_canonical([block])
            store.set_meta(genesis=block.hash, **({} if salt is None else {"salt": salt}))
            self._write_meta(entry, entry)

    def _resume(self, meta: Mapping[str, bytes], genesis: Block) -> None:
        if meta["genesis"] != genesis.hash:
            raise StoreError(
                f"{self.path} holds the chain with genesis 0x{meta['genesis'].hex()}, and this runtime,"
                f" preset and salt make 0x{genesis.hash.hex()}: name another folder, or reset it"
            )
        store = self._store
        row = store.block(meta["base"])
        if row is None:
            raise StoreError(f"{self.path} is damaged: its base block is missing")
        layers: dict[int, tuple[dict[bytes, bytes | None], dict[bytes, dict[bytes, bytes | None]]]]
        layers = {0: ({}, {}), 1: ({}, {})}
        for child, key, value, version in store.base_state():
            top, children = layers[version]
            (top if child is None else children.setdefault(child, {}))[key] = value
        state = EMPTY
        for version, (top, children) in layers.items():
            state = state.apply(Changes(top, children), version)
        if state.root != row.block.state_root:
            raise StoreError(
                f"{self.path} is damaged: its state has the root 0x{state.root.hex()}, and block"
                f" {row.block.number} says 0x{row.block.state_root.hex()}"
            )
        base = Entry(row.block, row.state_version, None, row.events, state)
        self.genesis = genesis
        self._tree = tree = Tree(base)
        for row in store.with_changes():
            tree.add(Entry(row.block, row.state_version, row.changes, row.events))
        tree.move_head(*tree.route(tree.get(meta["head"])))
        tree.finalized = tree.get(meta["finalized"])
        self.time_offset = int(meta["time_offset"])
        self.importable = meta["importable"] == b"1"

    def _write_meta(self, head: Entry, finalized: Entry) -> None:
        self._store.set_meta(
            head=head.block.hash,
            finalized=finalized.block.hash,
            time_offset=str(self.time_offset).encode(),
            importable=b"1" if self.importable else b"0",
        )

    def close(self) -> None:
        """End the chain; one on disk can be opened again."""
        self._store.close()
        self._executors.clear()

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

    @property
    def head(self) -> Block:
        """The end of the best chain."""
        return self._tree.head.block

    @property
    def finalized(self) -> Block:
        """The newest block that the head never leaves."""
        return self._tree.finalized.block

    def _entry(self, at: At) -> Entry:
        if at is None:
            return self._tree.head
        if isinstance(at, bytes):
            return self._tree.get(at)
        entry = self._tree.canonical.get(at)
        if entry is None:
            raise UnknownBlockError(at, "not on the best chain, or its state is no longer kept")
        return entry

    def state(self, at: At = None) -> State:
        """Return the storage at the end of a block.

        Raises:
            UnknownBlockError: there is no such block, or its state was pruned (see ``keep_blocks``).
        """
        return self._tree.state(self._entry(at))

    def block(self, at: At = None) -> Block:
        """Return a block, also one whose state was pruned.

        Raises:
            UnknownBlockError: there is no such block.
        """
        if at is None:
            return self.head
        hash_ = self.block_hash(at) if isinstance(at, int) else at
        if hash_ is not None:
            entry = self._tree.entries.get(hash_)
            if entry is not None:
                return entry.block
            row = self._store.block(hash_)
            if row is not None:
                return row.block
        raise UnknownBlockError(at, "unknown here")

    def block_hash(self, number: int) -> bytes | None:
        """Return the hash of the best chain's block of that number, or None."""
        entry = self._tree.canonical.get(number)
        if entry is not None:
            return entry.block.hash
        if 0 <= number < self._tree.base.block.number:
            return self._store.hash_at(number)
        return None

    def changes(self, at: At = None) -> Changes:
        """Return what a block changed in storage; the base's and genesis's are no longer known."""
        return self._entry(at).changes or Changes()

    # -- the runtime --------------------------------------------------------------------------

    def _executor(self, code: bytes) -> Executor:
        executor = self._executors.get(code)
        if executor is None:
            executor = Executor(code, self._cache)
            if len(self._executors) >= _EXECUTORS:
                del self._executors[next(iter(self._executors))]
            self._executors[code] = executor
        return executor

    def _executor_at(self, state: State) -> Executor:
        code = state.get(CODE_KEY)
        if code is None:
            raise DevChainError("there is no runtime in storage under :code; restore a snapshot")
        return self._executor(code)

    def runtime(self, at: At = None) -> Executor:
        """Return the runtime that stands in storage at a block; its ``version`` says which it is."""
        return self._executor_at(self.state(at))

    def call(self, api: str, data: bytes = b"", at: At = None) -> bytes:
        """Call a runtime API, such as ``Core_version``, on a block's state; what it writes is dropped.

        Raises:
            UsageError: the runtime has no such function.
            RuntimeTrapError: it trapped.
        """
        state = self.state(at)
        return self._executor_at(state).read(api, data, state)

    def metadata(self, at: At = None) -> Metadata:
        """Return the runtime's metadata, decoded."""
        state = self.state(at)
        executor = self._executor_at(state)
        metadata = self._metadata.get(executor.code)
        if metadata is None:
            metadata = Metadata(executor.read("Metadata_metadata", b"", state))
            self._metadata[executor.code] = metadata
        return metadata

    # -- storage ------------------------------------------------------------------------------

    def storage(self, key: bytes, at: At = None) -> bytes | None:
        """Return a key's value, or None."""
        return self.state(at).get(key)

    def child_storage(self, child: bytes, key: bytes, at: At = None) -> bytes | None:
        """Return a key's value in a child trie, or None."""
        return self.state(at).child_get(child, key)

    def keys(
        self, prefix: bytes = b"", start: bytes | None = None, count: int = 1000, at: At = None
    ) -> list[bytes]:
        """Return keys with a prefix, in order, behind ``start``, at most ``count``."""
        return [key for key, _ in self.pairs(prefix, start, count, at)]

    def pairs(
        self, prefix: bytes = b"", start: bytes | None = None, count: int = 1000, at: At = None
    ) -> list[tuple[bytes, bytes]]:
        """As :meth:`keys`, with the values."""
        found: list[tuple[bytes, bytes]] = []
        for pair in self.state(at).walk(prefix=prefix, after=start):
            if len(found) >= count:
                break
            found.append(pair)
        return found

    def query(self, pallet: str, item: str, *keys: Any, at: At = None) -> Any:
        """Return a storage item, decoded: its default, or None, where nothing is stored."""
        metadata = self.metadata(at)
        value = self.storage(metadata.storage_key(pallet, item, *keys), at)
        return metadata.decode_storage(pallet, item, value)

    def events(self, at: At = None) -> list[Event]:
        """Return a block's events, decoded.

        Events outlive the state: they are decoded by the metadata of the block, or of the head where
        the block's state is gone.
        """
        hash_ = self.block(at).hash
        entry = self._tree.entries.get(hash_)
        if entry is not None:
            return self.metadata(hash_).decode_events(self.storage(EVENTS_KEY, hash_))
        row = self._store.block(hash_)
        return self.metadata().decode_events(None if row is None else row.events)

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
                1011, f"the runtime trapped on it: {error.panic or error}"
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
            raise RefusedError(1010, "the bytes are not one extrinsic with its length in front")
        hash_ = blake2_256(raw)
        if hash_ in self._pool:
            raise RefusedError(1013, f"0x{hash_.hex()}")
        validity = self.validate(raw)
        self._pool.add(hash_, raw, validity, self.head.number, watch)
        self._deliver()
        return hash_

    @property
    def has_ready(self) -> bool:
        """Whether a block built now would hold a transaction."""
        return self._pool.has_ready()

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
        self._deliver()
        return known

    # -- time ---------------------------------------------------------------------------------

    def now(self) -> int:
        """Return the time that the next block will bear, in milliseconds since 1970."""
        return self._time_after(self.state())

    def _time_after(self, parent: State) -> int:
        stored = parent.get(NOW_KEY)
        last = struct.unpack("<Q", stored)[0] if stored and len(stored) == _U64 else -1
        return max(self._clock() + self.time_offset, last + self._min_period)

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
        executor = self._executor_at(state)
        millis = self._time_after(state) if millis is None else millis
        pool: list[Transaction] = list(self._pool.in_order()) if parent is self._tree.head else []
        writes = list(writes)
        while True:
            overlay = Overlay(state)
            for key, value in writes:
                overlay.set(key, value)
            height = parent.block.number + 1 if number is None else number
            try:
                built = author_block(
                    executor, overlay, parent.block.hash, height, millis, pool, limit
                )
            except RuntimeTrapError:
                if not pool:
                    raise
                # Something in the pool makes the block itself fail; none of it can be told apart.
                for transaction in pool:
                    self._pool.reject(transaction.hash)
                pool = []
                continue
            if built.block.hash in self._tree.entries:
                millis += (
                    self._min_period or 1
                )  # a sibling with the same contents is the same block
                continue
            break
        best = built.block.number > self._tree.head.block.number
        self._take_in(built, best=best)
        return built.block

    def import_block(self, header: bytes, extrinsics: Iterable[bytes]) -> Block:
        """Execute a block made elsewhere, and add it if it is what it claims to be.

        Raises:
            ImportRefusedError: it is not, or its parent is unknown here.
        """
        extrinsics = tuple(extrinsics)
        parent = self._tree.entries.get(header[:32])
        if parent is None:
            raise ImportRefusedError(f"the parent 0x{header[:32].hex()} is unknown here")
        state = self._tree.state(parent)
        built = execute_block(self._executor_at(state), state, header, extrinsics)
        if built.block.hash in self._tree.entries:
            return built.block
        self._take_in(built, best=built.block.number > self._tree.head.block.number)
        return built.block

    def _take_in(self, built: Built, *, best: bool) -> None:
        """Write a block, hang it into the tree, move the head, and tell everybody."""
        tree, store = self._tree, self._store
        entry = Entry(
            built.block,
            built.state_version,
            built.changes,
            built.changes.top.get(EVENTS_KEY),
            built.state,
            built.included,
        )
        parent = tree.get(built.block.parent)
        extends = parent is tree.head
        tree.add(entry)
        try:
            left, gained = tree.route(entry) if best else ([], [])
            with store.transaction():
                store.add(entry.row())
                if best:
                    self._write_route(left, gained)
                    self._write_meta(entry, tree.finalized)
        except BaseException:
            tree.forget([entry])
            raise
        self._post(BlockImported(entry.block))
        if not best:
            self._deliver()
            return
        if extends and parent.state is not None:
            parent.state.hand_on_reads(built.state, built.changes)
        tree.move_head(left, gained)
        self._post(HeadChanged(entry.block, _blocks(left), _blocks(gained)))
        for transaction in built.included:
            if transaction.watch is not None:
                self._tell(transaction.watch, Status("inBlock", entry.block.hash))
        self._pool.included(built.included, entry.block.number)
        for transaction in built.refused:
            self._pool.reject(transaction.hash)
        if not extends or (built.block.extrinsics and not built.included and len(self._pool)):
            self._revalidate(left, gained)
        self._finalize_behind()
        self._deliver()

    def _write_route(self, left: list[Entry], gained: list[Entry]) -> None:
        above = gained[0].block.number - 1 if gained else None
        if left:
            lowest = left[-1].block.number - 1
            above = lowest if above is None else min(above, lowest)
        self._store.set_canonical(_blocks(gained), above if left else None)

    def _revalidate(self, left: list[Entry], gained: list[Entry]) -> None:
        """Ask anew about everything that waits, and take back what the head has left behind."""
        held = {extrinsic for entry in gained for extrinsic in entry.block.extrinsics}
        back: list[tuple[Transaction, bool]] = []
        for entry in reversed(left):
            for transaction in entry.included:
                if transaction.watch is not None:
                    self._tell(transaction.watch, Status("retracted", entry.block.hash))
                if transaction.raw not in held:
                    back.append((transaction, True))
        back += [(t, False) for t in self._pool.drain() if t.raw not in held]
        for transaction, announce in back:
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
                if watch is not None:
                    self._tell(watch, Status("invalid"))

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
        blocks = max(blocks, 1)
        millis = round(seconds * 1000)
        if empty_blocks or blocks == 1:
            start = self.now()
            for i in range(1, blocks + 1):
                self._build(
                    self._tree.head,
                    limit=0 if empty_blocks else None,
                    millis=max(start + millis * i // blocks, self.now()),
                )
            self.time_offset += millis
            return self.head
        target = self.head.number + blocks
        if self.head.number == 0:
            # Block 1 records the genesis hash, over which CheckGenesis and eras sign: never skip it.
            self.build(limit=0)
        self.time_offset += millis
        if target == self.head.number + 1:
            return self.build()
        self.importable = False
        # frame-system asserts that a block's number follows the one in storage.
        number = struct.pack("<I", target - 1)
        self._build(self._tree.head, number=target, limit=0, writes=[(NUMBER_KEY, number)])
        self._revalidate([], [])
        self._deliver()
        return self.head

    def set_storage(self, pairs: Iterable[tuple[bytes, bytes | None]]) -> Block:
        """Write storage by hand, in a block of its own; a value of None removes the key.

        No runtime could make such a block: the chain can then no longer be imported by another.
        """
        self.importable = False
        block = self._build(self._tree.head, limit=0, writes=pairs)
        self._revalidate([], [])
        self._deliver()
        return block

    # -- forks and finality -------------------------------------------------------------------

    def set_head(self, hash_: bytes) -> Block:
        """Make another branch the best chain, whatever its length.

        Raises:
            UsageError: it does not stand on the finalised block.
        """
        target = self._tree.get(hash_)
        left, gained = self._tree.route(target)
        if left or gained:
            with self._store.transaction():
                self._write_route(left, gained)
                self._write_meta(target, self._tree.finalized)
            self._tree.move_head(left, gained)
            self._post(HeadChanged(target.block, _blocks(left), _blocks(gained)))
            for entry in gained:
                for transaction in entry.included:
                    if transaction.watch is not None:
                        self._tell(transaction.watch, Status("inBlock", entry.block.hash))
            self._revalidate(left, gained)
            self._finalize_behind()
            self._deliver()
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
        self._finalize(self._entry(hash_))
        self._deliver()
        return self.finalized

    def _finalize_behind(self) -> None:
        goal = self.head.number - self._lag
        if goal <= self.finalized.number:
            return
        for entry in self._tree.path_to(self._tree.head):
            if entry.block.number <= goal:
                self._finalize(entry)
                return

    def _finalize(self, target: Entry) -> None:
        tree, store = self._tree, self._store
        final = tree.newly_final(target)
        if not final:
            return
        stale = tree.stale_forks(target)
        edge = target.block.number - self._keep
        old = tree.below(edge) if edge - tree.base.block.number >= PRUNE_EVERY else []
        with store.transaction():
            store.forget(entry.block.hash for entry in stale)
            if old and store.keeps_state:
                store.move_base(entry.row() for entry in old)
            elif old:
                store.forget_bodies_below(target.block.number - self._bodies)
            self._write_meta(tree.head, target)
        tree.finalized = target
        tree.forget(stale)
        if old:
            tree.move_base(old[-1])
        for entry in final:
            self._post(BlockFinalized(entry.block))
            for transaction in entry.included:
                if transaction.watch is not None:
                    self._tell(transaction.watch, Status("finalized", entry.block.hash))
            entry.included = ()

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
        for transaction in self._pool.drain():
            if transaction.watch is not None:
                self._tell(transaction.watch, Status("dropped"))
        self._tree = tree = snapshot.tree.copy()
        self.time_offset, self.importable = snapshot.time_offset, snapshot.importable
        self.instance_id = secrets.token_hex(16)
        with self._store.transaction():
            self._store.rewrite(
                tree.base.row(),
                tree.state(tree.base).everything(),
                [entry.row() for entry in tree.entries.values() if entry is not tree.base],
                _blocks(tree.canonical.values()),
            )
            self._write_meta(tree.head, tree.finalized)
        self._deliver()

    def fork(self) -> "DevChain":
        """Return a chain in memory that starts from this one as it is, with an empty pool.

        The two share everything up to now and nothing from now on.
        """
        other = DevChain(
            self._store.copy(),
            path=None,
            cache=self._cache,
            clock=self._clock,
            min_period_ms=self._min_period,
            finality_lag=self._lag,
            keep_blocks=self._keep,
            keep_bodies=self._bodies,
            pool_limits=self._pool.limits,
        )
        other.genesis, other.time_offset = self.genesis, self.time_offset
        other.importable = self.importable
        other._executors.update(self._executors)
        other._metadata.update(self._metadata)
        other._tree = self._tree.copy()
        return other

    # -- telling ------------------------------------------------------------------------------

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call a listener for every notice from now on; return a function that ends it."""
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop

    def _post(self, notice: Notice) -> None:
        for listener in list(self._listeners):
            self._outbox.append(functools.partial(listener, notice))

    def _tell(self, watch: Watch, status: Status) -> None:
        self._outbox.append(functools.partial(watch, status))

    def _deliver(self) -> None:
        """Deliver what has been posted, in order; what is called may call the chain."""
        if self._delivering:
            return
        self._delivering = True
        try:
            while self._outbox:
                self._outbox.popleft()()
        finally:
            self._delivering = False


_EXECUTORS = 4
"""Compiled runtimes that are kept: the current one, and those before an upgrade."""
_U64 = 8


def _blocks(entries: Iterable[Entry]) -> tuple[Block, ...]:
    return tuple(entry.block for entry in entries)


def _default_cache() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("devchain", appauthor=False).absolute() / "wasm"
