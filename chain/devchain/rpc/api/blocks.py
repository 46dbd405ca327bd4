"""``chain_*``: blocks and headers."""

from typing import Any

from chain.devchain.block import Block
from chain.devchain.errors import UnknownBlockError
from chain.devchain.rpc.feed import Kind, Subscription
from chain.devchain.rpc.method import Json, Table, block_hash, list_of, natural, optional
from chain.devchain.rpc.node import Node
from chain.devchain.rpc.shapes import to_block, to_header, to_hex

__all__ = ["TABLE"]

TABLE = Table()


def _find(node: Node, hash_: bytes | None) -> Block | None:
    try:
        return node.chain.block(hash_)
    except UnknownBlockError:
        return None


@TABLE.method("chain_getHeader", hash=optional(block_hash))
def get_header(node: Node, hash_: bytes | None) -> Json:
    """Return a header, or null."""
    block = _find(node, hash_)
    return None if block is None else to_header(block)


@TABLE.method("chain_getBlock", hash=optional(block_hash))
def get_block(node: Node, hash_: bytes | None) -> Json:
    """Return a block, or null."""
    block = _find(node, hash_)
    return None if block is None else to_block(block)


def _one_or_many(value: Any) -> int | list[int]:
    found: int | list[int] = (
        list_of(natural, 10_000)(value) if isinstance(value, list) else natural(value)
    )
    return found


@TABLE.method("chain_getBlockHash", "chain_getHead", number=optional(_one_or_many))
def get_block_hash(node: Node, number: int | list[int] | None) -> Json:
    """Return the hash of the best chain's block of a number, or of each; of the head without one."""
    if number is None:
        return to_hex(node.chain.head.hash)
    if isinstance(number, list):
        return [get_block_hash(node, each) for each in number]
    hash_ = node.chain.block_hash(number)
    return None if hash_ is None else to_hex(hash_)


@TABLE.method("chain_getFinalizedHead", "chain_getFinalisedHead")
def get_finalized_head(node: Node) -> Json:
    """Return the hash of the newest final block."""
    return to_hex(node.chain.finalized.hash)


def _follow(node: Node, subscription: Subscription, kind: Kind, first: Block) -> None:
    subscription.send(to_header(first))
    node.feed.follow(kind, subscription)


@TABLE.subscription(
    ("chain_subscribeNewHeads", "chain_subscribeNewHead", "subscribe_newHead"),
    "chain_newHead",
    ("chain_unsubscribeNewHeads", "chain_unsubscribeNewHead", "unsubscribe_newHead"),
)
def subscribe_new_heads(node: Node, subscription: Subscription) -> None:
    """Tell the head, and every other that follows."""
    _follow(node, subscription, "new", node.chain.head)


@TABLE.subscription(("chain_subscribeAllHeads",), "chain_allHead", ("chain_unsubscribeAllHeads",))
def subscribe_all_heads(node: Node, subscription: Subscription) -> None:
    """Tell the head, and every block that follows, also on forks."""
    _follow(node, subscription, "all", node.chain.head)


@TABLE.subscription(
    ("chain_subscribeFinalizedHeads", "chain_subscribeFinalisedHeads"),
    "chain_finalizedHead",
    ("chain_unsubscribeFinalizedHeads", "chain_unsubscribeFinalisedHeads"),
)
def subscribe_finalized_heads(node: Node, subscription: Subscription) -> None:
    """Tell the newest final block, and each that follows."""
    _follow(node, subscription, "final", node.chain.finalized)
