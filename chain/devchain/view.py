"""Looking at a chain: its blocks, its storage at any of them, and its runtime.

Nothing here changes anything; :class:`chain.devchain.chain.DevChain` adds what does.
"""

from typing import Any

from chain.devchain.block import Block
from chain.devchain.errors import UnknownBlockError
from chain.devchain.executor import Executor
from chain.devchain.ledger import Ledger
from chain.devchain.metadata import Event, Metadata
from chain.devchain.runtimes import Runtimes
from chain.devchain.state import Changes, State
from chain.devchain.tree import Entry, Tree

__all__ = ["At", "ChainView"]

At = bytes | int | None
"""A block: its hash, its number on the best chain, or None for the head."""


class ChainView:
    """What can be read of a chain."""

    def __init__(self, ledger: Ledger, runtimes: Runtimes) -> None:
        self._ledger = ledger
        self._runtimes = runtimes

    @property
    def _tree(self) -> Tree:
        return self._ledger.tree

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
        if hash_ is None:
            raise UnknownBlockError(at, "not on the best chain")
        return self._ledger.row(hash_).block

    def block_hash(self, number: int) -> bytes | None:
        """Return the hash of the best chain's block of that number, or None."""
        return self._ledger.hash_at(number)

    def changes(self, at: At = None) -> Changes:
        """Return what a block changed in storage; the base's and genesis's are no longer known."""
        return self._entry(at).changes or Changes()

    # -- the runtime --------------------------------------------------------------------------

    def runtime(self, at: At = None) -> Executor:
        """Return the runtime that stands in storage at a block; its ``version`` says which it is."""
        return self._runtimes.of_state(self.state(at))

    def call(self, api: str, data: bytes = b"", at: At = None) -> bytes:
        """Call a runtime API, such as ``Core_version``, on a block's state; what it writes is dropped.

        Raises:
            UsageError: the runtime has no such function.
            RuntimeTrapError: it trapped.
        """
        state = self.state(at)
        return self._runtimes.of_state(state).read(api, data, state)

    def metadata(self, at: At = None) -> Metadata:
        """Return the runtime's metadata, decoded."""
        return self._runtimes.metadata(self.state(at))

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
        known = hash_ in self._tree.entries
        return self.metadata(hash_ if known else None).decode_events(self._ledger.row(hash_).events)
