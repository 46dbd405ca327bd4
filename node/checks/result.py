"""The checks that every result goes through: it is what the receipt says, and what the capability promises."""

import hashlib
from typing import Any, Final

import msgspec

from market.hashing import HASH_BYTES, Hash
from market.messages.fields import Blob
from node.agents.schemas import Judge
from node.checks.verdict import Finding

__all__ = ["check_hash", "check_output", "digest"]

_MEDIA_TYPE: Final = "application/json"


def _hash(output: bytes) -> Hash:
    return Hash(hashlib.blake2b(output, digest_size=HASH_BYTES).digest())


def digest(output: bytes) -> Blob:
    """Return what a receipt says of a result's bytes."""
    return Blob(hash=_hash(output), size=len(output), media_type=_MEDIA_TYPE)


def check_hash(receipt: Blob, output: bytes) -> Finding:
    """Hold a result's bytes to the digest that the provider has signed."""
    found = _hash(output)
    if len(output) != receipt.size:
        return Finding("hash", "failed", f"{len(output)} bytes; the receipt says {receipt.size}")
    if found != receipt.hash:
        return Finding(
            "hash", "failed", f"0x{found.hex()}; the receipt says 0x{receipt.hash.hex()}"
        )
    return Finding("hash", "passed")


def check_output(judge: Judge, output: bytes) -> tuple[Finding, Any]:
    """Hold a result to its capability's schema; return its value as well, None where it has none."""
    try:
        value = msgspec.json.decode(output)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return Finding("json", "failed", f"the result is no JSON: {error}"), None
    fault = judge.fault(value)
    if fault is not None:
        return Finding("schema", "failed", fault), value
    return Finding("schema", "passed"), value
