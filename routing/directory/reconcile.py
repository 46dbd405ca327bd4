"""How two directories find out what one lacks, without telling each other all they have.

Accounts fall into buckets by a hash, and a bucket's digest is the exclusive or of its entries' hashes, so
that it is kept up to date by one operation per change. Whoever is connected asks for the digests, then for the
lists of those buckets that differ, then for what is newer there than here.

Source: Eppstein et al., "What's the Difference? Efficient Set Reconciliation without Prior Context", SIGCOMM
2011, section 2, the hash-bucket baseline; sets differ by few entries here, so that a sketch is not worth it.
"""

import hashlib
from typing import Final

from market.identity import AccountId

__all__ = ["BUCKETS", "DIGEST_BYTES", "Digests"]

BUCKETS: Final = 256
DIGEST_BYTES: Final = 8


class Digests:
    """The accounts and sequences that are listed, in buckets."""

    def __init__(self) -> None:
        self._digests = [0] * BUCKETS
        self._members: list[dict[AccountId, int]] = [{} for _ in range(BUCKETS)]

    def put(self, account: AccountId, sequence: int) -> None:
        """Set an account's sequence."""
        self.drop(account)
        bucket = bucket_of(account)
        self._members[bucket][account] = sequence
        self._digests[bucket] ^= _hash(account, sequence)

    def drop(self, account: AccountId) -> None:
        """Forget an account, if it is there."""
        bucket = bucket_of(account)
        sequence = self._members[bucket].pop(account, None)
        if sequence is not None:
            self._digests[bucket] ^= _hash(account, sequence)

    def encode(self) -> bytes:
        """Return all digests, one after the other."""
        return b"".join(each.to_bytes(DIGEST_BYTES, "big") for each in self._digests)

    def differing(self, theirs: bytes) -> list[int]:
        """Return the buckets in which another directory differs.

        Args:
            theirs: what its ``encode`` returned; one of another length differs everywhere.
        """
        ours = self.encode()
        if len(theirs) != len(ours):
            return list(range(BUCKETS))
        size = DIGEST_BYTES
        return [
            n
            for n in range(BUCKETS)
            if ours[n * size : n * size + size] != theirs[n * size : n * size + size]
        ]

    def members(self, bucket: int) -> dict[AccountId, int]:
        """Return the accounts in a bucket with their sequences."""
        return dict(self._members[bucket])


def bucket_of(account: AccountId) -> int:
    """Return the bucket of an account."""
    return hashlib.blake2b(account, digest_size=1).digest()[0]


def _hash(account: AccountId, sequence: int) -> int:
    data = account + sequence.to_bytes(8, "big")
    return int.from_bytes(hashlib.blake2b(data, digest_size=DIGEST_BYTES).digest(), "big")
