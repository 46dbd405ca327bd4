"""What goes wrong with keys; each message says what to do next."""

__all__ = [
    "DamagedKeyError",
    "DevelopmentKeyError",
    "KeyExistsError",
    "KeystoreError",
    "LoosePermissionsError",
    "NoPassphraseError",
    "NoSuchKeyError",
    "RotationError",
    "WrongPassphraseError",
]


class KeystoreError(Exception):
    """Base of every error that this room raises on purpose."""


class NoSuchKeyError(KeystoreError):
    """There is no key of that name."""


class KeyExistsError(KeystoreError):
    """There is one already, and a key is never overwritten."""


class LoosePermissionsError(KeystoreError):
    """Others than the owner may read or change a secret."""


class DamagedKeyError(KeystoreError):
    """The file is none of ours, or was changed since it was written."""


class WrongPassphraseError(KeystoreError):
    """The passphrase does not open the key."""


class NoPassphraseError(KeystoreError):
    """No passphrase was given, and nobody is there to be asked."""


class DevelopmentKeyError(KeystoreError):
    """A key whose secret is public was to be used where it matters."""


class RotationError(KeystoreError):
    """The chain's registry does not let this key be rotated now."""
