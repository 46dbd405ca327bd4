"""What the commands about keys share: which keystore, and how a passphrase is asked for."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from node.chainhost.home import home
from node.keystore.passphrase import VARIABLE
from node.keystore.store import Keystore

__all__ = ["PASSPHRASE", "asker", "keystore_of", "store_option"]

PASSPHRASE = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path),
    help=f"Its first line is the passphrase; else {VARIABLE} is, else you are asked.",
)


def store_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--keystore``: a folder; ``AINUR_HOME/keys`` unless given."""
    return click.option(
        "--keystore",
        type=click.Path(file_okay=False, path_type=Path),
        default=lambda: home() / "keys",
        show_default="AINUR_HOME/keys",
        help="The folder of the keys.",
    )(command)


def keystore_of(folder: Path) -> Keystore:
    """Return the keystore in a folder."""
    return Keystore(folder.absolute())


def asker(prompt: str = "Passphrase", *, confirm: bool = False) -> Callable[[], str] | None:
    """Return what asks a person on the terminal, or None where there is none."""
    if not sys.stdin.isatty():
        return None

    def ask() -> str:
        given: str = click.prompt(
            prompt,
            hide_input=True,
            confirmation_prompt=confirm,
            err=True,
            default="",
            show_default=False,
        )
        return given

    return ask
