"""Files that hold secrets: created whole and exclusively, and read only while they are the owner's alone."""

import errno
import os
import secrets
import stat
from pathlib import Path

from node.keystore.errors import (
    DamagedKeyError,
    KeyExistsError,
    KeystoreError,
    LoosePermissionsError,
    NoSuchKeyError,
)

__all__ = ["create_exclusively", "make_private_folder", "read_private"]

MAX_BYTES = 16 * 1024
"""No file of this room is longer."""


def make_private_folder(folder: Path) -> None:
    """Make a folder that only its owner may enter; refuse one that others may write to.

    Raises:
        LoosePermissionsError: others could put keys there.
        KeystoreError: it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except OSError as error:
        raise KeystoreError(f"{folder} cannot be used for keys: {error.strerror}") from error
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise LoosePermissionsError(
            f"others may write to {folder}: run `chmod 700 {folder}`, and look at what is in it"
        )


def create_exclusively(path: Path, data: bytes) -> None:
    """Create a file of mode 0600, whole and on disk, or not at all; never replace one.

    The bytes are written and synced under another name first. A link, unlike a rename, fails where the
    name is taken; so of two that create one key at a time, one is told.

    Raises:
        KeyExistsError: the name is taken.
        KeystoreError: the disk refuses.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), 0o600)  # whatever the umask is
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(beside, path, follow_symlinks=False)
    except FileExistsError as error:
        raise KeyExistsError(
            f"{path} exists, and is never overwritten: choose another name"
        ) from error
    except OSError as error:
        raise KeystoreError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        beside.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_private(path: Path) -> bytes:
    """Return what is in a file that only its owner, who runs this program, can read.

    What is checked is the opened file, so that no other can be put in its place in between.

    Raises:
        NoSuchKeyError: there is none.
        LoosePermissionsError: it is somebody else's, or others may read it.
        DamagedKeyError: it is no plain file, or too long.
    """
    try:
        # O_NONBLOCK: a pipe in a key's place must not hold us up.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise NoSuchKeyError(f"there is no {path}") from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise DamagedKeyError(
                f"{path} is a symbolic link: put the file itself there"
            ) from error
        raise KeystoreError(f"{path} cannot be read: {error.strerror}") from error
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise DamagedKeyError(f"{path} is no plain file")
        if status.st_uid != os.geteuid():
            raise LoosePermissionsError(
                f"{path} belongs to user {status.st_uid}, not to you: copy it, or `chown` it"
            )
        if status.st_mode & 0o077:
            raise LoosePermissionsError(
                f"others may read {path} (mode {status.st_mode & 0o777:04o}): run `chmod 600 {path}`,"
                " and rotate the key if somebody may have"
            )
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise DamagedKeyError(f"{path} is longer than {MAX_BYTES} bytes: it is none of ours")
    return data
