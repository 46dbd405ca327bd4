"""The envelope: who says what, to whom, on which chain, until when, and the signature under it.

The id of a message is the hash of the canonical envelope without its signature, in the domain of the
message's kind; the signature covers ``b"ainur/1/sig\\0"`` and that id. So one signer has one id for
one envelope, however it signs, and no field can change without the signature failing.

Receiving has three steps, each of which may refuse: :func:`open_untrusted` (form, chain, signature,
operator key), :func:`require_current` (audience and expiry, against the finalised head), and
:meth:`market.replay.ReplayWindow.admit`. Evidence from a finished auction takes the first alone.
"""

from collections.abc import Collection
from typing import Annotated, Final, Generic, Protocol, TypeVar

import attrs
import msgspec
from msgspec import Meta

from market.codec import (
    CONTROL_BYTES,
    TRANSCRIPT_BYTES,
    decode_body_untrusted,
    decode_canonical_untrusted,
    encode_canonical,
)
from market.errors import DecodeError, EnvelopeError, UsageError
from market.hashing import GenesisHash, Hash, MessageId, digest, domain
from market.identity import AccountId, Identity, PublicKey, is_valid_signature
from market.messages import KINDS, Body, Kind, WireStruct
from market.messages.fields import Account, Block, Genesis, Hash32, Key, Sequence63, Signature64
from market.units import BlockNumber

__all__ = [
    "FUTURE_BLOCKS",
    "Envelope",
    "KeyDirectory",
    "Opened",
    "Unsigned",
    "decode_envelope_untrusted",
    "expect",
    "message_id",
    "open_untrusted",
    "reopen",
    "require_current",
    "seal",
    "signed_bytes",
]

VERSION: Final = 1
FUTURE_BLOCKS: Final = 2
"""Blocks by which a sender's finalised head may be ahead of ours."""


class Unsigned(WireStruct, frozen=True, kw_only=True):
    """Everything in an envelope that is signed."""

    version: Annotated[int, Meta(ge=VERSION, le=VERSION)]
    kind: Kind
    genesis: Genesis
    """Hash of the chain's block 0: a message for a test chain is worth nothing elsewhere."""
    sender: Account
    """On whose behalf; its funds and reputation answer for the message."""
    key: Key
    """The sender's operator key at ``issued_at``."""
    audience: Hash32
    """The recipient's AccountId, or the hash of a topic."""
    sequence: Sequence63
    """Higher than all before it from this sender; survives restarts."""
    issued_at: Block
    expires_at: Block
    """Last finalised block at which it may be acted upon."""
    body: Annotated[bytes, Meta(max_length=TRANSCRIPT_BYTES)]
    """Canonical encoding of the message."""


class Envelope(Unsigned, frozen=True, kw_only=True):
    """An envelope as it travels."""

    signature: Signature64


class KeyDirectory(Protocol):
    """Port: which key spoke for an account, as the chain's registry knows it."""

    def operator_key(self, account: AccountId, at: BlockNumber) -> PublicKey | None:
        """Return the account's operator key at a finalised block; None when it had no valid one."""
        ...


_B = TypeVar("_B", bound=Body)
_B_co = TypeVar("_B_co", bound=Body, covariant=True)


@attrs.frozen
class Opened(Generic[_B_co]):
    """A message whose signature holds."""

    id: MessageId
    sender: AccountId
    key: PublicKey
    """With which it is signed: the sender's operator key at ``issued_at``."""
    audience: Hash
    sequence: int
    issued_at: BlockNumber
    expires_at: BlockNumber
    body: _B_co
    raw: bytes = attrs.field(repr=False)
    """The envelope as received: what is kept as evidence."""


_ENCODER: Final = msgspec.msgpack.Encoder(order="sorted")


def message_id(envelope: Unsigned) -> MessageId:
    """Return the hash of an envelope without its signature, in the domain of its kind."""
    signed = {name: getattr(envelope, name) for name in Unsigned.__struct_fields__}
    return MessageId(digest(envelope.kind, _ENCODER.encode(signed)))


def signed_bytes(hashed: Hash | MessageId) -> bytes:
    """Return what a signature over a hash covers: the hash in the domain of signatures."""
    return domain("sig") + hashed


def seal(
    body: Body,
    *,
    identity: Identity,
    genesis: GenesisHash,
    audience: Hash | AccountId,
    sequence: int,
    issued_at: BlockNumber,
    expires_at: BlockNumber,
) -> bytes:
    """Put a message into an envelope and sign it.

    Args:
        body: the message.
        identity: whose key signs, for its account.
        genesis: hash of the chain's block 0.
        audience: the recipient's account, or the hash of a topic.
        sequence: higher than in all envelopes this identity sealed before.
        issued_at: the finalised head.
        expires_at: last block at which it may be acted upon.

    Returns:
        The canonical bytes of the envelope.

    Raises:
        UsageError: a field exceeds its cap, or the envelope would expire before it is issued.
    """
    if expires_at < issued_at:
        raise UsageError(f"expires at block {expires_at}, before block {issued_at}; set it later")
    unsigned = Unsigned(
        version=VERSION,
        kind=KINDS[type(body)],
        genesis=genesis,
        sender=identity.account,
        key=identity.key,
        audience=Hash(audience),
        sequence=sequence,
        issued_at=issued_at,
        expires_at=expires_at,
        body=encode_canonical(body),
    )
    signature = identity.sign(signed_bytes(message_id(unsigned)))
    signed = {name: getattr(unsigned, name) for name in Unsigned.__struct_fields__}
    envelope = Envelope(**signed, signature=signature)
    return encode_canonical(envelope, limit=_cap(envelope.kind))


