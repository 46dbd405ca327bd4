"""Who somebody is: one 32-byte seed, one ed25519 key, a PeerId on the network and an account on chain.

Because both names hold the same key, a PeerId proves an AccountId until the operator key is rotated
in the registry; after that the AccountId stays and the PeerId changes. Nothing here needs libp2p or
the chain: both encodings are a few bytes around the key.
"""

import hashlib
from typing import Final, NewType

import attrs
import base58
from nacl import bindings
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from market.errors import UsageError

__all__ = [
    "SIGNATURE_BYTES",
    "SS58_PREFIX",
    "AccountId",
    "Identity",
    "PeerId",
    "PublicKey",
    "Signature",
    "account_from_ss58",
    "is_sound_key",
    "is_valid_signature",
    "key_from_peer_id",
    "peer_id_from_key",
    "ss58_from_account",
]

AccountId = NewType("AccountId", bytes)
"""32 bytes: an account of the chain. By default also its operator's public key."""
PublicKey = NewType("PublicKey", bytes)
"""32 bytes: an ed25519 public key."""
PeerId = NewType("PeerId", str)
"""A libp2p peer, as text (``12D3KooW...``)."""
Signature = NewType("Signature", bytes)
"""64 bytes: an ed25519 signature."""

KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
SS58_PREFIX: Final = 42
"""The generic Substrate network; its addresses begin with a 5."""

_PROTOBUF_ED25519: Final = bytes.fromhex("08011220")
"""libp2p's ``PublicKey`` message: field 1, key type Ed25519 = 1; field 2, 32 bytes follow."""
_IDENTITY_MULTIHASH: Final = bytes([0x00, len(_PROTOBUF_ED25519) + KEY_BYTES])
"""Multihash 0x00, "the value itself": libp2p uses it for keys of at most 42 bytes."""


@attrs.frozen
class Identity:
    """One seed and what follows from it."""

    _signing_key: SigningKey = attrs.field(repr=False)
    key: PublicKey
    """The operator key: signs envelopes and offers."""
    account: AccountId
    """The account that owns bond and payouts."""
    peer: PeerId
    """The name under which libp2p reaches the node."""

    @classmethod
    def from_seed(cls, seed: bytes, account: AccountId | None = None) -> "Identity":
        """Derive an identity.

        Args:
            seed: 32 bytes of entropy.
            account: the account this key operates for, after a rotation; its own when None.

        Raises:
            UsageError: the seed has another length.
        """
        if len(seed) != KEY_BYTES:
            raise UsageError(f"a seed has {KEY_BYTES} bytes, not {len(seed)}")
        signing = SigningKey(seed)
        key = PublicKey(bytes(signing.verify_key))
        return cls(
            signing, key, AccountId(key) if account is None else account, peer_id_from_key(key)
        )

    def sign(self, message: bytes) -> Signature:
        """Return the deterministic ed25519 signature over a message (RFC 8032)."""
        return Signature(self._signing_key.sign(message).signature)


def is_sound_key(key: bytes) -> bool:
    """Return whether bytes are a canonical ed25519 point of the large prime-order subgroup.

    A small-order key would accept a signature over any message, and under a key with a small-order
    part verifiers disagree (with and without cofactor), so both are refused.

    Source: Chalkias, Garillot, Nikolaenko, "Taming the many EdDSAs", 2020, sections 3 and 4.
    """
    return len(key) == KEY_BYTES and bindings.crypto_core_ed25519_is_valid_point(key)


def is_valid_signature(key: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether a signature is the strict, non-malleable one of a sound key.

    libsodium refuses S >= L, non-canonical points and small-order R. Constant time is not needed:
    all inputs are public.
    """
    if not is_sound_key(key) or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        VerifyKey(key).verify(message, signature)
    except BadSignatureError:
        return False
    return True


def peer_id_from_key(key: PublicKey) -> PeerId:
    """Return the libp2p name of a key: base58btc of the identity multihash of its protobuf.

    Raises:
        UsageError: the key has not 32 bytes.

    Source: libp2p specification, "Peer Ids and Keys".
    """
    if len(key) != KEY_BYTES:
        raise UsageError(f"an ed25519 public key has {KEY_BYTES} bytes, not {len(key)}")
    return PeerId(base58.b58encode(_IDENTITY_MULTIHASH + _PROTOBUF_ED25519 + key).decode("ascii"))


def key_from_peer_id(peer: str) -> PublicKey:
    """Return the ed25519 key that a PeerId holds.

    Raises:
        UsageError: it is not the PeerId of an ed25519 key.
    """
    prefix = _IDENTITY_MULTIHASH + _PROTOBUF_ED25519
    raw = _base58(peer, "PeerId")
    if not raw.startswith(prefix) or len(raw) != len(prefix) + KEY_BYTES:
        raise UsageError(f"{peer!r} is not the PeerId of an ed25519 key; it begins with 12D3KooW")
    return PublicKey(raw[len(prefix) :])


def ss58_from_account(account: AccountId) -> str:
    """Return the address of an account as people and wallets write it.

    Raises:
        UsageError: the account has not 32 bytes.

    Source: Substrate documentation, "SS58 address format", simple prefix 42, checksum of 2 bytes.
    """
    if len(account) != KEY_BYTES:
        raise UsageError(f"an account has {KEY_BYTES} bytes, not {len(account)}")
    body = bytes([SS58_PREFIX]) + account
    return base58.b58encode(body + _ss58_checksum(body)).decode("ascii")


def account_from_ss58(address: str) -> AccountId:
    """Return the account behind an address.

    Raises:
        UsageError: it is mistyped, or an address of another network.
    """
    raw = _base58(address, "SS58 address")
    if len(raw) != 1 + KEY_BYTES + 2:
        raise UsageError(f"{address!r} is not an SS58 address of a 32-byte account")
    if raw[0] != SS58_PREFIX:
        raise UsageError(f"{address!r} belongs to network {raw[0]}; use the one of {SS58_PREFIX}")
    if _ss58_checksum(raw[:-2]) != raw[-2:]:
        raise UsageError(f"the checksum of {address!r} is wrong: it was mistyped")
    return AccountId(raw[1:-2])


def _ss58_checksum(body: bytes) -> bytes:
    return hashlib.blake2b(b"SS58PRE" + body).digest()[:2]


def _base58(text: str, what: str) -> bytes:
    if len(text) > 2 * (KEY_BYTES + 6):
        raise UsageError(f"a {what} is shorter than {len(text)} characters")
    try:
        return base58.b58decode(text.encode("ascii"))
    except ValueError as error:
        raise UsageError(f"{text!r} is not a {what}: {error}") from error
