"""``sp_io::trie``: roots of tries that are made for the purpose, such as a block's extrinsics."""

from collections.abc import Iterator

from chain.devchain.hashing import blake2_256, keccak_256
from chain.devchain.host.registry import Host, host_function, unavailable
from chain.devchain.scale import decode_compact, decode_vec, encode_compact
from chain.devchain.trie import Hasher, root_of


def _pairs(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    count, at = decode_compact(data)
    for _ in range(count):
        key, at = decode_vec(data, at)
        value, at = decode_vec(data, at)
        yield key, value


def _enumerated(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    count, at = decode_compact(data)
    for i in range(count):
        value, at = decode_vec(data, at)
        yield encode_compact(i), value


def _register(name: str, hasher: Hasher) -> None:
    @host_function(f"trie_{name}_root", 1, 2)
    def root(host: Host, pairs: int, version: int = 0) -> int:
        return host.machine.give(root_of(_pairs(host.read(pairs)), version, hasher))

    @host_function(f"trie_{name}_ordered_root", 1, 2)
    def ordered_root(host: Host, values: int, version: int = 0) -> int:
        return host.machine.give(root_of(_enumerated(host.read(values)), version, hasher))

    unavailable(
        "trie",
        f"{name}_verify_proof {name}_verify_proof@2",
        "compact trie proofs are not checked by a dev chain",
    )


_register("blake2_256", blake2_256)
_register("keccak_256", keccak_256)
