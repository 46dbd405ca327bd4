"""Addresses: base58 of a prefix, the account and a checksum.

Source: SS58 registry, address format.
"""

import hashlib

import base58

__all__ = ["decode_ss58"]

_CHECKSUM_BYTES = 2


def decode_ss58(address: str) -> bytes:
    """Return the 32-byte account of an address, whatever its network; also takes hex behind ``0x``.

    Raises:
        ValueError: it is not an address.
    """
    if address.startswith("0x"):
        account = bytes.fromhex(address[2:])
    else:
        if len(address) > 64:
            raise ValueError("an address has at most 64 characters")
        data = base58.b58decode(address)
        prefix = 2 if data[:1] and data[0] & 0x40 else 1
        body, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
        digest = hashlib.blake2b(b"SS58PRE" + body, digest_size=64).digest()
        if digest[:_CHECKSUM_BYTES] != checksum:
            raise ValueError("the address has a wrong checksum")
        account = body[prefix:]
    if len(account) != 32:
        raise ValueError(f"an account has 32 bytes, not {len(account)}")
    return account
