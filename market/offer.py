"""The offer that a provider signs: what the chain needs to know of an agreement, in the chain's own bytes.

The encoding is SCALE: fields in order and without names, integers little-endian in their full width, a
list behind its length, an optional field behind 0 or 1.

Source: ``pallets/primitives/src/offer.rs``.
"""

import hashlib
from typing import Final

import attrs

from market.errors import DecodeError, UsageError
from market.hashing import HASH_BYTES, GenesisHash, Hash, TaskId, domain
from market.identity import AccountId, Identity, PublicKey, Signature, is_valid_signature
from market.messages.fields import MAX_MILESTONES
from market.units import BlockNumber, Planck

__all__ = [
    "NO_SLOT",
    "Offer",
    "decode_offer_untrusted",
    "encode_offer",
    "hash_offer",
    "is_offer_signed_by",
    "offer_payload",
    "sign_offer",
]

NO_SLOT: Final = Hash(bytes(HASH_BYTES))
"""The slot of a provider that does not count its capacity."""

_U8, _U32, _U128 = 1, 4, 16
"""Widths of integers, bytes."""


@attrs.frozen(kw_only=True)
class Offer:
    """Everything that a provider agrees to, as the chain reads it; fields in the order of their encoding."""

    genesis: GenesisHash
    """An offer binds on one chain only."""
    requester: AccountId
    """Who may open with it."""
    provider: AccountId
    """Whose operator key signed it."""
    task_id: TaskId
    attempt: int
    """Which try at the task this is, 0 to 255."""
    price: Planck
    """Net to the provider."""
    milestones: tuple[Planck, ...]
    """At most eight amounts; the chain wants them to sum to the price."""
    input_hash: Hash
    """Of the input's bytes, which the provider has checked before it signs."""
    slot: Hash
    """The unit of capacity that the work takes, or :data:`NO_SLOT`."""
    terms: Hash
    """Hash of the agreement's terms."""
    arbiter: AccountId | None
    """Who rules on a dispute; the chain's own arbiter when None."""
    deliver_within: int
    """Blocks for each milestone, counted from its start."""
    review_blocks: int
    """Blocks in which the requester may dispute a delivery."""
    valid_until: BlockNumber
    """Last block at which it binds."""
    offer_epoch: int
    """The provider's epoch of offers; revoking raises it."""


def encode_offer(offer: Offer) -> bytes:
    """Return the SCALE encoding of an offer.

    Raises:
        UsageError: a field does not fit its width.

    Source: ``struct Offer`` of ``pallets/primitives/src/offer.rs``.
    """
    if len(offer.milestones) > MAX_MILESTONES:
        raise UsageError(f"{len(offer.milestones)} milestones; an offer has at most 8")
    arbiter = b"\0" if offer.arbiter is None else b"\1" + _bytes32(offer.arbiter)
    return b"".join(
        (
            _bytes32(offer.genesis),
            _bytes32(offer.requester),
            _bytes32(offer.provider),
            _bytes32(offer.task_id),
            _uint(offer.attempt, _U8),
            _uint(offer.price, _U128),
            bytes([len(offer.milestones) << 2]),  # a compact length below 64 is one byte
            *(_uint(amount, _U128) for amount in offer.milestones),
            _bytes32(offer.input_hash),
            _bytes32(offer.slot),
            _bytes32(offer.terms),
            arbiter,
            _uint(offer.deliver_within, _U32),
            _uint(offer.review_blocks, _U32),
            _uint(offer.valid_until, _U32),
            _uint(offer.offer_epoch, _U32),
        )
    )


def _bytes32(value: bytes) -> bytes:
    if len(value) != HASH_BYTES:
        raise UsageError(f"hashes and accounts have {HASH_BYTES} bytes, not {len(value)}")
    return value


def _uint(value: int, width: int) -> bytes:
    if not 0 <= value < 1 << 8 * width:
        raise UsageError(f"{value} is not an unsigned integer of {8 * width} bits")
    return value.to_bytes(width, "little")


def decode_offer_untrusted(data: bytes) -> Offer:
    """Decode an offer that somebody else encoded; it takes no bytes that :func:`encode_offer` would not give.

    Raises:
        DecodeError: too short, too long, or not in the one form.
    """
    reader = _Reader(data)
    offer = Offer(
        genesis=GenesisHash(reader.take(32)),
        requester=AccountId(reader.take(32)),
        provider=AccountId(reader.take(32)),
        task_id=TaskId(reader.take(32)),
        attempt=reader.uint(_U8),
        price=Planck(reader.uint(_U128)),
        milestones=tuple(Planck(reader.uint(_U128)) for _ in range(reader.length())),
        input_hash=Hash(reader.take(32)),
        slot=Hash(reader.take(32)),
        terms=Hash(reader.take(32)),
        arbiter=AccountId(reader.take(32)) if reader.flag() else None,
        deliver_within=reader.uint(_U32),
        review_blocks=reader.uint(_U32),
        valid_until=BlockNumber(reader.uint(_U32)),
        offer_epoch=reader.uint(_U32),
    )
    if reader.data:
        raise DecodeError(f"{len(reader.data)} bytes behind an offer")
    return offer


@attrs.define
class _Reader:
    """What is left of the bytes."""

    data: bytes

    def take(self, count: int) -> bytes:
        if len(self.data) < count:
            raise DecodeError("an offer that ends early")
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def uint(self, width: int) -> int:
        return int.from_bytes(self.take(width), "little")

    def length(self) -> int:
        count, mode = divmod(self.uint(_U8), 4)
        if mode != 0 or count > MAX_MILESTONES:
            raise DecodeError(
                "an offer with more than eight milestones, or a length in a long form"
            )
        return count

    def flag(self) -> bool:
        value = self.uint(_U8)
        if value > 1:
            raise DecodeError("an optional field that is neither there nor absent")
        return value == 1


def hash_offer(offer: Offer) -> Hash:
    """Return what names an offer on chain: BLAKE2b-256 of its encoding, without a domain.

    Source: ``Offer::hash`` of ``pallets/primitives/src/offer.rs``.
    """
    return Hash(hashlib.blake2b(encode_offer(offer), digest_size=HASH_BYTES).digest())


def offer_payload(offer: Offer) -> bytes:
    """Return the bytes that a provider's operator key signs: the offers' domain, then the hash.

    Source: ``Offer::signing_payload`` of ``pallets/primitives/src/offer.rs``.
    """
    return domain("offer") + hash_offer(offer)


def sign_offer(offer: Offer, identity: Identity) -> Signature:
    """Return the provider's signature over its offer.

    Raises:
        UsageError: the offer is another account's.
    """
    if identity.account != offer.provider:
        raise UsageError("an offer is signed by its provider: sign with the provider's identity")
    return identity.sign(offer_payload(offer))


def is_offer_signed_by(offer: Offer, signature: bytes, key: PublicKey) -> bool:
    """Return whether a key has signed an offer, by ed25519 and in the one strict form.

    The chain takes sr25519 keys too, which wallets have and nodes have not.

    Args:
        offer: what is signed.
        signature: 64 bytes, as came in.
        key: the provider's operator key at the finalised head.
    """
    return is_valid_signature(key, offer_payload(offer), signature)
