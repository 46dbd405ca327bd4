"""The blocks that are still open: the best chain's recent end, and the forks beside it.

Blocks hang on their parents. One is the **head**; the path from it to the root is the best chain. One on
that path is **finalised**: the head never leaves the blocks that stand on it, and forks beside it are
forgotten. The root of this tree is the **base**: older blocks can be looked up, but their state is gone.

A state is kept with its block, or made again from the nearest one below it that is: a chain that was
just opened has the base's state and everybody's changes.
"""

from collections.abc import Iterator

import attrs

from chain.devchain.block import Block
from chain.devchain.errors import UnknownBlockError, UsageError
from chain.devchain.pool import Transaction
from chain.devchain.state import Changes, State
from chain.devchain.store import BlockRow

__all__ = ["Entry", "Tree"]


@attrs.define(eq=False)
class Entry:
    """A block of the tree."""

    block: Block
    state_version: int
    changes: Changes | None
    """None at the base alone."""
    events: bytes | None
    state: State | None = None
    """None until it is asked for."""
    included: tuple[Transaction, ...] = ()
    """What came from the pool; forgotten with finality."""

    def row(self) -> BlockRow:
        """Return what the store keeps."""
        return BlockRow(self.block, self.state_version, self.changes, self.events)


class Tree:
    """Blocks from the base on."""

    def __init__(self, base: Entry) -> None:
        self.entries: dict[bytes, Entry] = {base.block.hash: base}
        self.canonical: dict[int, Entry] = {base.block.number: base}
        """The best chain by number; a jump leaves a gap."""
        self.base = base
        self.head = base
        self.finalized = base

    def copy(self) -> "Tree":
        """Return a tree that shares the entries."""
        tree = Tree(self.base)
        tree.entries, tree.canonical = dict(self.entries), dict(self.canonical)
        tree.head, tree.finalized = self.head, self.finalized
        return tree

    def without_transactions(self) -> "Tree":
        """Return a tree of entries that know no transactions, and so tell nobody of them."""
        entries = {h: attrs.evolve(e, included=()) for h, e in self.entries.items()}
        tree = Tree(entries[self.base.block.hash])
        tree.entries = entries
        tree.canonical = {n: entries[e.block.hash] for n, e in self.canonical.items()}
        tree.head = entries[self.head.block.hash]
        tree.finalized = entries[self.finalized.block.hash]
        return tree

    def get(self, hash_: bytes) -> Entry:
        """Return a block whose state can be had.

        Raises:
            UnknownBlockError: there is none.
        """
        entry = self.entries.get(hash_)
        if entry is None:
            raise UnknownBlockError(hash_, "unknown here, or older than the states that are kept")
        return entry

    def state(self, entry: Entry) -> State:
        """Return the state at the end of a block."""
        if entry.state is None:
            path = [entry]
            while path[-1].state is None:
                path.append(self.entries[path[-1].block.parent])
            state = path.pop().state
            assert state is not None  # noqa: S101  (for the type checker)
            for step in reversed(path):
                assert step.changes is not None  # noqa: S101  (for the type checker)
                state = state.apply(step.changes, step.state_version)
            entry.state = state
        return entry.state

    def add(self, entry: Entry) -> None:
        """Hang a block on its parent."""
        self.entries[entry.block.hash] = entry

    def on_path(self, entry: Entry) -> bool:
        """Whether a block is on the best chain."""
        return self.canonical.get(entry.block.number) is entry

    def path_to(self, entry: Entry) -> Iterator[Entry]:
        """Yield a block and its ancestors down to the base."""
        yield entry
        while entry is not self.base:
            entry = self.entries[entry.block.parent]
            yield entry

    def route(self, target: Entry) -> tuple[list[Entry], list[Entry]]:
        """Return what the head leaves, from the top, and what it gains, from the bottom.

        Raises:
            UsageError: the target does not stand on the finalised block.
        """
        gained = []
        for entry in self.path_to(target):
            if self.on_path(entry):
                common = entry
                break
            gained.append(entry)
        else:
            raise UsageError("the block does not stand on this chain")
        if common.block.number < self.finalized.block.number:
            raise UsageError(
                f"the head cannot leave the finalised block {self.finalized.block.number};"
                f" the branches part at {common.block.number}"
            )
        left = []
        for entry in self.path_to(self.head):
            if entry is common:
                break
            left.append(entry)
        return left, gained[::-1]

    def move_head(self, left: list[Entry], gained: list[Entry]) -> None:
        """Follow a route."""
        for entry in left:
            del self.canonical[entry.block.number]
        for entry in gained:
            self.canonical[entry.block.number] = entry
        if gained:
            self.head = gained[-1]
        elif left:
            self.head = self.entries[left[-1].block.parent]

    def newly_final(self, head: Entry, goal: int, target: Entry | None = None) -> list[Entry]:
        """Return what becomes final when the head is ``head`` and finality reaches a number.

        Args:
            target: the block that must be the last of them, if it is named.

        Returns:
            Blocks, the oldest first; none if finality is there already.

        Raises:
            UsageError: the target is not on the best chain.
        """
        if target is not None and target.block.number <= self.finalized.block.number:
            if not self.on_path(target):
                raise UsageError("another block of that number is final already")
            return []
        blocks = []
        for entry in self.path_to(head):
            if entry.block.number <= self.finalized.block.number:
                break
            if entry.block.number <= goal:
                blocks.append(entry)
        if target is not None and (not blocks or target is not blocks[0]):
            raise UsageError("only a block of the best chain can be finalised; call set_head first")
        return blocks[::-1]

    def stale_forks(self, finalized: Entry, head: Entry, growth: int) -> list[Entry]:
        """Return the blocks that do not stand on a block that is about to be finalised.

        Args:
            head: the end of the best chain as it is about to be.
            growth: by how many blocks that is longer than the best chain is now.
        """
        if len(self.entries) == len(self.canonical) + growth:
            return []  # nothing but one chain, which is how it mostly is
        good = {entry.block.hash for entry in self.path_to(head)}
        stale = []
        for entry in sorted(self.entries.values(), key=lambda e: e.block.number):
            block = entry.block
            if block.hash in good:
                continue
            parent = self.entries[block.parent]
            if block.parent in good and parent.block.number >= finalized.block.number:
                good.add(block.hash)
            else:
                stale.append(entry)
        return stale

    def below(self, number: int) -> list[Entry]:
        """Return blocks of the best chain above the base and up to a number, the oldest first."""
        return [
            e for n, e in sorted(self.canonical.items()) if self.base.block.number < n <= number
        ]

    def move_base(self, target: Entry) -> None:
        """Make a finalised block the base and forget what is below it."""
        # A new entry: a snapshot or a fork may share the old one, and not have this base.
        base = attrs.evolve(target, state=self.state(target), changes=None)
        for entry in list(self.path_to(target)):
            del self.entries[entry.block.hash]
            del self.canonical[entry.block.number]
        self.entries[base.block.hash] = self.canonical[base.block.number] = self.base = base

    def forget(self, entries: list[Entry]) -> None:
        """Forget blocks of forks."""
        for entry in entries:
            self.entries.pop(entry.block.hash, None)
