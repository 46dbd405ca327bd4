"""A key's file: a seed under AES-256-GCM, with a key that scrypt makes of a passphrase, and what may be
known without it.

The public part is authenticated with the secret one, so that nobody can turn the account or the mark of a
development key into another. A digest over the file tells a damaged file from a wrong passphrase; it is no
protection, and an attacker who mends it is stopped by the cipher.

Source: RFC 7914 (scrypt); NIST SP 800-38D (GCM); cost after OWASP, "Password Storage Cheat Sheet".
"""

import hashlib
import secrets
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from market.errors import UsageError
from market.identity import (
    AccountId,
    Identity,
    PeerId,
    PublicKey,
    account_from_ss58,
    peer_id_from_key,
    ss58_from_account,
)
from node.keystore.development import development_name
from node.keystore.errors import DamagedKeyError, WrongPassphraseError

__all__ = ["GENERATED_COST", "PERSON_COST", "KeyFile", "open_key", "read_key_file", "seal_key"]

PERSON_COST: Final = 2**17
"""scrypt's n for a passphrase that a person chose: 128 MiB and about 0.35 s a guess."""
GENERATED_COST: Final = 2**14
"""For 256 random bits, which no number of guesses finds; 16 MiB and 0.04 s."""
MAX_COST: Final = 2**20
"""What a file may ask for; more could only be meant to exhaust us."""

Hex16 = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
Hex32 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Kdf(_Part, frozen=True, kw_only=True, tag_field="name", tag="scrypt"):
    """How the passphrase becomes a key."""

    n: Annotated[int, Meta(ge=2**10, le=MAX_COST)]
    r: Annotated[int, Meta(ge=8, le=8)] = 8
    p: Annotated[int, Meta(ge=1, le=1)] = 1
    salt: Hex16


class Cipher(_Part, frozen=True, kw_only=True, tag_field="name", tag="aes-256-gcm"):
    """What it encrypts."""

    nonce: Annotated[str, Meta(pattern="^[0-9a-f]{24}$")]
    ciphertext: Annotated[str, Meta(pattern="^[0-9a-f]{96}$")]
    """A seed of 32 bytes, and GCM's tag of 16."""


class KeyFile(_Part, frozen=True, kw_only=True):
    """A key as it lies on disk."""

    schema: Literal["ainur/key/1"] = "ainur/key/1"
    scheme: Literal["ed25519"] = "ed25519"
    public_key: Hex32
    account: Annotated[str, Meta(max_length=64)]
    """SS58: whom the key signs for; its own account, until it was made to replace another's key."""
    development: Annotated[str, Meta(max_length=40)] | None
    """The account of the development phrase that this is (``//Alice``): everybody knows its secret."""
    created_at: Annotated[str, Meta(max_length=40)]
    """UTC, ISO 8601."""
    kdf: Kdf
    cipher: Cipher
    digest: Hex32
    """BLAKE2b-256 of the rest."""

    @property
    def key(self) -> PublicKey:
        """The public key."""
        return PublicKey(bytes.fromhex(self.public_key))

    @property
    def peer(self) -> PeerId:
        """The name that a node has with this as its transport key."""
        return peer_id_from_key(self.key)

    @property
    def account_id(self) -> AccountId:
        """Whom the key signs for."""
        return account_from_ss58(self.account)

    @property
    def signs_for_another(self) -> bool:
        """Whether the key replaces another account's operator key."""
        return self.account_id != AccountId(self.key)

    def encode(self) -> bytes:
        """Return the file's bytes."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def read_key_file(data: bytes, where: str) -> KeyFile:
    """Decode a key's file.

    Args:
        data: what is in it.
        where: for messages.

    Raises:
        DamagedKeyError: it is none, or was changed.
    """
    try:
        file = msgspec.json.decode(data, type=KeyFile)
        account_from_ss58(file.account)
    except (msgspec.MsgspecError, UnicodeDecodeError, UsageError) as error:
        raise DamagedKeyError(f"{where} is no key of this version: {error}") from error
    if _digest(file) != file.digest:
        raise DamagedKeyError(f"{where} was changed since it was written: restore it from a backup")
    return file


def seal_key(
    seed: bytes, passphrase: str, *, created_at: str, cost: int, account: AccountId | None = None
) -> KeyFile:
    """Encrypt a seed.

    Args:
        seed: 32 bytes.
        passphrase: of any length but none.
        created_at: UTC, ISO 8601.
        cost: scrypt's n.
        account: whom the key signs for; its own account if None.

    Raises:
        UsageError: the seed has another length, or the passphrase is empty.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if not passphrase:
        raise UsageError("the passphrase is empty: give one")
    identity = Identity.from_seed(seed, account)
    kdf = Kdf(n=cost, salt=secrets.token_hex(16))
    nonce = secrets.token_bytes(12)
    file = KeyFile(
        public_key=identity.key.hex(),
        account=ss58_from_account(identity.account),
        development=development_name(identity.key),
        created_at=created_at,
        kdf=kdf,
        cipher=Cipher(nonce=nonce.hex(), ciphertext="0" * 96),
        digest="0" * 64,
    )
    sealed = AESGCM(_derive(kdf, passphrase)).encrypt(nonce, seed, _public_part(file))
    cipher = Cipher(nonce=nonce.hex(), ciphertext=sealed.hex())
    file = msgspec.structs.replace(file, cipher=cipher)
    return msgspec.structs.replace(file, digest=_digest(file))


def open_key(file: KeyFile, passphrase: str, where: str) -> tuple[bytes, Identity]:
    """Return the seed in a file and what follows from it.

    Raises:
        WrongPassphraseError: the passphrase is another.
        DamagedKeyError: what was encrypted is not the key that the file names.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        seed = AESGCM(_derive(file.kdf, passphrase)).decrypt(
            bytes.fromhex(file.cipher.nonce),
            bytes.fromhex(file.cipher.ciphertext),
            _public_part(file),
        )
    except InvalidTag as error:
        raise WrongPassphraseError(f"the passphrase does not open {where}: try again") from error
    identity = Identity.from_seed(seed, file.account_id)
    if identity.key != file.key:
        raise DamagedKeyError(f"{where} holds another key than it names: restore it from a backup")
    return seed, identity


def _derive(kdf: Kdf, passphrase: str) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    salt = bytes.fromhex(kdf.salt)
    return Scrypt(salt=salt, length=32, n=kdf.n, r=kdf.r, p=kdf.p).derive(passphrase.encode())


def _public_part(file: KeyFile) -> bytes:
    parts = msgspec.structs.asdict(file)
    del parts["digest"], parts["cipher"]
    return msgspec.json.encode(parts, order="sorted")


def _digest(file: KeyFile) -> str:
    parts = msgspec.structs.asdict(file)
    del parts["digest"]
    encoded = msgspec.json.encode(parts, order="sorted")
    return hashlib.blake2b(encoded, digest_size=32).hexdigest()
