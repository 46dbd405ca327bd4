"""The few SCALE encodings that the dev chain itself needs: compact integers and byte vectors.

Source: SCALE codec, Polkadot specification, appendix A.2.2.
"""

import struct

__all__ = ["decode_compact", "decode_vec", "encode_compact", "encode_vec"]


def encode_compact(value: int) -> bytes:
    """Encode a non-negative integer below 2**536 as a SCALE compact.

    Raises:
        ValueError: the value is negative or too large.
    """
    if value < 0:
        raise ValueError(f"a compact integer is never negative, got {value}")
    if value < 1 << 6:
        return bytes((value << 2,))
    if value < 1 << 14:
        return struct.pack("<H", value << 2 | 1)
    if value < 1 << 30:
        return struct.pack("<I", value << 2 | 2)
    body = value.to_bytes((value.bit_length() + 7) // 8, "little")
    if len(body) > 67:
        raise ValueError("a compact integer is below 2**536")
    return bytes(((len(body) - 4) << 2 | 3,)) + body


def decode_compact(data: bytes, offset: int = 0) -> tuple[int, int]:
    """Decode the compact at ``offset``; return it and the offset behind it.

    Raises:
        ValueError: the bytes end too early.
    """
    if offset >= len(data):
        raise ValueError("the bytes end before a compact integer")
    mode = data[offset] & 3
    size = (1, 2, 4)[mode] if mode < 3 else (data[offset] >> 2) + 5
    end = offset + size
    if end > len(data):
        raise ValueError("the bytes end inside a compact integer")
    if mode < 3:
        return int.from_bytes(data[offset:end], "little") >> 2, end
    return int.from_bytes(data[offset + 1 : end], "little"), end


def encode_vec(data: bytes) -> bytes:
    """Encode bytes as a SCALE ``Vec<u8>``: their length as a compact, then themselves."""
    return encode_compact(len(data)) + data


def decode_vec(data: bytes, offset: int = 0) -> tuple[bytes, int]:
    """Decode the ``Vec<u8>`` at ``offset``; return its bytes and the offset behind it.

    Raises:
        ValueError: the bytes end too early.
    """
    length, start = decode_compact(data, offset)
    end = start + length
    if end > len(data):
        raise ValueError("the bytes end inside a vector")
    return data[start:end], end
