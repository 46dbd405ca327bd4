"""One encoding for each value: canonical msgpack, and a decoder that takes no other.

Canonical means: maps with sorted text keys, the shortest form of every integer, string, array and map
header, no extension types, nothing behind the value. A general msgpack decoder accepts much else,
so that one signed value would have many byte strings and many hashes; here a decoded value is
encoded again and must give the bytes that came in.

What can go wrong inside a typed decoder on hostile input (its own error, a text that is not UTF-8,
nesting beyond the interpreter's limit) leaves as :class:`~market.errors.DecodeError` and as nothing else.
"""

from functools import cache
from typing import Final, TypeVar, cast

import msgspec

from market.errors import DecodeError, UsageError
from market.messages import BODIES, Body, Kind, Transcript, WireStruct

__all__ = [
    "CONTROL_BYTES",
    "TRANSCRIPT_BYTES",
    "cap_of",
    "decode_body_untrusted",
    "decode_canonical_untrusted",
    "encode_canonical",
]

CONTROL_BYTES: Final = 64 * 1024
"""Cap of every message but the transcript, envelope included."""
TRANSCRIPT_BYTES: Final = 4 * 1024 * 1024
"""Cap of a transcript, which travels by request, never by gossip."""

_ENVELOPE_ROOM: Final = 1024
"""Bytes that an envelope adds around its body, at most."""

_T = TypeVar("_T", bound=WireStruct)
_ENCODER: Final = msgspec.msgpack.Encoder(order="sorted")


@cache
def _decoder(kind: type[WireStruct]) -> msgspec.msgpack.Decoder[WireStruct]:
    return msgspec.msgpack.Decoder(kind, strict=True)


def cap_of(kind: type[WireStruct]) -> int:
    """Return the most bytes that a body of this type may have."""
    return (TRANSCRIPT_BYTES if kind is Transcript else CONTROL_BYTES) - _ENVELOPE_ROOM


def encode_canonical(value: WireStruct, *, limit: int | None = None) -> bytes:
    """Return the one encoding of a value.

    Args:
        value: any message or part of one.
        limit: bytes; the cap of the value's type when None.

    Raises:
        UsageError: a field exceeds its cap, so that no peer would take the message.
    """
    data = _ENCODER.encode(value)
    try:
        decode_canonical_untrusted(data, type(value), limit=limit)
    except DecodeError as error:
        raise UsageError(f"peers would refuse this {type(value).__name__}: {error}") from error
    return data


def decode_canonical_untrusted(data: bytes, kind: type[_T], *, limit: int | None = None) -> _T:
    """Decode bytes from a peer.

    Args:
        data: what came in.
        kind: the type that it should be.
        limit: bytes; the cap of the type when None.

    Raises:
        DecodeError: too long, not of that type, a rule of a field broken, or not canonical.
    """
    cap = cap_of(kind) if limit is None else limit
    if len(data) > cap:
        raise DecodeError(f"{len(data)} bytes where a {kind.__name__} has at most {cap}")
    try:
        value = cast("_T", _decoder(kind).decode(data))
        canonical = _ENCODER.encode(value)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError) as error:
        raise DecodeError(f"not a {kind.__name__}: {error}") from error
    if canonical != data:
        raise DecodeError(f"a {kind.__name__} that is not in canonical form")
    return value


def decode_body_untrusted(kind: Kind, data: bytes) -> Body:
    """Decode the body of a message whose kind its envelope names.

    Raises:
        DecodeError: as for :func:`decode_canonical_untrusted`.
    """
    return decode_canonical_untrusted(data, BODIES[kind])
