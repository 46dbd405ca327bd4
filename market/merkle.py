"""Merkle trees over sorted, unique leaves: what was committed, in 32 bytes.

``leaf = H("leaf", 0x00 ++ c)``, ``node = H("node", 0x01 ++ left ++ right)``, the empty tree is
``H("leaf", "")``. A level with an odd number of nodes hands its last one up unchanged: doubling it
(as Bitcoin does) gives two sets of leaves one root, CVE-2012-2459.

Source: RFC 6962, section 2.1 (the separation of leaf and node).
"""

from collections.abc import Iterable
from typing import NewType

import attrs

from market.errors import UsageError
from market.hashing import Hash, digest

__all__ = ["MerkleRoot", "Proof", "is_member", "merkle_root", "prove"]

MerkleRoot = NewType("MerkleRoot", bytes)


@attrs.frozen
class Proof:
    """That one leaf is in a tree: the siblings on its way to the root."""

    steps: tuple[tuple[bool, Hash], ...]
    """From the leaf upwards: whether the sibling stands on the left, and its hash."""


def _leaves(items: Iterable[bytes]) -> list[Hash]:
    return [digest("leaf", b"\0" + item) for item in sorted(set(items))]


def _node(left: Hash, right: Hash) -> Hash:
    return digest("node", b"\1" + left + right)


def _parents(level: list[Hash]) -> list[Hash]:
    pairs = [_node(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
    return pairs + level[len(pairs) * 2 :]


def merkle_root(items: Iterable[bytes]) -> MerkleRoot:
    """Return the root over a set of byte strings; their order and repetitions do not matter."""
    level = _leaves(items)
    if not level:
        return MerkleRoot(digest("leaf", b""))
    while len(level) > 1:
        level = _parents(level)
    return MerkleRoot(level[0])


def prove(items: Iterable[bytes], member: bytes) -> Proof:
    """Return the proof that one of the items is under their root.

    Raises:
        UsageError: the member is not one of the items.
    """
    unique = sorted(set(items))
    if member not in unique:
        raise UsageError("only a member of the tree has a proof; look the item up first")
    at, level, steps = unique.index(member), _leaves(unique), list[tuple[bool, Hash]]()
    while len(level) > 1:
        sibling = at ^ 1
        if sibling < len(level):
            steps.append((sibling < at, level[sibling]))
        level, at = _parents(level), at // 2
    return Proof(tuple(steps))


def is_member(root: MerkleRoot, member: bytes, proof: Proof) -> bool:
    """Return whether a proof leads from the member to the root."""
    node = digest("leaf", b"\0" + member)
    for sibling_is_left, sibling in proof.steps:
        node = _node(sibling, node) if sibling_is_left else _node(node, sibling)
    return MerkleRoot(node) == root
