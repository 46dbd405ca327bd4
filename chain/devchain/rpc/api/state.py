"""``state_*``: storage, runtime calls, metadata."""

from typing import Any

from chain.devchain.block import Block
from chain.devchain.errors import UsageError
from chain.devchain.hashing import blake2_256
from chain.devchain.rpc.errors import CLIENT_ERROR, INVALID_BLOCK_RANGE, INVALID_COUNT, RpcError
from chain.devchain.rpc.feed import Subscription, to_change_set
from chain.devchain.rpc.method import (
    Json,
    Table,
    block_hash,
    hex_bytes,
    list_of,
    natural,
    optional,
    text,
)
from chain.devchain.rpc.node import Node
from chain.devchain.rpc.shapes import to_hex, to_runtime_version
from chain.devchain.scale import decode_vec

__all__ = ["TABLE", "checked_count"]

TABLE = Table()
MAX_PAGE = 1000
MAX_KEYS = 1_000_000
"""Keys that the methods without pages return; more is an error, as the answer would be too big."""


def checked_count(count: int) -> int:
    """Return the length of a page.

    Raises:
        RpcError: it is longer than a node allows.
    """
    if count > MAX_PAGE:
        raise RpcError(
            INVALID_COUNT, f"count exceeds maximum value. value: {count}, max: {MAX_PAGE}"
        )
    return count


def _hex_or_none(value: bytes | None) -> Json:
    return None if value is None else to_hex(value)


@TABLE.method("state_getStorage", "state_getStorageAt", key=hex_bytes, at=optional(block_hash))
def get_storage(node: Node, key: bytes, at: bytes | None) -> Json:
    """Return a key's value."""
    return _hex_or_none(node.chain.storage(key, at))


@TABLE.method(
    "state_getStorageHash", "state_getStorageHashAt", key=hex_bytes, at=optional(block_hash)
)
def get_storage_hash(node: Node, key: bytes, at: bytes | None) -> Json:
    """Return the hash of a key's value."""
    value = node.chain.storage(key, at)
    return None if value is None else to_hex(blake2_256(value))


@TABLE.method(
    "state_getStorageSize", "state_getStorageSizeAt", key=hex_bytes, at=optional(block_hash)
)
def get_storage_size(node: Node, key: bytes, at: bytes | None) -> Json:
    """Return the length of a key's value; below a map's prefix, of all values together."""
    value = node.chain.storage(key, at)
    if value is not None:
        return len(value)
    pairs = node.chain.pairs(key, None, MAX_KEYS, at)
    return sum(len(value) for _, value in pairs) if pairs else None


@TABLE.method("state_getKeys", prefix=hex_bytes, at=optional(block_hash))
def get_keys(node: Node, prefix: bytes, at: bytes | None) -> Json:
    """Return all keys with a prefix."""
    return [to_hex(key) for key in node.chain.keys(prefix, None, MAX_KEYS, at)]


@TABLE.method("state_getPairs", prefix=hex_bytes, at=optional(block_hash))
def get_pairs(node: Node, prefix: bytes, at: bytes | None) -> Json:
    """Return all keys with a prefix, and their values."""
    pairs = node.chain.pairs(prefix, None, MAX_KEYS, at)
    return [[to_hex(key), to_hex(value)] for key, value in pairs]


@TABLE.method(
    "state_getKeysPaged",
    "state_getKeysPagedAt",
    prefix=optional(hex_bytes, b""),
    count=natural,
    start_key=optional(hex_bytes),
    at=optional(block_hash),
)
def get_keys_paged(
    node: Node, prefix: bytes, count: int, start: bytes | None, at: bytes | None
) -> Json:
    """Return a page of the keys with a prefix."""
    return [to_hex(key) for key in node.chain.keys(prefix, start or None, checked_count(count), at)]


