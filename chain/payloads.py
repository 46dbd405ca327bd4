"""What keys sign besides extrinsics: a provider's offer, and the proof of a new operator key.

Both are the domain followed by BLAKE2b-256 of a SCALE encoding, byte for byte what the pallets hash. SCALE of
these types is fixed-width little-endian integers, so it is written out here rather than asked of a library.

Source: ``pallets/primitives/src/offer.rs`` and ``operator_payload`` in ``pallets/registry/src/types.rs``.
"""

import hashlib
from typing import Any, Final, Literal

import attrs

from chain.errors import UsageError
from chain.units import AttemptNumber, Blocks, OfferEpoch
from market.hashing import GenesisHash, Hash, TaskId, domain
from market.identity import SIGNATURE_BYTES, AccountId
from market.units import BlockNumber, Planck

__all__ = ["MAX_MILESTONES", "MultiSignature", "Offer", "Scheme", "operator_payload"]

Scheme = Literal["ed25519", "sr25519"]
MAX_MILESTONES: Final = 8


@attrs.frozen
class MultiSignature:
    """A signature, and by which scheme."""

    scheme: Scheme
    signature: bytes = attrs.field(repr=False)
    """64 bytes."""

    SHAPE = "MultiSignature"

    @signature.validator
    def _has_its_length(self, _attribute: object, value: bytes) -> None:
        if len(value) != SIGNATURE_BYTES:
            raise UsageError(f"a signature has {SIGNATURE_BYTES} bytes, not {len(value)}")

    def to_wire(self) -> Any:
        """Return it as the SCALE library takes it."""
        return {self.scheme.capitalize(): f"0x{self.signature.hex()}"}


@attrs.frozen
class Offer:
    """Everything that a provider agrees to, in the order in which it is hashed."""

    genesis: GenesisHash
    """Of the one chain that it binds on."""
    requester: AccountId
    provider: AccountId
    task_id: TaskId
    attempt: AttemptNumber
    price: Planck
    """Net to the provider, the sum of the milestones."""
    milestones: tuple[Planck, ...]
    """1 to 8 amounts, first to last."""
    input_hash: Hash
    slot: Hash
    """The unit of capacity that this uses up; 32 zero bytes where none is counted."""
    terms: Hash
    """Of the agreement."""
    arbiter: AccountId | None
    """Who rules first; the chain's own arbiter where none is named."""
    deliver_within: Blocks
    """For each milestone."""
    review_blocks: Blocks
    valid_until: BlockNumber
    """The last block at which it binds."""
    offer_epoch: OfferEpoch

    def encode(self) -> bytes:
        """Return the SCALE encoding.

        Raises:
            UsageError: a field does not fit its type.
        """
        if len(self.milestones) > MAX_MILESTONES:
            raise UsageError(f"an offer has at most {MAX_MILESTONES} milestones")
        arbiter = b"\0" if self.arbiter is None else b"\1" + _fixed(self.arbiter)
        milestones = bytes([len(self.milestones) << 2])
        milestones += b"".join(_number(amount, 16) for amount in self.milestones)
        return b"".join(
            (
                *map(_fixed, (self.genesis, self.requester, self.provider, self.task_id)),
                *(_number(self.attempt, 1), _number(self.price, 16), milestones),
                *map(_fixed, (self.input_hash, self.slot, self.terms)),
                arbiter,
                *(_number(each, 4) for each in (self.deliver_within, self.review_blocks)),
                *(_number(each, 4) for each in (self.valid_until, self.offer_epoch)),
            )
        )

    def hash(self) -> Hash:
        """Return what ``accept`` names."""
        return _blake2_256(self.encode())

    def signing_payload(self) -> bytes:
        """Return what the provider's operator key signs."""
        return domain("offer") + self.hash()


def operator_payload(genesis: GenesisHash, agent: AccountId, new_key: AccountId) -> bytes:
    """Return what a new operator key signs to prove that its owner holds it."""
    return domain("operator") + _blake2_256(b"".join(map(_fixed, (genesis, agent, new_key))))


def _blake2_256(data: bytes) -> Hash:
    return Hash(hashlib.blake2b(data, digest_size=32).digest())


def _fixed(value: bytes) -> bytes:
    if len(value) != 32:
        raise UsageError(f"accounts and hashes have 32 bytes, not {len(value)}")
    return value


def _number(value: int, size: int) -> bytes:
    try:
        return value.to_bytes(size, "little")
    except OverflowError as error:
        raise UsageError(f"{value} does not fit {size} bytes without sign") from error
