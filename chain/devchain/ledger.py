"""The chain of blocks, in memory and in the store, which never disagree.

Every change (a block, another head, finality) goes the same way: find out what it means, write that in one
transaction, then change the tree. What is raised before the end leaves both as they were.
"""

from collections.abc import Mapping
from pathlib import Path

import attrs

from chain.devchain.block import Block
from chain.devchain.errors import StoreError, UnknownBlockError
from chain.devchain.state import EMPTY, Changes
from chain.devchain.store import PRUNE_EVERY, BlockRow, Store
from chain.devchain.tree import Entry, Tree

__all__ = ["Ledger", "Move"]

Meta = Mapping[str, bytes]


@attrs.frozen
class Move:
    """What a change did."""

    left: tuple[Entry, ...] = ()
    """No longer on the best chain, from the top."""
    gained: tuple[Entry, ...] = ()
    """Now on the best chain, from the bottom."""
    final: tuple[Entry, ...] = ()
    """Now final, the oldest first."""


@attrs.define
class Ledger:
    """Blocks, the head, and what is final."""

    store: Store
    tree: Tree
    finality_lag: int
    """Blocks between the head and the finalised block."""
    keep_blocks: int
    """States kept behind the finalised block."""
    keep_bodies: int
    """Bodies kept by a chain in memory."""

    # -- changing -----------------------------------------------------------------------------

    def add(self, entry: Entry, meta: Meta, *, best: bool) -> Move:
        """Add a block; if it is the best, the head moves there, and finality follows."""
        self.tree.add(entry)
        try:
            if best:
                return self._commit(entry, None, meta, new=entry)
            with self.store.transaction():
                self.store.add(entry.row())
        except BaseException:
            self.tree.forget([entry])
            raise
        return Move()

    def set_head(self, target: Entry, meta: Meta) -> Move:
        """Move the head.

        Raises:
            UsageError: the target does not stand on the finalised block.
        """
        return self._commit(target, None, meta)

    def finalize(self, target: Entry, meta: Meta) -> Move:
        """Finalise a block of the best chain, and all before it.

        Raises:
            UsageError: it is not on the best chain.
        """
        return self._commit(self.tree.head, target, meta)

    def _commit(
        self, head: Entry, final: Entry | None, meta: Meta, *, new: Entry | None = None
    ) -> Move:
        tree, store = self.tree, self.store
        left, gained = tree.route(head)
        goal = head.block.number - self.finality_lag if final is None else final.block.number
        finals = tree.newly_final(head, goal, final)
        target = finals[-1] if finals else tree.finalized
        stale = tree.stale_forks(target, head, len(gained) - len(left)) if finals else []
        edge = target.block.number - self.keep_blocks
        old = tree.below(edge) if finals and edge - tree.base.block.number >= PRUNE_EVERY else []
        with store.transaction():
            if new is not None:
                store.add(new.row())
            if left or gained:
                above = min(e.block.number for e in (*left, *gained)) - 1
                store.set_canonical([e.block for e in gained], above if left else None)
            if stale:
                store.forget(entry.block.hash for entry in stale)
            if old and store.keeps_state:
                store.move_base(entry.row() for entry in old)
            elif old:
                store.forget_bodies_below(target.block.number - self.keep_bodies)
            store.set_meta(head=head.block.hash, finalized=target.block.hash, **meta)
        tree.move_head(left, gained)
        tree.finalized = target
        tree.forget(stale)
        if old:
            tree.move_base(old[-1])
        return Move(tuple(left), tuple(gained), tuple(finals))

    def replace(self, tree: Tree, meta: Meta) -> Move:
        """Put another tree in place of ours: one that was ours before."""
        old, base = self.tree, tree.base
        with self.store.transaction():
            self.store.rewrite(
                base.row(),
                tree.state(base).everything(),
                [entry.row() for entry in tree.entries.values() if entry is not base],
                [entry.block for entry in tree.canonical.values()],
            )
            self.store.set_meta(
                head=tree.head.block.hash, finalized=tree.finalized.block.hash, **meta
            )
        self.tree = tree
        before = {e.block.hash: e for e in old.canonical.values()}
        after = {e.block.hash: e for e in tree.canonical.values()}
        return Move(
            tuple(
                before[h]
                for h in sorted(before.keys() - after, key=lambda h: -before[h].block.number)
            ),
            tuple(
                after[h] for h in sorted(after.keys() - before, key=lambda h: after[h].block.number)
            ),
        )

    # -- looking up ---------------------------------------------------------------------------

    def hash_at(self, number: int) -> bytes | None:
        """Return the hash of the best chain's block of a number, or None."""
        entry = self.tree.canonical.get(number)
        if entry is not None:
            return entry.block.hash
        return self.store.hash_at(number) if 0 <= number < self.tree.base.block.number else None

    def row(self, hash_: bytes) -> BlockRow:
        """Return a block, also one whose state was pruned.

        Raises:
            UnknownBlockError: there is none.
        """
        entry = self.tree.entries.get(hash_)
        row = self.store.block(hash_) if entry is None else entry.row()
        if row is None:
            raise UnknownBlockError(hash_, "unknown here")
        return row

    # -- coming up ----------------------------------------------------------------------------

    @staticmethod
    def create(store: Store, genesis: Entry, changes: Changes, meta: Meta) -> Tree:
        """Write the first block."""
        row = BlockRow(genesis.block, genesis.state_version, changes, None)
        with store.transaction():
            store.add(row)
            if store.keeps_state:
                store.move_base([row])
            store.set_canonical([genesis.block])
            hash_ = genesis.block.hash
            store.set_meta(genesis=hash_, base=hash_, head=hash_, finalized=hash_, **meta)
        return Tree(genesis)

    @staticmethod
    def load(store: Store, meta: Meta, genesis: Block, path: Path | None) -> Tree:
        """Read a chain back.

        Raises:
            StoreError: it is another genesis's, or damaged.
        """
        if meta["genesis"] != genesis.hash:
            raise StoreError(
                f"{path} holds the chain with genesis 0x{meta['genesis'].hex()}, and this runtime,"
                f" preset and salt make 0x{genesis.hash.hex()}: name another folder, or reset it"
            )
        row = store.block(meta["base"])
        if row is None:
            raise StoreError(f"{path} is damaged: its base block is missing; reset it")
        # A value is read back under the state version that it was written under.
        layers: dict[int, dict[bytes | None, dict[bytes, bytes | None]]] = {}
        for child, key, value, version in store.base_state():
            layers.setdefault(version, {}).setdefault(child, {})[key] = value
        state = EMPTY
        for version, tries in sorted(layers.items()):
            top = tries.pop(None, {})
            children = {child: values for child, values in tries.items() if child is not None}
            state = state.apply(Changes(top, children), version)
        if state.root != row.block.state_root:
            raise StoreError(
                f"{path} is damaged: its state has the root 0x{state.root.hex()}, and block"
                f" {row.block.number} says 0x{row.block.state_root.hex()}; reset it"
            )
        tree = Tree(Entry(row.block, row.state_version, None, row.events, state))
        for row in store.with_changes():
            tree.add(Entry(row.block, row.state_version, row.changes, row.events))
        tree.move_head(*tree.route(tree.get(meta["head"])))
        tree.finalized = tree.get(meta["finalized"])
        return tree
