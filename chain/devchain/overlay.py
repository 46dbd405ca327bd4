"""What a runtime call has changed so far, on top of a state, with nested transactions.

All layers write to one dictionary; each open transaction keeps the values that were there before its own
first write to a key. Reading is then one look-up however deep the nesting; committing hands the kept
values to the transaction outside (which may have kept older ones); rolling back puts them back.

A list that grows by appending (events, above all) is kept as its parts and joined when it is read.
"""

import bisect
from collections.abc import Callable

import attrs

from chain.devchain.errors import DevChainError
from chain.devchain.scale import decode_compact, encode_compact
from chain.devchain.state import CHILD_PREFIX, CHILD_ROOTS, EMPTY, Changes, State

__all__ = ["Overlay", "Removed"]


@attrs.frozen
class Removed:
    """The outcome of removing many keys (``MultiRemovalResults``)."""

    cursor: bytes | None
    """Where to go on; None when nothing is left."""
    backend: int
    """Keys removed that the state held."""
    unique: int
    """Keys removed, those that only the overlay held included."""
    loops: int
    """Keys of the state that were looked at."""


class _List:
    """A SCALE vector in parts."""

    __slots__ = ("count", "joined", "parts")

    def __init__(self, count: int, parts: list[bytes]) -> None:
        self.count = count
        self.parts = parts
        self.joined: bytes | None = None

    def value(self) -> bytes:
        if self.joined is None:
            self.joined = encode_compact(self.count) + b"".join(self.parts)
        return self.joined


@attrs.frozen
class _Cut:
    """A list as it was before a transaction appended to it."""

    items: _List
    count: int
    parts: int


_Entry = bytes | _List | None
_Kept = bytes | _List | _Cut | None
_ABSENT = object()


class _Space:
    """The changes to one trie."""

    __slots__ = ("_sorted", "changes", "child", "kept", "state")

    def __init__(self, state: State, child: bytes | None) -> None:
        self.state = state
        self.child = child
        self.changes: dict[bytes, _Entry] = {}
        self.kept: list[dict[bytes, _Kept | object]] = []
        """For each open transaction that wrote here, from the outermost: the values before it."""
        self._sorted: list[bytes] | None = None

    def base(self, key: bytes) -> bytes | None:
        if self.child is None:
            return self.state.get(key)
        return self.state.child_get(self.child, key)

    def get(self, key: bytes) -> bytes | None:
        entry = self.changes.get(key, _ABSENT)
        if entry is _ABSENT:
            return self.base(key)
        return entry.value() if type(entry) is _List else entry  # type: ignore[return-value]

    def set(self, key: bytes, value: bytes | None, depth: int) -> None:
        if depth:
            self._keep(key, depth)
        if key not in self.changes:
            self._sorted = None
        self.changes[key] = value

    def append(self, key: bytes, item: bytes, depth: int) -> None:
        if depth:
            self._keep(key, depth)
        entry = self.changes.get(key)
        if type(entry) is not _List:
            entry = _parse_list(self.get(key))
            self._sorted = None
            self.changes[key] = entry
        entry.count += 1
        entry.parts.append(item)
        entry.joined = None

    def _keep(self, key: bytes, depth: int) -> None:
        while len(self.kept) < depth:
            self.kept.append({})
        kept = self.kept[-1]
        if key not in kept:
            entry = self.changes.get(key, _ABSENT)
            if type(entry) is _List:
                kept[key] = _Cut(entry, entry.count, len(entry.parts))
            else:
                kept[key] = entry

    def commit(self, depth: int) -> None:
        if len(self.kept) == depth:
            inner = self.kept.pop()
            if depth > 1:
                while len(self.kept) < depth - 1:
                    self.kept.append({})
                outer = self.kept[-1]
                for key, value in inner.items():
                    outer.setdefault(key, value)

    def rollback(self, depth: int) -> None:
        if len(self.kept) == depth:
            self._sorted = None
            for key, value in self.kept.pop().items():
                if value is _ABSENT:
                    self.changes.pop(key, None)
                elif type(value) is _Cut:
                    items = value.items
                    items.count, items.joined = value.count, None
                    del items.parts[value.parts :]
                    self.changes[key] = items
                else:
                    self.changes[key] = value  # type: ignore[assignment]

    def next_key(self, key: bytes) -> bytes | None:
        mine = self._sorted
        if mine is None:
            mine = self._sorted = sorted(self.changes)
        i = bisect.bisect_right(mine, key)
        below = self.state.next_key(key, self.child)
        while True:
            candidate = mine[i] if i < len(mine) else None
            if candidate is None or (below is not None and below < candidate):
                return below
            i += 1
            if self.changes[candidate] is not None:
                return candidate
            if candidate == below:
                below = self.state.next_key(candidate, self.child)

    def remove(self, prefix: bytes, limit: int | None, cursor: bytes | None, depth: int) -> Removed:
        # As the node: what this block wrote goes without counting towards the limit, and the limit
        # counts keys of the state that are looked at, also those already removed in this block.
        mine = 0
        for key in [k for k in self.changes if k.startswith(prefix)]:
            if self.changes[key] is not None:
                mine += 1
            self.set(key, None, depth)
        backend = loops = 0
        rest: bytes | None = None
        for key, _ in self.state.walk(prefix=prefix, child=self.child):
            if cursor is not None and key < cursor:
                continue
            if loops == limit:
                rest = key
                break
            if key not in self.changes or self.changes[key] is not None:
                self.set(key, None, depth)
                backend += 1
            loops += 1
        return Removed(rest, backend, mine + backend, loops)

    def flat(self) -> dict[bytes, bytes | None]:
        return {
            key: entry.value() if type(entry) is _List else entry  # type: ignore[misc]
            for key, entry in self.changes.items()
        }


