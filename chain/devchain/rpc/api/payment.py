"""``payment_*``: what a transaction costs."""

import struct

from chain.devchain.errors import DevChainError
from chain.devchain.rpc.errors import RpcError
from chain.devchain.rpc.method import Json, Table, block_hash, hex_bytes, optional
from chain.devchain.rpc.node import Node
from chain.devchain.rpc.shapes import to_fee_details, to_query_info

__all__ = ["TABLE"]

TABLE = Table()
RUNTIME_ERROR = 1


def _ask(node: Node, method: str, extrinsic: bytes, at: bytes | None) -> bytes:
    data = extrinsic + struct.pack("<I", len(extrinsic))
    try:
        return node.chain.call(f"TransactionPaymentApi_{method}", data, at)
    except DevChainError as error:
        raise RpcError(RUNTIME_ERROR, "Unable to query dispatch info.", str(error)) from error


@TABLE.method("payment_queryInfo", extrinsic=hex_bytes, at=optional(block_hash))
def query_info(node: Node, extrinsic: bytes, at: bytes | None) -> Json:
    """Return a transaction's weight, class and fee."""
    return to_query_info(_ask(node, "query_info", extrinsic, at))


@TABLE.method("payment_queryFeeDetails", extrinsic=hex_bytes, at=optional(block_hash))
def query_fee_details(node: Node, extrinsic: bytes, at: bytes | None) -> Json:
    """Return the parts of a transaction's fee."""
    return to_fee_details(_ask(node, "query_fee_details", extrinsic, at))
