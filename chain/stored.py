"""What is kept of a submission, so that a crash or a lost answer loses nothing and repeats nothing."""

from typing import Protocol

import attrs
import trio

from chain.eras import Era
from chain.session import BlockRef, extrinsic_hash
from chain.units import Nonce
from market.hashing import GenesisHash
from market.identity import AccountId

__all__ = ["MemoryStore", "Place", "Store", "Submission"]


@attrs.frozen
class Place:
    """Where an extrinsic is on the finalised chain."""

    block: BlockRef
    index: int
    """Of the block's extrinsics, from 0."""


@attrs.frozen
class Submission:
    """What is stored under a key."""

    key: str
    call: str
    """Pallet and call."""
    account: AccountId
    genesis: GenesisHash
    nonce: Nonce
    era: Era
    raw: bytes = attrs.field(repr=False)
    """The signed extrinsic."""
    attempt: int = 1
    """How often it was signed; each time before could not be carried out any more."""
    place: Place | None = None
    """Once it is settled."""

    @property
    def hash(self) -> bytes:
        """What the chain knows the extrinsic by."""
        return extrinsic_hash(self.raw)


class Store(Protocol):
    """What the caller keeps submissions in. It survives a crash."""

    async def load(self, key: str) -> Submission | None:
        """Return what was saved last under a key."""
        ...

    async def save(self, submission: Submission) -> None:
        """Save under the submission's key; return when it would survive a power cut."""
        ...


class MemoryStore:
    """Keeps submissions as long as the program runs: for one command, a demonstration, a measurement.

    Where a crash may come between, and doing it twice would cost, it is not enough.
    """

    def __init__(self) -> None:
        self._kept: dict[str, Submission] = {}

    async def load(self, key: str) -> Submission | None:
        """Return what was saved last under a key."""
        await trio.lowlevel.checkpoint()
        return self._kept.get(key)

    async def save(self, submission: Submission) -> None:
        """Save under the submission's key."""
        await trio.lowlevel.checkpoint()
        self._kept[submission.key] = submission
