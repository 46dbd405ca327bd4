"""How Substrate writes its values in JSON.

Source: ``sp_runtime::generic`` (header, digest), ``sp_version``, ``pallet-transaction-payment``'s types; serde.
"""

import hashlib
import struct

from chain.devchain.blob import API_NAMES, RuntimeBlob
from chain.devchain.block import Block
from chain.devchain.pool import Status
from chain.devchain.rpc.method import Json
from chain.devchain.scale import decode_compact

__all__ = [
    "decode_u32",
    "to_block",
    "to_fee_details",
    "to_header",
    "to_hex",
    "to_query_info",
    "to_runtime_version",
    "to_status",
]

_API_IDS = {n: f"0x{hashlib.blake2b(n.encode(), digest_size=8).hexdigest()}" for n in API_NAMES}
_CLASSES = ("normal", "operational", "mandatory")


def to_hex(data: bytes) -> str:
    """Return bytes in hex behind ``0x``."""
    return f"0x{data.hex()}"


def to_header(block: Block) -> Json:
    """Return a header."""
    return {
        "parentHash": to_hex(block.parent),
        "number": hex(block.number),
        "stateRoot": to_hex(block.state_root),
        "extrinsicsRoot": to_hex(block.extrinsics_root),
        "digest": {"logs": [to_hex(log) for log in block.digest]},
    }


def to_block(block: Block) -> Json:
    """Return a signed block."""
    body = [to_hex(extrinsic) for extrinsic in block.extrinsics]
    return {"block": {"header": to_header(block), "extrinsics": body}, "justifications": None}


def to_runtime_version(version: RuntimeBlob) -> Json:
    """Return a runtime's version."""
    return {
        "specName": version.spec_name,
        "implName": version.impl_name,
        "authoringVersion": version.authoring_version,
        "specVersion": version.spec_version,
        "implVersion": version.impl_version,
        "apis": [[_API_IDS.get(name, name), number] for name, number in version.apis],
        "transactionVersion": version.transaction_version,
        "systemVersion": version.system_version,
        "stateVersion": version.system_version,
    }


def to_status(status: Status) -> Json:
    """Return a transaction's status."""
    return status.kind if status.hash is None else {status.kind: to_hex(status.hash)}


def to_query_info(answer: bytes) -> Json:
    """Decode ``RuntimeDispatchInfo``."""
    ref_time, at = decode_compact(answer)
    proof_size, at = decode_compact(answer, at)
    return {
        "weight": {"ref_time": ref_time, "proof_size": proof_size},
        "class": _CLASSES[answer[at]],
        "partialFee": str(int.from_bytes(answer[at + 1 : at + 17], "little")),
    }


def to_fee_details(answer: bytes) -> Json:
    """Decode ``FeeDetails``."""
    inclusion = None
    if answer[0]:
        fees = [hex(int.from_bytes(answer[at : at + 16], "little")) for at in (1, 17, 33)]
        inclusion = dict(zip(("baseFee", "lenFee", "adjustedWeightFee"), fees, strict=True))
    return {"inclusionFee": inclusion}


def decode_u32(answer: bytes) -> int:
    """Decode a ``u32``."""
    (value,) = struct.unpack("<I", answer)
    return int(value)
