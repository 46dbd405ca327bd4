"""Substrate's base-16 Merkle-Patricia trie, incremental and persistent.

A version of a trie is its root node (or None when empty). Versions share the nodes that they have in
common, so keeping the state of every recent block, forking and going back cost nothing but the nodes
that differ, and a change of k keys makes O(k log n) new nodes, which is also all that is hashed.

The one rule that makes this safe: **a node with a reference is frozen, a node without one belongs to
one version that is still being written.** :func:`put` changes nodes without a reference in place and
copies those that have one; :func:`root_hash` gives every node below it a reference. A version may be
shared only after :func:`root_hash`.

Keys are held as strings of hexadecimal digits, one a nibble: ``bytes.hex``, ``str.startswith`` and
``bytes.fromhex`` then do the work of nibble slices in C.

A value longer than 32 bytes is hashed when it was written under state version 1, and stands in the node
when it was written under version 0: the mode belongs to the value, as in a node's own database, where a
runtime's upgrade from version 0 to 1 migrates a value only when it is written again.

Source: Polkadot specification, section 2.4.3 and appendix A.4 (node headers and encoding).
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from chain.devchain.hashing import blake2_256
from chain.devchain.scale import encode_compact

__all__ = [
    "EMPTY_ROOT",
    "Node",
    "get",
    "next_key",
    "prove",
    "put",
    "root_hash",
    "root_of",
    "walk",
    "walk_versions",
]

Hasher = Callable[[bytes], bytes]

INLINE_LIMIT: Final = 32
"""Bytes: a longer value is hashed under version 1; a longer encoding is referred to by its hash."""
_INDEX: Final = {digit: i for i, digit in enumerate("0123456789abcdef")}


EMPTY_ROOT: Final = blake2_256(b"\0")
"""Root of a trie without keys."""


class Node:
    """A leaf or a branch; never changed once it has a reference."""

    __slots__ = ("children", "hashed", "partial", "reference", "value")

    def __init__(
        self, partial: str, value: bytes | None, hashed: bool, children: "list[Node | None] | None"
    ) -> None:
        self.partial = partial
        """The nibbles between the parent's branching and this node."""
        self.value = value
        self.hashed = hashed
        """Whether the encoding holds the value's hash instead of the value."""
        self.children = children
        """Sixteen places, or None for a leaf."""
        self.reference: bytes | None = None
        """What a parent's encoding holds: the encoding if shorter than 32 bytes, else its hash."""


def get(node: Node | None, key: bytes) -> bytes | None:
    """Return a key's value, or None."""
    nibbles = key.hex()
    at, end = 0, len(nibbles)
    while node is not None:
        partial = node.partial
        if not nibbles.startswith(partial, at):
            return None
        at += len(partial)
        if at == end:
            return node.value
        if node.children is None:
            return None
        node = node.children[_INDEX[nibbles[at]]]
        at += 1
    return None


def put(node: Node | None, key: bytes, value: bytes | None, version: int) -> Node | None:
    """Set a key's value, or remove the key when the value is None; return the new root.

    Args:
        version: the state version, 0 or 1, under which the value is written.
    """
    if value is None:
        return _remove(node, key.hex(), 0)
    return _insert(node, key.hex(), 0, value, version == 1 and len(value) > INLINE_LIMIT)


def _thawed(node: Node) -> Node:
    """Return the node itself if it may be changed, else a copy that may."""
    if node.reference is None:
        return node
    children = node.children
    return Node(node.partial, node.value, node.hashed, None if children is None else children[:])


