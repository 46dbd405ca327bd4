"""A block: its header, decoded, and its extrinsics."""

import struct
from collections.abc import Sequence

import attrs

from chain.devchain.hashing import blake2_256
from chain.devchain.scale import decode_compact, decode_vec, encode_compact, encode_vec
from chain.devchain.trie import root_of

__all__ = ["Block", "decode_body", "encode_body", "encode_header", "extrinsics_root"]


@attrs.frozen
class Block:
    """A block as it stands in the chain; equal if and only if the hashes are."""

    hash: bytes
    """BLAKE2b-256 of the encoded header."""
    number: int = attrs.field(eq=False)
    parent: bytes = attrs.field(eq=False)
    state_root: bytes = attrs.field(eq=False, repr=False)
    extrinsics_root: bytes = attrs.field(eq=False, repr=False)
    digest: tuple[bytes, ...] = attrs.field(eq=False, repr=False)
    """Each log, SCALE-encoded."""
    header: bytes = attrs.field(eq=False, repr=False)
    """SCALE-encoded."""
    extrinsics: tuple[bytes, ...] = attrs.field(eq=False, repr=False)
    """As they were submitted, without a length of their own in front of the one they carry."""

    @classmethod
    def of(cls, header: bytes, extrinsics: Sequence[bytes]) -> "Block":
        """Decode a header.

        Raises:
            ValueError: it is not an encoded header of a BLAKE2 chain with 32-bit block numbers.
        """
        number, at = decode_compact(header, 32)
        end = at + 64
        count, here = decode_compact(header, end)
        logs = []
        for _ in range(count):
            behind = _skip_log(header, here)
            logs.append(header[here:behind])
            here = behind
        if here != len(header):
            raise ValueError("bytes are left over behind the header")
        return cls(
            hash=blake2_256(header),
            number=number,
            parent=header[:32],
            state_root=header[at : at + 32],
            extrinsics_root=header[at + 32 : end],
            digest=tuple(logs),
            header=header,
            extrinsics=tuple(extrinsics),
        )


_OTHER, _CODE_UPDATED = 0, 8
_ENGINE_ITEMS = (4, 5, 6)
"""Consensus, Seal, PreRuntime: four bytes of engine id, then a vector."""


def _skip_log(data: bytes, at: int) -> int:
    if at >= len(data):
        raise ValueError("the header ends inside its digest")
    kind = data[at]
    if kind == _OTHER:
        return decode_vec(data, at + 1)[1]
    if kind in _ENGINE_ITEMS:
        return decode_vec(data, at + 5)[1]
    if kind == _CODE_UPDATED:
        return at + 1
    raise ValueError(f"the digest has an item of unknown kind {kind}")


def encode_header(
    parent: bytes,
    number: int,
    state_root: bytes = bytes(32),
    extrinsics_root: bytes = bytes(32),
    digest: Sequence[bytes] = (),
) -> bytes:
    """Return a SCALE-encoded header."""
    logs = encode_compact(len(digest)) + b"".join(digest)
    return parent + encode_compact(number) + state_root + extrinsics_root + logs


def encode_body(extrinsics: Sequence[bytes]) -> bytes:
    """Return a SCALE vector of opaque extrinsics, each of which already carries its length."""
    return encode_compact(len(extrinsics)) + b"".join(extrinsics)


def decode_body(data: bytes, offset: int = 0) -> tuple[bytes, ...]:
    """Return the extrinsics of an encoded body, each with the length it carries.

    Raises:
        ValueError: the bytes end too early.
    """
    count, at = decode_compact(data, offset)
    extrinsics = []
    for _ in range(count):
        _, behind = decode_vec(data, at)
        extrinsics.append(data[at:behind])
        at = behind
    return tuple(extrinsics)


def extrinsics_root(extrinsics: Sequence[bytes], version: int) -> bytes:
    """Return the root of the trie of extrinsics, keyed by their index as a compact."""
    pairs = ((encode_compact(i), extrinsic) for i, extrinsic in enumerate(extrinsics))
    return root_of(pairs, version)


def timestamp_inherent(millis: int) -> bytes:
    """Return the inherent data that carries the time, in milliseconds since 1970."""
    return encode_compact(1) + b"timstap0" + encode_vec(struct.pack("<Q", millis))
