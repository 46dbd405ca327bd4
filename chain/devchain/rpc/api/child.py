"""``childstate_*``: storage in child tries. A child is named by its prefixed key."""

from typing import Any

from chain.devchain.hashing import blake2_256
from chain.devchain.rpc.api.state import MAX_KEYS, checked_count
from chain.devchain.rpc.errors import CLIENT_ERROR, RpcError
from chain.devchain.rpc.method import (
    Json,
    Table,
    block_hash,
    hex_bytes,
    list_of,
    natural,
    optional,
)
from chain.devchain.rpc.node import Node
from chain.devchain.rpc.shapes import to_hex
from chain.devchain.state import CHILD_PREFIX

__all__ = ["TABLE", "child_key"]

TABLE = Table()


def child_key(value: Any) -> bytes:
    """Read a child's prefixed key; return the key without its prefix.

    Raises:
        RpcError: it is no such key; with a node's code for it, which is not that of a wrong parameter.
    """
    key = hex_bytes(value)
    if not key.startswith(CHILD_PREFIX):
        raise RpcError(CLIENT_ERROR, "Client error: Invalid child storage key")
    return key.removeprefix(CHILD_PREFIX)


def _keys(
    node: Node, child: bytes, prefix: bytes, start: bytes | None, count: int, at: bytes | None
) -> list[str]:
    found: list[str] = []
    for key, _ in node.chain.state(at).walk(prefix=prefix, after=start, child=child):
        if len(found) >= count:
            break
        found.append(to_hex(key))
    return found


@TABLE.method("childstate_getStorage", child=child_key, key=hex_bytes, at=optional(block_hash))
def get_storage(node: Node, child: bytes, key: bytes, at: bytes | None) -> Json:
    """Return a key's value."""
    value = node.chain.child_storage(child, key, at)
    return None if value is None else to_hex(value)


@TABLE.method(
    "childstate_getStorageEntries",
    child=child_key,
    keys=list_of(hex_bytes),
    at=optional(block_hash),
)
def get_storage_entries(node: Node, child: bytes, keys: list[bytes], at: bytes | None) -> Json:
    """Return the values of several keys."""
    return [get_storage(node, child, key, at) for key in keys]


@TABLE.method("childstate_getStorageHash", child=child_key, key=hex_bytes, at=optional(block_hash))
def get_storage_hash(node: Node, child: bytes, key: bytes, at: bytes | None) -> Json:
    """Return the hash of a key's value."""
    value = node.chain.child_storage(child, key, at)
    return None if value is None else to_hex(blake2_256(value))


@TABLE.method("childstate_getStorageSize", child=child_key, key=hex_bytes, at=optional(block_hash))
def get_storage_size(node: Node, child: bytes, key: bytes, at: bytes | None) -> Json:
    """Return the length of a key's value."""
    value = node.chain.child_storage(child, key, at)
    return None if value is None else len(value)


@TABLE.method("childstate_getKeys", child=child_key, prefix=hex_bytes, at=optional(block_hash))
def get_keys(node: Node, child: bytes, prefix: bytes, at: bytes | None) -> Json:
    """Return all keys with a prefix."""
    return _keys(node, child, prefix, None, MAX_KEYS, at)


@TABLE.method(
    "childstate_getKeysPaged",
    "childstate_getKeysPagedAt",
    child=child_key,
    prefix=hex_bytes,
    count=natural,
    start_key=optional(hex_bytes),
    at=optional(block_hash),
)
def get_keys_paged(
    node: Node, child: bytes, prefix: bytes, count: int, start: bytes | None, at: bytes | None
) -> Json:
    """Return a page of the keys with a prefix."""
    return _keys(node, child, prefix, start, checked_count(count), at)
