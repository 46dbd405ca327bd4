"""Signed extrinsics of the project's runtime, encoded by hand: an oracle that shares no code with a client.

Source: Polkadot specification, section 7 (extrinsic version 4); the runtime's transaction extensions.
"""

import hashlib
import struct
from typing import Any

import ed25519_zebra
import sr25519

from chain.devchain.chain import DevChain
from chain.devchain.scale import encode_compact, encode_vec

_DEV_SEED = bytes.fromhex("fac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e")
NAMES = ("Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie")
UNIT = 10**12


class Key:
    """A key pair of the development phrase."""

    def __init__(self, name: str, scheme: str = "sr25519") -> None:
        junction = encode_vec(name.encode()).ljust(32, b"\0")
        self.scheme = scheme
        self.public: bytes
        self._secret: bytes
        if scheme == "sr25519":
            pair = sr25519.pair_from_seed(_DEV_SEED)
            _, public, secret = sr25519.hard_derive_keypair((junction, pair[0], pair[1]), b"")
            self._secret, self.public = bytes(secret), bytes(public)
        else:
            data = encode_vec(b"Ed25519HDKD") + _DEV_SEED + junction
            seed = hashlib.blake2b(data, digest_size=32).digest()
            secret, public = ed25519_zebra.ed_from_seed(seed)
            self._secret, self.public = bytes(secret), bytes(public)

    def sign(self, message: bytes) -> bytes:
        """Return an encoded ``MultiSignature``."""
        if self.scheme == "sr25519":
            return b"\1" + bytes(sr25519.sign((self.public, self._secret), message))
        return b"\0" + bytes(ed25519_zebra.ed_sign(self._secret, message))


ACCOUNTS = {name: Key(name) for name in NAMES}
ALICE, BOB = ACCOUNTS["Alice"], ACCOUNTS["Bob"]


def mortal_era(period: int, birth: int) -> bytes:
    """Encode an era of ``period`` blocks (a power of two from 4) that holds ``birth``."""
    quantize = max(period >> 12, 1)
    phase = birth % period // quantize
    exponent = period.bit_length() - 2
    return struct.pack("<H", min(max(exponent, 1), 15) | phase << 4)


def sign(
    chain: DevChain,
    key: Key,
    call: bytes,
    nonce: int,
    *,
    tip: int = 0,
    era: tuple[int, int] | None = None,
    genesis: bytes | None = None,
) -> bytes:
    """Return a signed extrinsic.

    Args:
        era: period and birth block; None for immortal.
        genesis: sign for another chain.
    """
    version = chain.runtime().version
    genesis = genesis or chain.genesis.hash
    birth = genesis if era is None else (chain.block_hash(era[1]) or bytes(32))
    era_bytes = b"\0" if era is None else mortal_era(*era)
    extra = era_bytes + encode_compact(nonce) + encode_compact(tip) + b"\0"
    versions = struct.pack("<II", version.spec_version, version.transaction_version)
    payload = call + extra + versions + genesis + birth + b"\0"
    if len(payload) > 256:
        payload = hashlib.blake2b(payload, digest_size=32).digest()
    body = b"\x84\0" + key.public + key.sign(payload) + extra + call
    return encode_vec(body)


def call_index(chain: DevChain, pallet: str, call: str) -> bytes:
    """Return a call's pallet and call index, from the runtime's metadata."""
    metadata: Any = chain.metadata()._metadata
    for module in metadata.pallets:
        if module.value["name"] == pallet:
            for function in module.calls:
                if function.value["name"] == call:
                    return bytes([int(module.value["index"]), int(function.value["index"])])
    raise LookupError(f"{pallet}.{call}")


def remark(chain: DevChain, data: bytes = b"hello") -> bytes:
    """Return the call ``System.remark``."""
    return call_index(chain, "System", "remark") + encode_vec(data)


def transfer(chain: DevChain, to: Key, planck: int) -> bytes:
    """Return the call ``Balances.transfer_allow_death``."""
    index = call_index(chain, "Balances", "transfer_allow_death")
    return index + b"\0" + to.public + encode_compact(planck)


def sudo(chain: DevChain, call: bytes) -> bytes:
    """Return the call ``Sudo.sudo``."""
    return call_index(chain, "Sudo", "sudo") + call
