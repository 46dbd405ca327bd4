"""``sp_io::hashing``."""

import hashlib

from chain.devchain.hashing import blake2_128, blake2_256, keccak_256, keccak_512, twox
from chain.devchain.host.registry import Host, host_function


@host_function("hashing_blake2_128")
def hash_blake2_128(host: Host, data: int) -> int:
    """Return a pointer to 16 bytes."""
    return host.machine.give(blake2_128(host.machine.read(data)))


@host_function("hashing_blake2_256")
def hash_blake2_256(host: Host, data: int) -> int:
    """Return a pointer to 32 bytes."""
    return host.machine.give(blake2_256(host.machine.read(data)))


@host_function("hashing_keccak_256")
def hash_keccak_256(host: Host, data: int) -> int:
    """Return a pointer to 32 bytes."""
    return host.machine.give(keccak_256(host.read(data)))


@host_function("hashing_keccak_512")
def hash_keccak_512(host: Host, data: int) -> int:
    """Return a pointer to 64 bytes."""
    return host.machine.give(keccak_512(host.read(data)))


@host_function("hashing_sha2_256")
def hash_sha2_256(host: Host, data: int) -> int:
    """Return a pointer to 32 bytes."""
    return host.machine.give(hashlib.sha256(host.read(data)).digest())


@host_function("hashing_twox_64")
def hash_twox_64(host: Host, data: int) -> int:
    """Return a pointer to 8 bytes."""
    return host.machine.give(twox(host.machine.read(data), 8))


@host_function("hashing_twox_128")
def hash_twox_128(host: Host, data: int) -> int:
    """Return a pointer to 16 bytes."""
    return host.machine.give(twox(host.machine.read(data), 16))


@host_function("hashing_twox_256")
def hash_twox_256(host: Host, data: int) -> int:
    """Return a pointer to 32 bytes."""
    return host.machine.give(twox(host.read(data), 32))
