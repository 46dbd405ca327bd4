"""The hashes of Substrate.

Source: Polkadot specification, appendix A.1; ``sp-crypto-hashing``.
"""

import functools
import hashlib

import xxhash

__all__ = ["blake2_128", "blake2_256", "keccak_256", "keccak_512", "storage_prefix", "twox"]


def blake2_128(data: bytes) -> bytes:
    """Return the 16-byte BLAKE2b hash."""
    return hashlib.blake2b(data, digest_size=16).digest()


def blake2_256(data: bytes) -> bytes:
    """Return the 32-byte BLAKE2b hash."""
    return hashlib.blake2b(data, digest_size=32).digest()


def twox(data: bytes, size: int) -> bytes:
    """Return ``size`` (8, 16 or 32) bytes of XXH64 with seeds 0, 1, ... put side by side."""
    return _twox_of_name(data, size) if len(data) <= _NAME else _twox(data, size)


def _twox(data: bytes, size: int) -> bytes:
    # XXH64's canonical digest is big-endian; Substrate stores it little-endian.
    return b"".join(
        xxhash.xxh64_intdigest(data, seed).to_bytes(8, "little") for seed in range(size // 8)
    )


_NAME = 64
"""Bytes of the longest name of a pallet or item that is worth remembering."""
_twox_of_name = functools.lru_cache(maxsize=4096)(_twox)
"""A runtime hashes the names of its storage items a hundred times an extrinsic."""


def keccak_256(data: bytes) -> bytes:
    """Return the 32-byte Keccak hash (Ethereum's, not SHA-3)."""
    from Crypto.Hash import keccak  # costs a start 15 ms, and few runtimes ask for it

    return keccak.new(data=data, digest_bits=256).digest()


def keccak_512(data: bytes) -> bytes:
    """Return the 64-byte Keccak hash."""
    from Crypto.Hash import keccak

    return keccak.new(data=data, digest_bits=512).digest()


def storage_prefix(pallet: str, item: str) -> bytes:
    """Return the 32-byte prefix under which FRAME keeps a pallet's storage item."""
    return twox(pallet.encode(), 16) + twox(item.encode(), 16)