def _insert(node: Node | None, nibbles: str, at: int, value: bytes, hashed: bool) -> Node:
    if node is None:
        return Node(nibbles[at:], value, hashed, None)
    partial = node.partial
    if nibbles.startswith(partial, at):
        at += len(partial)
        if at == len(nibbles):
            if node.value == value and node.hashed == hashed:
                return node
            node = _thawed(node)
            node.value, node.hashed = value, hashed
            return node
        digit = _INDEX[nibbles[at]]
        child = node.children[digit] if node.children is not None else None
        changed = _insert(child, nibbles, at + 1, value, hashed)
        if changed is child:
            return node
        node = _thawed(node)
        if node.children is None:
            node.children = [None] * 16
        node.children[digit] = changed
        return node
    # The paths part inside the partial key: a branch takes this node's place.
    common = _common(partial, nibbles, at)
    below = Node(partial[common + 1 :], node.value, node.hashed, node.children and node.children[:])
    branch = Node(partial[:common], None, False, [None] * 16)
    assert branch.children is not None  # noqa: S101  (for the type checker)
    branch.children[_INDEX[partial[common]]] = below
    at += common
    if at == len(nibbles):
        branch.value, branch.hashed = value, hashed
    else:
        branch.children[_INDEX[nibbles[at]]] = Node(nibbles[at + 1 :], value, hashed, None)
    return branch


def _common(partial: str, nibbles: str, at: int) -> int:
    n = 0
    for a, b in zip(partial, nibbles[at : at + len(partial)], strict=False):
        if a != b:
            break
        n += 1
    return n


def _remove(node: Node | None, nibbles: str, at: int) -> Node | None:
    if node is None or not nibbles.startswith(node.partial, at):
        return node
    at += len(node.partial)
    if at == len(nibbles):
        if node.value is None:
            return node
        if node.children is None:
            return None
        node = _thawed(node)
        node.value, node.hashed = None, False
        return _shortened(node)
    if node.children is None:
        return node
    digit = _INDEX[nibbles[at]]
    child = node.children[digit]
    changed = _remove(child, nibbles, at + 1)
    if changed is child:
        return node
    node = _thawed(node)
    assert node.children is not None  # noqa: S101  (for the type checker)
    node.children[digit] = changed
    return _shortened(node) if changed is None else node


def _shortened(node: Node) -> Node:
    """Give a branch that has lost a value or a child its canonical form."""
    assert node.children is not None  # noqa: S101  (for the type checker)
    left = [i for i, child in enumerate(node.children) if child is not None]
    if not left:
        node.children = None
        return node
    if len(left) > 1 or node.value is not None:
        return node
    child = node.children[left[0]]
    assert child is not None  # noqa: S101  (for the type checker)
    partial = f"{node.partial}{left[0]:x}{child.partial}"
    return Node(partial, child.value, child.hashed, child.children and child.children[:])


def root_hash(node: Node | None, hasher: Hasher = blake2_256) -> bytes:
    """Freeze a version and return its root; only nodes that are new since the last time are hashed."""
    if node is None:
        return EMPTY_ROOT if hasher is blake2_256 else hasher(b"\0")
    reference = node.reference
    if reference is None:
        encoding = _encode(node, hasher)
        if len(encoding) >= INLINE_LIMIT:
            reference = node.reference = hasher(encoding)
            return reference
        reference = node.reference = encoding
    # A root is a hash even where a child of the same encoding would stand inline. The shortest
    # encoding of 32 bytes or more is a hash already, so the two cannot be confused.
    return reference if len(reference) == INLINE_LIMIT else hasher(reference)


