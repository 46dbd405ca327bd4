"""Where a passphrase may come from: a file, the environment, or a person; never an argument, which every
process of the machine can read.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from node.keystore.errors import DamagedKeyError, NoPassphraseError
from node.keystore.files import read_private

__all__ = ["VARIABLE", "find_passphrase", "read_passphrase_file"]

VARIABLE: Final = "AINUR_PASSPHRASE"


def read_passphrase_file(path: Path) -> str:
    """Return the first line of a file that only its owner can read.

    Raises:
        NoPassphraseError: the line is empty.
        NoSuchKeyError: there is no such file.
        LoosePermissionsError: others may read it.
        DamagedKeyError: it is no text.
    """
    try:
        lines = read_private(path).decode().splitlines()
    except UnicodeDecodeError as error:
        raise DamagedKeyError(f"{path} is no text: write the passphrase in UTF-8") from error
    if not lines or not lines[0]:
        raise NoPassphraseError(f"the first line of {path} is empty: write the passphrase there")
    return lines[0]


def find_passphrase(file: Path | None, ask: Callable[[], str] | None) -> str:
    """Return the passphrase: of the file, else of ``AINUR_PASSPHRASE``, else from a person.

    Args:
        file: if one was named.
        ask: asks a person; None where nobody is there.

    Raises:
        NoPassphraseError: there is none.
        KeystoreError: the file cannot be used.
    """
    if file is not None:
        return read_passphrase_file(file)
    named = os.environ.get(VARIABLE)
    if named:
        return named
    if ask is None:
        raise NoPassphraseError(
            f"a passphrase is needed and there is no terminal: use --passphrase-file or {VARIABLE}"
        )
    given = ask()
    if not given:
        raise NoPassphraseError("the passphrase is empty: give one")
    return given
