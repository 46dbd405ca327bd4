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
    """Base of every error that this room raises on purpose.

    Next: see that the folder can be written to, and that the disk has room (`ainur doctor`).
    """


class NoSuchKeyError(KeystoreError):
    """There is no key of that name.

    Next: `ainur keys list` shows those that there are; `ainur keys new` makes one.
    """


class KeyExistsError(KeystoreError):
    """There is one already, and a key is never overwritten.

    Next: choose another name.
    """


class LoosePermissionsError(KeystoreError):
    """Others than the owner may read or change a secret.

    Next: `ainur doctor --fix` closes them; rotate the key if somebody may have read it.
    """


class DamagedKeyError(KeystoreError):
    """The file is none of ours, or was changed since it was written.

    Next: bring back a copy (`ainur keys export` makes them), or rotate to a new key.
    """


class WrongPassphraseError(KeystoreError):
    """The passphrase does not open the key.

    Next: try the right one; without it the key is lost, and the cold account rotates it.
    """


class NoPassphraseError(KeystoreError):
    """No passphrase was given, and nobody is there to be asked.

    Next: give --passphrase-file FILE, or set AINUR_PASSPHRASE.
    """


class DevelopmentKeyError(KeystoreError):
    """A key whose secret is public was to be used where it matters.

    Next: make a key of your own with `ainur keys new`.
    """


class RotationError(KeystoreError):
    """The chain's registry does not let this key be rotated now.

    Next: do what the message says: wait for the pending rotation, or sign with the cold key.
    """