def _encode(node: Node, hasher: Hasher) -> bytes:
    partial, value, children = node.partial, node.value, node.children
    size = len(partial)
    if children is None:
        prefix, bits = (0x20, 31) if node.hashed else (0x40, 63)
    elif value is None:
        prefix, bits = 0x80, 63
    else:
        prefix, bits = (0x10, 15) if node.hashed else (0xC0, 63)
    head = bytes((prefix | size,)) if size < bits else _long_header(prefix | bits, size - bits)
    parts = [head, bytes.fromhex("0" + partial if size & 1 else partial)]
    if children is not None:
        bitmap = 0
        below = []
        for i, child in enumerate(children):
            if child is not None:
                bitmap |= 1 << i
                reference = child.reference
                if reference is None:
                    reference = _encode(child, hasher)
                    if len(reference) >= INLINE_LIMIT:
                        reference = hasher(reference)
                    child.reference = reference
                below.append(bytes((len(reference) << 2,)))  # a compact: never above 32
                below.append(reference)
        parts.append(struct.pack("<H", bitmap))
        if value is not None:
            parts.append(hasher(value) if node.hashed else encode_compact(len(value)) + value)
        parts += below
    elif value is not None:
        parts.append(hasher(value) if node.hashed else encode_compact(len(value)) + value)
    return b"".join(parts)


def _long_header(first: int, rest: int) -> bytes:
    full, last = divmod(rest, 255)
    return bytes((first,)) + b"\xff" * full + bytes((last,))


def next_key(node: Node | None, key: bytes) -> bytes | None:
    """Return the first key behind ``key`` in lexicographic order, or None."""
    found = next(walk(node, after=key), None)
    return None if found is None else found[0]


def prove(node: Node | None, keys: Iterable[bytes], hasher: Hasher = blake2_256) -> list[bytes]:
    """Return the encoded nodes, and hashed values, that show what stands under some keys, or that nothing does.

    A reader who knows the root finds its way from there: each piece is named by its hash in another one.

    Source: Polkadot specification, section 2.4.3; ``sp-trie``'s storage proofs.
    """
    root_hash(node, hasher)  # gives every node its reference
    pieces: dict[bytes, None] = {}
    for key in keys:
        here, nibbles, at = node, key.hex(), 0
        while here is not None:
            if here is node or len(here.reference or b"") == INLINE_LIMIT:
                pieces[_encode(here, hasher)] = None
            if not nibbles.startswith(here.partial, at):
                break
            at += len(here.partial)
            if at == len(nibbles):
                if here.hashed and here.value is not None:
                    pieces[here.value] = None
                break
            here = here.children[_INDEX[nibbles[at]]] if here.children else None
            at += 1
    return list(pieces)


def walk(
    node: Node | None, *, prefix: bytes = b"", after: bytes | None = None
) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and values in lexicographic order: those with ``prefix``, and behind ``after``."""
    for path, found in _visit(node, prefix.hex(), None if after is None else after.hex()):
        assert found.value is not None  # noqa: S101  (for the type checker)
        yield bytes.fromhex(path), found.value


def walk_versions(node: Node | None) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield every key and value, with a state version under which the value can be written again."""
    for path, found in _visit(node, "", None):
        value = found.value
        assert value is not None  # noqa: S101  (for the type checker)
        yield bytes.fromhex(path), value, int(found.hashed or len(value) <= INLINE_LIMIT)


def _visit(node: Node | None, start: str, bound: str | None) -> Iterator[tuple[str, Node]]:
    if node is None:
        return
    # A stack of (node, its path without its partial key); the next one to visit is on top.
    stack: list[tuple[Node, str]] = [(node, "")]
    while stack:
        here, path = stack.pop()
        path += here.partial
        if not (path.startswith(start) or start.startswith(path)):
            continue
        if bound is not None and path < bound and not bound.startswith(path):
            continue  # this whole subtree comes before the bound
        children = here.children
        if children is not None:
            for i in range(15, -1, -1):
                child = children[i]
                if child is not None:
                    stack.append((child, f"{path}{i:x}"))
        if here.value is not None and path.startswith(start) and (bound is None or path > bound):
            yield path, here


def root_of(
    pairs: Iterable[tuple[bytes, bytes]], version: int, hasher: Hasher = blake2_256
) -> bytes:
    """Return the root of a trie made of pairs; of two pairs with one key, the later counts."""
    node: Node | None = None
    for key, value in pairs:
        node = put(node, key, value, version)
    return root_hash(node, hasher)
