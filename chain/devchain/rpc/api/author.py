"""``author_*``: transactions."""

from typing import Any

from chain.devchain.hashing import blake2_256
from chain.devchain.pool import Status
from chain.devchain.rpc.feed import Subscription
from chain.devchain.rpc.method import Json, Table, hex_bytes, list_of
from chain.devchain.rpc.node import Node
from chain.devchain.rpc.shapes import to_hex, to_status

__all__ = ["TABLE"]

TABLE = Table()


@TABLE.method("author_submitExtrinsic", extrinsic=hex_bytes)
def submit_extrinsic(node: Node, extrinsic: bytes) -> Json:
    """Put a transaction into the pool; return its hash."""
    hash_ = node.chain.submit(extrinsic)
    node.sealer.submitted()
    return to_hex(hash_)


@TABLE.subscription(
    ("author_submitAndWatchExtrinsic",),
    "author_extrinsicUpdate",
    ("author_unwatchExtrinsic",),
    extrinsic=hex_bytes,
)
def submit_and_watch_extrinsic(node: Node, subscription: Subscription, extrinsic: bytes) -> None:
    """Put a transaction into the pool, and tell what becomes of it."""

    def tell(status: Status) -> None:
        subscription.send(to_status(status))
        if status.is_final:
            subscription.finish()

    node.chain.submit(extrinsic, tell)
    node.sealer.submitted()


@TABLE.method("author_pendingExtrinsics")
def pending_extrinsics(node: Node) -> Json:
    """Return what is ready, in the order in which a block would take it."""
    return [to_hex(transaction.raw) for transaction in node.chain.pending()]


def _hash_or_extrinsic(value: Any) -> bytes:
    if isinstance(value, dict):
        if "hash" in value:
            return hex_bytes(value["hash"])
        return blake2_256(hex_bytes(value.get("extrinsic")))
    return hex_bytes(value)


@TABLE.method("author_removeExtrinsic", bytes_or_hash=list_of(_hash_or_extrinsic))
def remove_extrinsic(node: Node, hashes: list[bytes]) -> Json:
    """Take transactions out of the pool; return the hashes of those that were there."""
    return [to_hex(hash_) for hash_ in hashes if node.chain.drop(hash_)]