@TABLE.method("state_queryStorageAt", keys=list_of(hex_bytes), at=optional(block_hash))
def query_storage_at(node: Node, keys: list[bytes], at: bytes | None) -> Json:
    """Return the values of several keys at one block."""
    block = node.chain.block(at)
    # In the order in which they were asked for, and, as a node has it, each once.
    changes = [
        [to_hex(key), _hex_or_none(node.chain.storage(key, block.hash))]
        for key in dict.fromkeys(keys)
    ]
    return [{"block": to_hex(block.hash), "changes": changes}]


@TABLE.method(
    "state_queryStorage",
    keys=list_of(hex_bytes),
    from_block=block_hash,
    to_block=optional(block_hash),
)
def query_storage(node: Node, keys: list[bytes], start: bytes, end: bytes | None) -> Json:
    """Return the values at one block, and what changed from there to another."""
    chain = node.chain
    answer = query_storage_at(node, keys, start)
    for block in _path(node, chain.block(start), chain.block(end)):
        changed = chain.changes(block.hash).top
        found = {key: changed[key] for key in keys if key in changed}
        if found:
            answer.append(to_change_set(block, found))
    return answer


def _path(node: Node, start: Block, end: Block) -> list[Block]:
    path = []
    while end.hash != start.hash:
        if end.number <= start.number:
            why = "the first block is no ancestor of the last"
            raise RpcError(
                INVALID_BLOCK_RANGE,
                f"Cannot resolve a block range ['{to_hex(start.hash)} ... {to_hex(end.hash)}']. {why}",
            )
        path.append(end)
        end = node.chain.block(end.parent)
    return path[::-1]


@TABLE.method("state_call", "state_callAt", method=text, data=hex_bytes, at=optional(block_hash))
def call(node: Node, method: str, data: bytes, at: bytes | None) -> Json:
    """Call a runtime API; what it writes is dropped."""
    try:
        return to_hex(node.chain.call(method, data, at))
    except UsageError as error:
        raise RpcError(CLIENT_ERROR, f"Client error: Execution failed: {error}") from error


@TABLE.method("state_getMetadata", at=optional(block_hash))
def get_metadata(node: Node, at: bytes | None) -> Json:
    """Return the runtime's metadata in the version that all clients read."""
    code = node.chain.runtime(at).code
    known = node.metadata_hex.get(code)
    if known is None:
        known = to_hex(decode_vec(node.chain.call("Metadata_metadata", b"", at))[0])
        node.metadata_hex = {code: known}
    return known


@TABLE.method("state_getRuntimeVersion", "chain_getRuntimeVersion", at=optional(block_hash))
def get_runtime_version(node: Node, at: bytes | None) -> Json:
    """Return the runtime's version."""
    return to_runtime_version(node.chain.runtime(at).version)


@TABLE.subscription(
    ("state_subscribeRuntimeVersion", "chain_subscribeRuntimeVersion"),
    "state_runtimeVersion",
    ("state_unsubscribeRuntimeVersion", "chain_unsubscribeRuntimeVersion"),
)
def subscribe_runtime_version(node: Node, subscription: Subscription) -> None:
    """Tell the version, and every other that follows."""
    subscription.send(to_runtime_version(node.chain.runtime().version))
    node.feed.follow("version", subscription)


def _all_or_listed(value: Any) -> list[bytes] | None:
    found: list[bytes] = list_of(hex_bytes, 10_000)(value)
    return found or None


@TABLE.subscription(
    ("state_subscribeStorage",),
    "state_storage",
    ("state_unsubscribeStorage",),
    keys=optional(_all_or_listed),
)
def subscribe_storage(node: Node, subscription: Subscription, keys: list[bytes] | None) -> None:
    """Tell the values of the keys, and every change; without keys, every change of any key."""
    if keys is not None:
        values = {key: node.chain.storage(key) for key in keys}
        subscription.send(to_change_set(node.chain.head, values))
    node.feed.follow("storage", subscription, keys)
