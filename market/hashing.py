"""One hash function, and a domain in front of all it hashes.

Every hash of the market is BLAKE2b-256 over ``b"ainur/1/" ++ kind ++ b"\\0" ++ data``. A kind has no
zero byte, so no two kinds can meet in one input: what was signed as an award is never a bid.
"""

import hashlib
from typing import Final, NewType

from market.errors import UsageError
from market.identity import AccountId

__all__ = [
    "HASH_BYTES",
    "AuctionId",
    "GenesisHash",
    "Hash",
    "MessageId",
    "TaskId",
    "audience_of_topic",
    "digest",
    "domain",
    "tie_key",
]

HASH_BYTES: Final = 32

Hash = NewType("Hash", bytes)
"""32 bytes: the hash of anything."""
MessageId = NewType("MessageId", bytes)
"""32 bytes: the hash that a message's signature covers."""
AuctionId = NewType("AuctionId", bytes)
"""32 bytes: the id of the call for proposals that opened the auction."""
TaskId = NewType("TaskId", bytes)
"""32 bytes, chosen at random by the requester; with it and an attempt the chain finds the escrow."""
GenesisHash = NewType("GenesisHash", bytes)
"""32 bytes: the hash of the chain's block 0, which tells one chain from another."""


def domain(kind: str) -> bytes:
    """Return the prefix that keeps one kind of hash or signature apart from all others.

    Raises:
        UsageError: the kind is empty, not ASCII, or holds a zero byte.
    """
    if not kind or not kind.isascii() or "\0" in kind:
        raise UsageError(f"a kind is ASCII text without zero bytes, not {kind!r}")
    return b"ainur/1/" + kind.encode("ascii") + b"\0"


def digest(kind: str, data: bytes) -> Hash:
    """Return BLAKE2b-256 of the data in the domain of a kind.

    Raises:
        UsageError: the kind is empty, not ASCII, or holds a zero byte.

    Source: RFC 7693 with a 32-byte output and neither key, salt nor personalisation.
    """
    return Hash(hashlib.blake2b(domain(kind) + data, digest_size=HASH_BYTES).digest())


def audience_of_topic(topic: str) -> Hash:
    """Return the audience of an envelope that is published on a topic rather than sent to one account."""
    return digest("topic", topic.encode())


def tie_key(auction: AuctionId, task: TaskId, account: AccountId) -> Hash:
    """Return what orders providers that tie for a task: smaller goes first.

    The auction's id is in it, so nobody can choose an account that wins all ties; and it is no
    clock or arrival order, so being fast gains nothing.
    """
    return digest("tie", auction + task + account)