def _parse_list(value: bytes | None) -> _List:
    if value:
        try:
            count, start = decode_compact(value)
        except ValueError:
            pass  # not a list: the node starts a new one, too
        else:
            # Nor is it one where the node reads no length: above 32 bits, or longer than it had to be.
            if count < 1 << 32 and encode_compact(count) == value[:start]:
                return _List(count, [value[start:]])
    return _List(0, [])


class Overlay:
    """Changes on top of a state."""

    __slots__ = ("_children", "_depth", "_result", "_top", "state")

    def __init__(self, state: State) -> None:
        self.state = state
        self._top = _Space(state, None)
        self._children: dict[bytes, _Space] = {}
        self._depth = 0
        self._result: tuple[State, int] | None = None

    # -- the top trie -------------------------------------------------------------------------

    def get(self, key: bytes) -> bytes | None:
        """Return a key's value, or None."""
        return self._top.get(key)

    def set(self, key: bytes, value: bytes | None) -> None:
        """Set a key's value, or remove it; a child trie's root cannot be set by hand."""
        if not key.startswith(CHILD_ROOTS):
            self._result = None
            self._top.set(key, value, self._depth)

    def append(self, key: bytes, item: bytes) -> None:
        """Append an encoded item to the vector under a key; anything else there is replaced.

        As the node, also where a child trie's root stands.
        """
        self._result = None
        self._top.append(key, item, self._depth)

    def next_key(self, key: bytes) -> bytes | None:
        """Return the first key behind ``key``, or None."""
        return self._top.next_key(key)

    def remove_prefix(
        self, prefix: bytes, limit: int | None = None, cursor: bytes | None = None
    ) -> Removed:
        """Remove keys with a prefix; a prefix that reaches child roots removes nothing."""
        if prefix.startswith(CHILD_ROOTS) or CHILD_ROOTS.startswith(prefix):
            return Removed(None, 0, 0, 0)
        self._result = None
        return self._top.remove(prefix, limit, cursor, self._depth)

    # -- child tries --------------------------------------------------------------------------

    def _child(self, child: bytes) -> _Space:
        space = self._children.get(child)
        if space is None:
            space = self._children[child] = _Space(self.state, child)
        return space

    def child_get(self, child: bytes, key: bytes) -> bytes | None:
        """Return a key's value in a child trie, or None."""
        space = self._children.get(child)
        return self.state.child_get(child, key) if space is None else space.get(key)

    def child_set(self, child: bytes, key: bytes, value: bytes | None) -> None:
        """Set a key's value in a child trie, or remove it."""
        self._result = None
        self._child(child).set(key, value, self._depth)

    def child_next_key(self, child: bytes, key: bytes) -> bytes | None:
        """Return the first key behind ``key`` in a child trie, or None."""
        return self._child(child).next_key(key)

    def child_remove_prefix(
        self, child: bytes, prefix: bytes, limit: int | None = None, cursor: bytes | None = None
    ) -> Removed:
        """Remove keys with a prefix from a child trie."""
        self._result = None
        return self._child(child).remove(prefix, limit, cursor, self._depth)

    def child_root(self, child: bytes, version: int) -> bytes:
        """Return a child trie's root with the changes so far.

        As the node: what is told goes into the top trie, where the runtime may read it back; and once
        the whole root is known, until the next change, what stands there is told.
        """
        key = CHILD_PREFIX + child
        space = self._children.get(child)
        if space is None or not space.changes or self._result is not None:
            return self._top.get(key) or EMPTY.root
        root = self.state.apply(Changes(children={child: space.flat()}), version).child_root(child)
        self._top.set(key, None if root == EMPTY.root else root, self._depth)
        return root

    # -- transactions -------------------------------------------------------------------------

    @property
    def depth(self) -> int:
        """How many transactions are open."""
        return self._depth

    def start(self) -> None:
        """Open a transaction inside the current one."""
        self._depth += 1

    def commit(self) -> None:
        """Close the innermost transaction and keep its changes."""
        self._close(_Space.commit)

    def rollback(self) -> None:
        """Close the innermost transaction and undo its changes."""
        self._result = None
        self._close(_Space.rollback)

    def rollback_to(self, depth: int) -> None:
        """Undo all transactions above a depth: what a runtime that trapped left open."""
        while self._depth > depth:
            self.rollback()

    def _close(self, step: Callable[[_Space, int], None]) -> None:
        if not self._depth:
            raise DevChainError("the runtime closed a transaction that it had not opened")
        step(self._top, self._depth)
        for space in self._children.values():
            step(space, self._depth)
        self._depth -= 1

    # -- the outcome --------------------------------------------------------------------------

    def changes(self) -> Changes:
        """Return everything changed so far."""
        children = {child: flat for child, s in self._children.items() if (flat := s.flat())}
        return Changes(self._top.flat(), children)

    def result(self, version: int) -> State:
        """Return the state with everything changed so far."""
        if self._result is None or self._result[1] != version:
            self._result = (self.state.apply(self.changes(), version), version)
        return self._result[0]
