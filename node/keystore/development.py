"""The accounts of the development phrase, whose secrets every Substrate tool knows.

A key is one of them by what it is, not by what its file says: an imported seed of ``//Alice`` is marked, too.

Source: ``sp-core``, ``DEV_PHRASE`` and the derivation of hard junctions for ed25519.
"""

import hashlib
from functools import cache
from typing import Final

from market.errors import UsageError
from market.identity import Identity, PublicKey

__all__ = ["NAMES", "development_name", "development_seed"]

_SEED: Final = bytes.fromhex("fac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e")
"""Of ``bottom drive obey lake curtain smoke basket hold race lonely fit walk``."""
NAMES: Final = ("Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie", "One", "Two")
_PATHS: Final = tuple(f"//{name}{end}" for name in NAMES for end in ("", "//stash"))


def development_seed(path: str) -> bytes:
    """Return the seed behind ``//Alice`` and its like.

    Raises:
        UsageError: it is none of the well-known ones, with or without ``//stash``.
    """
    path = path if path.startswith("//") else f"//{path}"
    if path not in _PATHS:
        raise UsageError(f"{path} is no development account; those are {', '.join(NAMES)}")
    seed = _SEED
    for junction in path.removeprefix("//").split("//"):
        # SCALE: the tag and the junction are strings of fewer than 64 bytes, so one byte of length times 4.
        code = bytes([len(junction) << 2]) + junction.encode()
        tag = bytes([len(b"Ed25519HDKD") << 2]) + b"Ed25519HDKD"
        seed = hashlib.blake2b(tag + seed + code.ljust(32, b"\0"), digest_size=32).digest()
    return seed


def development_name(key: PublicKey) -> str | None:
    """Return which development account a key is (``//Alice``), or None."""
    return _known().get(key)


@cache
def _known() -> dict[PublicKey, str]:
    known = {Identity.from_seed(development_seed(path)).key: path for path in _PATHS}
    return {Identity.from_seed(_SEED).key: "//", **known}
