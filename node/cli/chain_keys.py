"""Which key signs a command's call, and how it is opened."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from market.identity import AccountId, Identity, ss58_from_account
from node.chainhost.home import home
from node.cli.keys_options import PASSPHRASE, asker, keystore_of
from node.cli.on_chain import Place
from node.keystore.errors import NoSuchKeyError, WrongPassphraseError
from node.keystore.passphrase import find_passphrase, read_passphrase_file
from node.keystore.store import Keystore, StoredKey

if TYPE_CHECKING:
    from chain.client import Chain
    from chain.signing import Signer

__all__ = ["KeyChoice", "find_key", "key_options", "signer_of"]

BESIDE = "passphrase"
"""The file with the words of keys that the program made by itself, in their keystore."""


@attrs.frozen
class KeyChoice:
    """What was asked for."""

    name: str | None = None
    keystore: Path | None = None
    passphrase_file: Path | None = None


def key_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name a key that signs; the command is given the :class:`KeyChoice`."""

    @click.option("--key", "key_name", metavar="NAME", help="The key that signs, by name.")
    @click.option(
        "--keystore",
        type=click.Path(file_okay=False, path_type=Path),
        help="The folder of the keys; the node's, its testnet's and AINUR_HOME/keys unless given.",
    )
    @PASSPHRASE
    def run(
        key_name: str | None, keystore: Path | None, passphrase_file: Path | None, **options: Any
    ) -> None:
        command(key=KeyChoice(key_name, keystore, passphrase_file), **options)

    run.__doc__, run.__name__ = command.__doc__, command.__name__
    own: list[click.Parameter] = run.__click_params__  # type: ignore[attr-defined]  # click's own attribute
    run.__click_params__ = [*getattr(command, "__click_params__", []), *own]  # type: ignore[attr-defined]
    return run


def find_key(choice: KeyChoice, place: Place, account: AccountId | None) -> StoredKey:
    """Return the key that was named, else the own key of an account.

    Args:
        choice: what was asked for.
        place: whose keystores are looked through.
        account: whose key is needed; None: any that is named.

    Raises:
        NoSuchKeyError: there is none.
    """
    stores = [keystore_of(choice.keystore)] if choice.keystore else list(_stores(place))
    if choice.name is not None or account is None:
        name = choice.name or "node"
        for store in stores:
            if name in store.names():
                return store.get(name)
        return stores[-1].get(name)  # which says what there is
    for store in stores:
        for _, found in store.all():
            if isinstance(found, StoredKey) and AccountId(found.file.key) == account:
                return found
    where = ", ".join(str(store.folder) for store in stores)
    raise NoSuchKeyError(
        f"the key of {ss58_from_account(account)} is not in {where}: run this where it is, or name its"
        " folder with --keystore"
    )


def _stores(place: Place) -> Iterator[Keystore]:
    if place.picked is not None:
        yield Keystore(place.picked.folder.keys)
        if place.picked.testnet is not None:
            yield Keystore(place.picked.testnet.keys)
    yield Keystore(home() / "keys")


async def signer_of(chain: "Chain", key: StoredKey, choice: KeyChoice) -> "Signer":
    """Open a key, which may ask somebody for its passphrase.

    Raises:
        KeystoreError: it does not open, or its secret is public and this is no development chain.
        ChainError: the chain does not say whether it is one.
    """
    from chain.signing import signer_from_identity
    from node.keystore.store import refuse_development_key

    refuse_development_key(key.file, is_dev_chain=await chain.is_development())
    return signer_from_identity(_unlock(key, choice))


def _unlock(key: StoredKey, choice: KeyChoice) -> Identity:
    beside = key.path.with_name(BESIDE)
    if choice.passphrase_file is None and beside.exists():
        try:
            return key.unlock(read_passphrase_file(beside))
        except WrongPassphraseError:
            pass  # one that a person has put there, with words of its own
    words = find_passphrase(choice.passphrase_file, asker(f"Passphrase of {key.name}"))
    return key.unlock(words)
