"""Proofs: the pieces of the state trie that show what stands under some keys."""

from chain.devchain.rpc.api.child import child_key
from chain.devchain.rpc.method import Json, Table, block_hash, hex_bytes, list_of, optional
from chain.devchain.rpc.node import Node
from chain.devchain.rpc.shapes import to_hex

__all__ = ["TABLE"]

TABLE = Table()
MAX_PROOF_KEYS = 10_000


def _answer(node: Node, at: bytes | None, keys: list[bytes], child: bytes | None) -> Json:
    block = node.chain.block(at)
    pieces = node.chain.state(block.hash).prove(keys, child)
    return {"at": to_hex(block.hash), "proof": [to_hex(piece) for piece in pieces]}


@TABLE.method(
    "state_getReadProof", keys=list_of(hex_bytes, MAX_PROOF_KEYS), at=optional(block_hash)
)
def get_read_proof(node: Node, keys: list[bytes], at: bytes | None) -> Json:
    """Return a proof of several keys."""
    return _answer(node, at, keys, None)


@TABLE.method(
    "state_getChildReadProof",
    child=child_key,
    keys=list_of(hex_bytes, MAX_PROOF_KEYS),
    at=optional(block_hash),
)
def get_child_read_proof(node: Node, child: bytes, keys: list[bytes], at: bytes | None) -> Json:
    """Return a proof of several keys of a child trie."""
    return _answer(node, at, keys, child)
