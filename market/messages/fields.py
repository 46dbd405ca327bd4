"""The fields that messages are made of, each with its cap.

A cap here is a rule of the wire: a decoder refuses what exceeds it, and so does the encoder.
``WireStruct`` is what all messages are: frozen, by keyword, unknown fields refused.
"""

import itertools
from collections.abc import Sequence
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta

from market.hashing import AuctionId, GenesisHash, Hash, MessageId, TaskId
from market.identity import AccountId, PublicKey, Signature
from market.merkle import MerkleRoot
from market.units import MAX_AMOUNT, MAX_BLOCK, PPM, BlockNumber, Planck, Ppm

__all__ = [
    "MAX_BIDDERS",
    "MAX_BLOB_BYTES",
    "MAX_BUNDLES",
    "MAX_MILESTONES",
    "MAX_SLOTS",
    "MAX_TASKS",
    "Account",
    "Amount",
    "Attempt",
    "Auction",
    "Blob",
    "Block",
    "Blocks",
    "CapabilityName",
    "Feature",
    "Fraction",
    "Genesis",
    "Hash32",
    "Key",
    "Label",
    "Message32",
    "Nonce",
    "PositiveAmount",
    "Root",
    "Sequence63",
    "Signature64",
    "Slot",
    "Task32",
    "TaskIndex",
    "Text",
    "Unsigned32",
    "WireStruct",
    "is_strictly_increasing",
]

MAX_TASKS: Final = 64
"""Tasks of one call for proposals."""
MAX_BIDDERS: Final = 256
"""Commitments of one auction."""
MAX_SLOTS: Final = 64
"""Tasks that one provider offers to take at a time."""
MAX_BUNDLES: Final = 64
"""Bundles in one ask."""
MAX_MILESTONES: Final = 8
"""Milestones of one agreement, the chain's own limit."""
MAX_BLOB_BYTES: Final = 32 * 1024 * 1024
"""Largest input or result that travels between nodes."""

_NAME = r"^[a-z][a-z0-9_-]{0,31}(\.[a-z][a-z0-9_-]{0,31}){0,3}$"

Account = Annotated[AccountId, Meta(min_length=32, max_length=32)]
Key = Annotated[PublicKey, Meta(min_length=32, max_length=32)]
Signature64 = Annotated[Signature, Meta(min_length=64, max_length=64)]
Genesis = Annotated[GenesisHash, Meta(min_length=32, max_length=32)]
Hash32 = Annotated[Hash, Meta(min_length=32, max_length=32)]
Message32 = Annotated[MessageId, Meta(min_length=32, max_length=32)]
Auction = Annotated[AuctionId, Meta(min_length=32, max_length=32)]
Task32 = Annotated[TaskId, Meta(min_length=32, max_length=32)]
Root = Annotated[MerkleRoot, Meta(min_length=32, max_length=32)]
Nonce = Annotated[bytes, Meta(min_length=32, max_length=32)]

Amount = Annotated[Planck, Meta(ge=0, le=MAX_AMOUNT, extra_json_schema={"format": "planck"})]
PositiveAmount = Annotated[
    Planck, Meta(ge=1, le=MAX_AMOUNT, extra_json_schema={"format": "planck"})
]
Block = Annotated[BlockNumber, Meta(ge=0, le=MAX_BLOCK)]
Blocks = Annotated[int, Meta(ge=1, le=MAX_BLOCK)]
"""A number of blocks, at least one."""
Fraction = Annotated[Ppm, Meta(ge=0, le=PPM)]
Unsigned32 = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Sequence63 = Annotated[int, Meta(ge=0, le=2**63 - 1, extra_json_schema={"format": "sequence"})]
TaskIndex = Annotated[int, Meta(ge=0, le=MAX_TASKS - 1)]
"""Position of a task in its call for proposals; tasks stand there in the order of their ids."""
Attempt = Annotated[int, Meta(ge=0, le=255)]
Slot = Annotated[int, Meta(ge=0, le=MAX_SLOTS)]

CapabilityName = Annotated[str, Meta(pattern=_NAME, max_length=96)]
"""One to four dotted words (``text.summarize``)."""
Label = Annotated[str, Meta(pattern=r"^[ -~]*$", max_length=128)]
"""Printable ASCII: an address, a media type, the name of a feature."""
Text = Annotated[str, Meta(max_length=512)]
"""Free text from a peer: never shown without escaping."""


class WireStruct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A value that travels: immutable, all fields required, unknown ones refused.

    Such values cannot refer back to themselves, so the garbage collector need not look at them:
    hostile messages full of small parts do not make it run.
    """


class Blob(WireStruct, frozen=True, kw_only=True):
    """Something too large for a message, by its hash."""

    hash: Hash32
    """BLAKE2b-256 of the bytes themselves, without a domain: any tool can compute it."""
    size: Annotated[int, Meta(ge=0, le=MAX_BLOB_BYTES)]
    """Bytes."""
    media_type: Label
    """As in HTTP's Content-Type (``application/json``)."""


class Feature(WireStruct, frozen=True, kw_only=True):
    """One measurement of an input that a price may depend on (``tokens = 1200``)."""

    name: Label
    value: Annotated[int, Meta(ge=0, le=MAX_AMOUNT)]


_Key = TypeVar("_Key", bytes, int, str, tuple[int, ...])


def is_strictly_increasing(items: Sequence[_Key]) -> bool:
    """Return whether items are sorted and unique: lists that mean sets have one encoding only."""
    return all(a < b for a, b in itertools.pairwise(items))
