"""A chain's storage at one block: a value that never changes, and shares what it can with its neighbours.

A :class:`State` is the root of the top trie and of each child trie. Applying a block's changes gives a
new one. Because versions share their nodes (see :mod:`chain.devchain.trie`), reading at an old height,
forking, going back and taking a snapshot need no copying: they keep a reference to a State. Forgetting
an old height is forgetting the reference.

Reading through a trie costs one or two microseconds a key, and an extrinsic reads dozens of keys of which
nearly all were just read by the one before it. So the newest state carries a plain dictionary of what was
read and written; :meth:`State.apply` hands it on to the successor, which is where the reads go next. A
state that has handed it on starts an empty one: it is never wrong, only cold.
"""

from collections.abc import Iterable, Iterator, Mapping

import attrs

from chain.devchain import trie
from chain.devchain.trie import Node

__all__ = ["CHILD_PREFIX", "CHILD_ROOTS", "EMPTY", "Changes", "State"]

CHILD_ROOTS = b":child_storage:"
"""Below this prefix of the top trie nothing is written but roots of child tries."""
CHILD_PREFIX = b":child_storage:default:"
"""In the top trie, under this and the child's own key, stands the root of a child trie."""
_READS_LIMIT = 50_000
"""Keys that the dictionary of reads may hold before it starts anew."""

Values = Mapping[bytes, bytes | None]


@attrs.frozen
class Changes:
    """What a block changes: for each key its new value, or None where it is removed."""

    top: Values = attrs.field(factory=dict)
    children: Mapping[bytes, Values] = attrs.field(factory=dict)
    """By the child's key without the prefix."""


class State:
    """Storage at one block."""

    __slots__ = ("_children", "_reads", "_top", "root")

    def __init__(self, top: Node | None, children: Mapping[bytes, Node]) -> None:
        self._top = top
        self._children = children
        self._reads: dict[bytes, bytes | None] = {}
        self.root = trie.root_hash(top)
        """The state root, as it stands in the header."""

    def get(self, key: bytes) -> bytes | None:
        """Return a key's value in the top trie, or None."""
        reads = self._reads
        try:
            return reads[key]
        except KeyError:
            value = trie.get(self._top, key)
            if len(reads) >= _READS_LIMIT:
                reads.clear()
            reads[key] = value
            return value

    def child_get(self, child: bytes, key: bytes) -> bytes | None:
        """Return a key's value in a child trie, or None."""
        return trie.get(self._children.get(child), key)

    def child_root(self, child: bytes) -> bytes:
        """Return a child trie's root; an absent child has the root of an empty trie."""
        return trie.root_hash(self._children.get(child))

    def children(self) -> list[bytes]:
        """Return the keys of all child tries, sorted."""
        return sorted(self._children)

    def next_key(self, key: bytes, child: bytes | None = None) -> bytes | None:
        """Return the first key behind ``key``, or None."""
        return trie.next_key(self._trie(child), key)

    def walk(
        self, *, prefix: bytes = b"", after: bytes | None = None, child: bytes | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield keys and values in order: those with ``prefix``, and behind ``after``."""
        return trie.walk(self._trie(child), prefix=prefix, after=after)

    def prove(self, keys: Iterable[bytes], child: bytes | None = None) -> list[bytes]:
        """Return the trie's pieces that prove what stands under some keys; a child's, up to the state root."""
        pieces = trie.prove(self._trie(child), keys)
        if child is not None:
            pieces += trie.prove(self._top, [CHILD_PREFIX + child])
        return list(dict.fromkeys(pieces))

    def everything(self) -> Iterator[tuple[bytes | None, bytes, bytes, int]]:
        """Yield child key (None for the top trie), key, value and state version, of all that there is."""
        for child in (None, *self.children()):
            for key, value, version in trie.walk_versions(self._trie(child)):
                yield child, key, value, version

    def _trie(self, child: bytes | None) -> Node | None:
        return self._top if child is None else self._children.get(child)

    def apply(self, changes: Changes, version: int) -> "State":
        """Return the state after a block's changes; this one stays as it is.

        Args:
            version: the state version, 0 or 1, under which values are written.
        """
        top, children = self._top, self._children
        for key, value in changes.top.items():
            top = trie.put(top, key, value, version)
        # Behind the others: a child's root that the runtime has asked for stands among them, and the
        # child may have changed since.
        if changes.children:
            children = dict(children)
            for child, values in changes.children.items():
                node = children.get(child)
                for key, value in values.items():
                    node = trie.put(node, key, value, version)
                root = trie.root_hash(node)  # freezes it, and it is shared from here on
                if node is None:
                    children.pop(child, None)
                else:
                    children[child] = node
                top = trie.put(top, CHILD_PREFIX + child, None if node is None else root, version)
        return State(top, children)

    def hand_on_reads(self, successor: "State", changes: Changes) -> None:
        """Let a successor, made by applying ``changes``, go on with what was read of this state."""
        reads, self._reads = self._reads, {}
        reads.update(changes.top)
        for child in changes.children:
            reads.pop(CHILD_PREFIX + child, None)
        successor._reads = reads  # noqa: SLF001  (another State)


EMPTY = State(None, {})
"""Storage without keys."""
