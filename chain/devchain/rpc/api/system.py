"""``system_*``: the node, and accounts' nonces."""

from typing import Any

from chain.devchain.errors import UsageError
from chain.devchain.rpc.errors import RpcError
from chain.devchain.rpc.method import Json, Table, block_hash, hex_bytes, optional, text
from chain.devchain.rpc.node import Node
from chain.devchain.rpc.shapes import decode_u32, to_hex
from chain.devchain.rpc.ss58 import decode_ss58

__all__ = ["TABLE"]

TABLE = Table()
NONCE_BYTES = 4


@TABLE.method("system_chain")
def chain(node: Node) -> Json:
    """Return the chain's name."""
    return node.identity.chain


@TABLE.method("system_chainType")
def chain_type(_node: Node) -> Json:
    """Return the kind of chain."""
    return "Development"


@TABLE.method("system_name")
def name(node: Node) -> Json:
    """Return the node's name."""
    return node.identity.name


@TABLE.method("system_version")
def version(node: Node) -> Json:
    """Return the node's version."""
    return node.identity.version()


@TABLE.method("system_properties")
def properties(node: Node) -> Json:
    """Return the token's name and decimals, and the addresses' format."""
    return node.identity.properties


@TABLE.method("system_health")
def health(_node: Node) -> Json:
    """Return what a node without peers says of itself."""
    return {"peers": 0, "isSyncing": False, "shouldHavePeers": False}


@TABLE.method("system_peers")
def peers(_node: Node) -> Json:
    """Return no peers."""
    return []


@TABLE.method("system_nodeRoles")
def node_roles(_node: Node) -> Json:
    """Return that the node makes blocks."""
    return ["Authority"]


@TABLE.method("system_localListenAddresses")
def local_listen_addresses(_node: Node) -> Json:
    """Return that the node listens for no peers."""
    return []


@TABLE.method("system_syncState")
def sync_state(node: Node) -> Json:
    """Return that the node is at its own head."""
    head = node.chain.head.number
    return {"startingBlock": 0, "currentBlock": head, "highestBlock": head}


def _account(value: Any) -> bytes:
    return decode_ss58(text(value))


@TABLE.method("system_accountNextIndex", "account_nextIndex", account=_account)
def account_next_index(node: Node, account: bytes) -> Json:
    """Return an account's next nonce, the pool counted."""
    try:
        nonce = decode_u32(node.chain.call("AccountNonceApi_account_nonce", account))
    except UsageError as error:
        raise RpcError(1, "Unable to query nonce.", str(error)) from error
    while node.chain.pool_provides(account + nonce.to_bytes(NONCE_BYTES, "little")):
        nonce += 1
    return nonce


@TABLE.method("system_dryRun", "system_dryRunAt", extrinsic=hex_bytes, at=optional(block_hash))
def dry_run(node: Node, extrinsic: bytes, at: bytes | None) -> Json:
    """Apply an extrinsic to a block's state, and drop what it does; return the encoded result."""
    return to_hex(node.chain.call("BlockBuilder_apply_extrinsic", extrinsic, at))
