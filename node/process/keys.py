"""Which keys a node speaks with: the transport key is its peer, the operator key signs what it says."""

import logging
import secrets
from collections.abc import Callable
from pathlib import Path

import attrs

from market.identity import AccountId, Identity, PublicKey
from node.keystore.errors import WrongPassphraseError
from node.keystore.files import create_exclusively, make_private_folder
from node.keystore.passphrase import find_passphrase, read_passphrase_file
from node.keystore.sealing import GENERATED_COST
from node.keystore.store import Keystore, StoredKey, new_seed, refuse_development_key
from node.process.datadir import DataDir

__all__ = ["OWN", "KeyChoice", "NodeKeys", "load_keys"]

_LOG = logging.getLogger("ainur.node")

OWN = "node"
"""The key that a node makes for itself where nobody gave it one."""


@attrs.frozen
class KeyChoice:
    """What was asked for."""

    keystore: Path | None = None
    """The data folder's own if None."""
    key: str | None = None
    """The operator key; the node's own if None."""
    transport_key: str | None = None
    """The operator key if None."""
    passphrase_file: Path | None = None


@attrs.frozen
class NodeKeys:
    """Opened keys."""

    operator: Identity
    """The key that was named."""
    successors: tuple[Identity, ...]
    """Other keys of the account in the same keystore: what the operator key is rotated to and from."""
    transport: Identity
    transport_seed: bytes = attrs.field(repr=False)
    stored: tuple[StoredKey, ...]

    @property
    def account(self) -> AccountId:
        """Whom the node acts for."""
        return self.operator.account

    def signing(self, operator: PublicKey | None) -> Identity:
        """Return the identity that signs for the account now.

        Args:
            operator: the account's operator key, as the registry says; where none of ours is that, the named one is
                returned, and peers refuse what it signs.
        """
        held = (each for each in (self.operator, *self.successors) if each.key == operator)
        return next(held, self.operator)

    @property
    def own(self) -> Identity:
        """The account's own key, which moves its money; the operator key where it is kept elsewhere."""
        held = (
            each
            for each in (self.operator, *self.successors)
            if each.key == PublicKey(self.account)
        )
        return next(held, self.operator)

    def refuse_development(self, *, is_dev_chain: bool) -> None:
        """Refuse keys that everybody has, off a dev chain.

        Raises:
            DevelopmentKeyError: that is so.
        """
        for each in self.stored:
            refuse_development_key(each.file, is_dev_chain=is_dev_chain)


def load_keys(
    folder: DataDir, choice: KeyChoice, ask: Callable[[str], str] | None = None
) -> NodeKeys:
    """Open the keys that a node speaks with; make one on its first start, if none was named.

    A key that the node makes for itself is encrypted under random words that lie beside it, so that it starts
    without anybody there; that protects no more than the file's mode does. ``ainur keys new`` makes better ones.

    Args:
        folder: of the node.
        choice: what was asked for.
        ask: asks a person for the passphrase of a key; None where nobody is there.

    Raises:
        KeystoreError: a key cannot be opened.
        UsageError: a name is none.
    """
    store = Keystore(folder.keys if choice.keystore is None else choice.keystore.absolute())
    of_its_own = choice.keystore is None and choice.passphrase_file is None
    if choice.keystore is None and choice.key is None and OWN not in store.names():
        _make_own(store, folder, choice)
    operator = store.get(choice.key or OWN)
    transport = store.get(choice.transport_key or operator.name)
    stored = (operator,) if operator.name == transport.name else (operator, transport)
    words: dict[str, str] = {}
    for key in stored:
        if of_its_own and key.name == OWN and folder.passphrase.exists():
            words[key.name] = read_passphrase_file(folder.passphrase)
        else:
            words[key.name] = _ask(key.name, choice, ask)
    seed = transport.reveal(words[transport.name])
    identity = operator.unlock(words[operator.name])
    successors = _successors(store, operator, words[operator.name])
    return NodeKeys(identity, successors, Identity.from_seed(seed), seed, stored)


def _successors(store: Keystore, operator: StoredKey, passphrase: str) -> tuple[Identity, ...]:
    opened = []
    for name, found in store.all():
        if not isinstance(found, StoredKey) or name == operator.name:
            continue
        if found.file.account_id != operator.file.account_id:
            continue
        try:
            opened.append(found.unlock(passphrase))
        except WrongPassphraseError:
            _LOG.warning(
                "the key %s is of the same account, and has another passphrase: left out", name
            )
    return tuple(opened)


def _ask(name: str, choice: KeyChoice, ask: Callable[[str], str] | None) -> str:
    return find_passphrase(choice.passphrase_file, None if ask is None else lambda: ask(name))


def _make_own(store: Keystore, folder: DataDir, choice: KeyChoice) -> None:
    if choice.passphrase_file is not None:
        store.create(OWN, new_seed(), read_passphrase_file(choice.passphrase_file))
        return
    make_private_folder(store.folder)
    if not folder.passphrase.exists():
        create_exclusively(folder.passphrase, secrets.token_hex(32).encode() + b"\n")
    store.create(OWN, new_seed(), read_passphrase_file(folder.passphrase), cost=GENERATED_COST)
