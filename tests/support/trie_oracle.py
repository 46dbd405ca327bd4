"""Substrate's trie root, computed whole from the specification: slow, stateless, and written apart.

Source: Polkadot specification, section 2.4.3 and appendix A.4.
"""

from collections.abc import Callable, Mapping
from hashlib import blake2b


def blake2_256(data: bytes) -> bytes:
    return blake2b(data, digest_size=32).digest()


def _compact(n: int) -> bytes:
    if n < 2**6:
        return (n * 4).to_bytes(1, "little")
    if n < 2**14:
        return (n * 4 + 1).to_bytes(2, "little")
    return (n * 4 + 2).to_bytes(4, "little")


def _header(kind: str, length: int) -> bytes:
    """The kind in the first bits, then the length in what is left and as many bytes as it takes."""
    bits = {
        "leaf": "01",
        "branch": "10",
        "branch+value": "11",
        "leaf#": "001",
        "branch+value#": "0001",
    }
    room = 2 ** (8 - len(bits[kind])) - 1
    first = int(bits[kind], 2) << (8 - len(bits[kind]))
    if length < room:
        return bytes([first + length])
    out, length = [first + room], length - room
    while length >= 255:
        out.append(255)
        length -= 255
    return bytes([*out, length])


def _nibbles(key: bytes) -> tuple[int, ...]:
    return tuple(n for byte in key for n in divmod(byte, 16))


def _pack(nibbles: tuple[int, ...]) -> bytes:
    padded = (0, *nibbles) if len(nibbles) % 2 else nibbles
    return bytes(16 * a + b for a, b in zip(padded[::2], padded[1::2], strict=True))


def whole_root(
    pairs: Mapping[bytes, bytes], version: int, hasher: Callable[[bytes], bytes] = blake2_256
) -> bytes:
    """Return the root of a trie that holds exactly these pairs."""

    def encode(items: dict[tuple[int, ...], bytes]) -> bytes:
        keys = sorted(items)
        shared = 0
        while all(len(k) > shared and k[shared] == keys[0][shared] for k in keys):
            shared += 1
        partial = keys[0][:shared]
        own = items.get(partial)
        below = {k[shared:]: v for k, v in items.items() if k != partial}
        kind = ("branch+value" if own is not None else "branch") if below else "leaf"
        stored = b""
        if own is not None:
            if version == 1 and len(own) > 32:
                kind, stored = kind + "#", hasher(own)
            else:
                stored = _compact(len(own)) + own
        out = _header(kind, shared) + _pack(partial)
        if not below:
            return out + stored
        bitmap, children = 0, b""
        for digit in range(16):
            group = {k[1:]: v for k, v in below.items() if k[0] == digit}
            if group:
                bitmap += 2**digit
                child = encode(group)
                child = child if len(child) < 32 else hasher(child)
                children += _compact(len(child)) + child
        return out + bitmap.to_bytes(2, "little") + stored + children

    if not pairs:
        return hasher(b"\0")
    return hasher(encode({_nibbles(k): v for k, v in pairs.items()}))
