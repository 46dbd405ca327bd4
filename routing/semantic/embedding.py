"""The built-in embedder: words and pieces of words, hashed into a vector. It needs no download.

Two texts are near when they share words, or words that look alike (``summarize``, ``summary``,
``summaries``); it knows no synonyms. Whoever wants those gives the directory another :class:`Embedder`.

Source: Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009, section 2 (the
second hash gives the sign, so that collisions cancel in expectation); Bojanowski et al., "Enriching Word
Vectors with Subword Information", TACL 2017, section 3.2 (n-grams of a word between brackets).
"""

import hashlib
import math
import re
import unicodedata
from collections import Counter
from functools import lru_cache
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["DIMENSIONS", "Embedder", "HashingEmbedder"]

DIMENSIONS: Final = 256
MAX_CHARACTERS: Final = 1_024
"""Of a text that are looked at; an announcement's is shorter."""

Vector = NDArray[np.float32]
_WORD: Final = re.compile(r"[^\W_]+")
_PIECES: Final = (3, 4, 5)
"""Lengths of pieces of a word."""
_PIECE_WEIGHT: Final = 1.0
_COMMON: Final = frozenset(
    re.findall(
        r"\w+",
        """a an and any are as at be by for from has have i in into is it its me my no not of on or our that
        the their them then these they this to was we were what when where which who will with you your""",
    )
)
"""Words that say nothing of what an agent can do."""


class Embedder(Protocol):
    """Port: what turns text into vectors."""

    @property
    def dimensions(self) -> int:
        """Return the length of a vector."""
        ...

    def embed(self, text: str) -> Vector:
        """Return a vector of length one, float32 of shape (dimensions,); all zeros for a text without words."""
        ...


@lru_cache(maxsize=65_536)
def _features(word: str) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the places in the vector of a word and its pieces, and their weights with their signs."""
    around = f"<{word}>"
    found = [(around, 1.0)]
    pieces = {around[i : i + size] for size in _PIECES for i in range(len(around) - size + 1)} - {
        around
    }
    share = _PIECE_WEIGHT / max(1, len(pieces)) ** 0.5
    found += [(piece, share) for piece in sorted(pieces)]
    places: list[int] = []
    weights: list[float] = []
    for feature, weight in found:
        # Not a checksum: CRCs are linear, and pieces that differ alike would meet again and again.
        hashed = int.from_bytes(hashlib.blake2b(feature.encode(), digest_size=8).digest(), "little")
        places.append(hashed % DIMENSIONS)
        weights.append(weight if hashed >> 63 else -weight)
    return np.array(places, dtype=np.intp), np.array(weights, dtype=np.float64)


class HashingEmbedder:
    """Words and their pieces, hashed."""

    @property
    def dimensions(self) -> int:
        """Return the length of a vector."""
        return DIMENSIONS

    def embed(self, text: str) -> Vector:
        """Return the text's vector.

        Args:
            text: any; case, accents and common words do not count.
        """
        plain = unicodedata.normalize("NFKD", text[:MAX_CHARACTERS]).casefold()
        plain = "".join(c for c in plain if not unicodedata.combining(c))
        counts = Counter(word for word in _WORD.findall(plain) if word not in _COMMON)
        if not counts:
            return np.zeros(DIMENSIONS, dtype=np.float32)
        places: list[NDArray[np.intp]] = []
        weights: list[NDArray[np.float64]] = []
        for word, count in counts.items():
            where, weight = _features(word[:64])
            places.append(where)
            # The logarithm: repeating a word does not buy the first place.
            weights.append(weight if count == 1 else weight * (1.0 + math.log(count)))
        sums = np.bincount(np.concatenate(places), np.concatenate(weights), DIMENSIONS)
        vector = sums.astype(np.float32)
        length = float(np.linalg.norm(vector))
        return vector / np.float32(length) if length > 0 else vector
