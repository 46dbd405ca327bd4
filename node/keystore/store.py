"""The keys in a folder, by name."""

import datetime as dt
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from market.errors import UsageError
from market.identity import AccountId, Identity, ss58_from_account
from node.keystore.errors import (
    DevelopmentKeyError,
    KeyExistsError,
    KeystoreError,
    NoSuchKeyError,
)
from node.keystore.files import create_exclusively, make_private_folder, read_private
from node.keystore.sealing import PERSON_COST, KeyFile, open_key, read_key_file, seal_key

__all__ = ["Keystore", "StoredKey", "new_seed", "parse_seed", "refuse_development_key"]

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_ENDING: Final = ".key.json"


@attrs.frozen
class StoredKey:
    """A key that lies in a keystore, locked."""

    name: str
    path: Path
    file: KeyFile

    def unlock(self, passphrase: str) -> Identity:
        """Return the identity.

        Raises:
            WrongPassphraseError: the passphrase is another.
            DamagedKeyError: the file does not hold what it says.
        """
        return open_key(self.file, passphrase, str(self.path))[1]

    def reveal(self, passphrase: str) -> bytes:
        """Return the seed itself.

        Raises:
            WrongPassphraseError: the passphrase is another.
            DamagedKeyError: the file does not hold what it says.
        """
        return open_key(self.file, passphrase, str(self.path))[0]


@attrs.frozen
class Keystore:
    """A folder of keys. Nothing is read before it is asked for, and nothing is ever overwritten."""

    folder: Path

    def path_of(self, name: str) -> Path:
        """Return where a key lies, or would lie.

        Raises:
            UsageError: the name is none.
        """
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} is no name for a key: up to 63 letters, digits, dots, dashes, underscores"
            )
        return self.folder / f"{name}{_ENDING}"

    def require_free(self, name: str) -> None:
        """Refuse a name before anybody types a passphrase for it.

        Raises:
            KeyExistsError: it is taken.
            UsageError: it is none.
        """
        if self.path_of(name).exists():
            raise KeyExistsError(
                f"{self.path_of(name)} exists, and is never overwritten: choose another name"
            )

    def names(self) -> list[str]:
        """Return the names of all keys, sorted."""
        found = (path.name.removesuffix(_ENDING) for path in self.folder.glob(f"*{_ENDING}"))
        return sorted(name for name in found if _NAME.fullmatch(name))

    def get(self, name: str) -> StoredKey:
        """Return a key, locked.

        Raises:
            NoSuchKeyError: there is none of that name.
            LoosePermissionsError: others may read it.
            DamagedKeyError: the file is no key.
            UsageError: the name is none.
        """
        path = self.path_of(name)
        try:
            data = read_private(path)
        except NoSuchKeyError as error:
            have = ", ".join(self.names()) or "none"
            raise NoSuchKeyError(
                f"there is no key {name!r} in {self.folder} (there: {have}); make one with"
                f" `ainur keys new {name}`"
            ) from error
        return StoredKey(name, path, read_key_file(data, str(path)))

    def all(self) -> Iterator[tuple[str, StoredKey | KeystoreError]]:
        """Yield each name with its key, or with why that cannot be read."""
        for name in self.names():
            try:
                yield name, self.get(name)
            except KeystoreError as error:
                yield name, error

    def create(
        self,
        name: str,
        seed: bytes,
        passphrase: str,
        *,
        account: AccountId | None = None,
        cost: int = PERSON_COST,
    ) -> StoredKey:
        """Encrypt a seed and keep it.

        Args:
            name: of the key.
            seed: 32 bytes.
            passphrase: not empty.
            account: whom it signs for; its own account if None.
            cost: scrypt's n.

        Raises:
            KeyExistsError: the name is taken.
            LoosePermissionsError: others may write to the folder.
            KeystoreError: the disk refuses.
            UsageError: name, seed or passphrase are none.
        """
        path = self.path_of(name)
        make_private_folder(self.folder)
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        file = seal_key(seed, passphrase, created_at=now, cost=cost, account=account)
        create_exclusively(path, file.encode())
        return StoredKey(name, path, file)

    def add(self, name: str, file: KeyFile) -> StoredKey:
        """Keep a key that was exported, as it is.

        Raises:
            KeyExistsError: the name is taken.
            LoosePermissionsError: others may write to the folder.
            KeystoreError: the disk refuses.
            UsageError: the name is none.
        """
        path = self.path_of(name)
        make_private_folder(self.folder)
        create_exclusively(path, file.encode())
        return StoredKey(name, path, file)


def new_seed() -> bytes:
    """Return 32 bytes from the operating system."""
    return secrets.token_bytes(32)


def refuse_development_key(key: KeyFile, *, is_dev_chain: bool) -> None:
    """Refuse a key that everybody has, off a dev chain.

    Raises:
        DevelopmentKeyError: that is so.
    """
    if key.development is not None and not is_dev_chain:
        raise DevelopmentKeyError(
            f"{key.development} is a development key, its secret is public, and this is no dev chain:"
            f" make a key with `ainur keys new` (account {ss58_from_account(key.account_id)})"
        )


def parse_seed(text: str) -> bytes:
    """Read a seed as it is written out: 64 hexadecimal digits, with or without ``0x``.

    Raises:
        UsageError: it is none. The text is not in the message.
    """
    try:
        seed = bytes.fromhex(text.strip().removeprefix("0x"))
    except ValueError as error:
        raise UsageError("a seed is written as 64 hexadecimal digits") from error
    if len(seed) != 32:
        raise UsageError(f"a seed has 32 bytes, not {len(seed)}")
    return seed