def _cap(kind: str) -> int:
    return TRANSCRIPT_BYTES if kind == "transcript" else CONTROL_BYTES


def decode_envelope_untrusted(data: bytes) -> Envelope:
    """Decode an envelope without looking at its signature.

    Raises:
        DecodeError: it is not one, or longer than its kind allows.
    """
    envelope = decode_canonical_untrusted(data, Envelope, limit=TRANSCRIPT_BYTES)
    if len(data) > _cap(envelope.kind):
        raise DecodeError(f"{len(data)} bytes where a {envelope.kind} has at most {CONTROL_BYTES}")
    return envelope


def open_untrusted(data: bytes, *, genesis: GenesisHash, keys: KeyDirectory) -> Opened[Body]:
    """Check an envelope's form, chain, signature and key, and decode what is in it.

    Args:
        data: bytes from a peer.
        genesis: hash of block 0 of our chain.
        keys: who may sign for whom.

    Raises:
        DecodeError: envelope or body is malformed.
        EnvelopeError: ``chain``, ``lifetime``, ``key`` or ``signature`` is wrong.
    """
    envelope = decode_envelope_untrusted(data)
    if envelope.genesis != genesis:
        raise EnvelopeError("chain", f"made for chain {envelope.genesis.hex()[:16]}: drop it")
    if envelope.expires_at < envelope.issued_at:
        raise EnvelopeError("lifetime", "expires before it was issued: drop it")
    if keys.operator_key(envelope.sender, envelope.issued_at) != envelope.key:
        raise EnvelopeError(
            "key",
            f"not the operator key of {envelope.sender.hex()[:16]} at block "
            f"{envelope.issued_at}: look the registry up again, then drop it",
        )
    hashed = message_id(envelope)
    if not is_valid_signature(envelope.key, signed_bytes(hashed), envelope.signature):
        raise EnvelopeError("signature", "the signature is not valid: drop it")
    return _opened(envelope, hashed, data)


def reopen(data: bytes) -> Opened[Body]:
    """Decode an envelope that was checked when it came, or that we have sealed ourselves.

    For what a journal kept: whose key it was then may not be whose key it is now.

    Raises:
        DecodeError: it is no envelope: the journal is damaged.
    """
    envelope = decode_envelope_untrusted(data)
    return _opened(envelope, message_id(envelope), data)


def _opened(envelope: Envelope, hashed: MessageId, data: bytes) -> Opened[Body]:
    return Opened(
        id=hashed,
        sender=envelope.sender,
        key=envelope.key,
        audience=envelope.audience,
        sequence=envelope.sequence,
        issued_at=envelope.issued_at,
        expires_at=envelope.expires_at,
        body=decode_body_untrusted(envelope.kind, envelope.body),
        raw=data,
    )


def require_current(
    message: Opened[Body],
    *,
    audiences: Collection[bytes],
    now: BlockNumber,
    max_lifetime: int,
) -> None:
    """Refuse a message that is not for us, not yet or no longer valid, or valid for too long.

    Args:
        message: one whose signature holds.
        audiences: our account and the topics that we listen to.
        now: our finalised head.
        max_lifetime: blocks between issue and expiry that we accept (an announcement: 10 minutes).

    Raises:
        EnvelopeError: ``audience``, ``early``, ``expired`` or ``lifetime``.
    """
    if message.audience not in audiences:
        raise EnvelopeError("audience", "addressed to somebody else: drop it")
    if message.issued_at > now + FUTURE_BLOCKS:
        raise EnvelopeError(
            "early", f"issued at block {message.issued_at}, our head is {now}: drop it"
        )
    if now > message.expires_at:
        raise EnvelopeError("expired", f"expired at block {message.expires_at}: drop it")
    if message.expires_at - message.issued_at > max_lifetime:
        raise EnvelopeError("lifetime", f"valid for more than {max_lifetime} blocks: drop it")


def expect(message: Opened[Body], body: type[_B]) -> "Opened[_B]":
    """Return the message as one of that type.

    Raises:
        EnvelopeError: ``kind``: it is another.
    """
    if not isinstance(message.body, body):
        raise EnvelopeError("kind", f"a {KINDS[type(message.body)]} where a {KINDS[body]} belongs")
    return attrs.evolve(message, body=message.body)  # type: ignore[return-value]  # narrowed above
