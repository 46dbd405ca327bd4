"""What lies in a testnet's folders before it starts: the keys, encrypted under random words beside them."""

import secrets
from pathlib import Path

from node.keystore.files import create_exclusively, make_private_folder
from node.keystore.passphrase import read_passphrase_file
from node.keystore.sealing import GENERATED_COST
from node.keystore.store import Keystore
from node.process.keys import OWN
from node.testnet.home import Folder
from node.testnet.plan import Member, Plan

__all__ = ["provision", "provision_node"]


def provision(folder: Folder, plan: Plan) -> None:
    """Make the folders and keys that are not there yet.

    Raises:
        KeystoreError: the disk refuses.
    """
    for member in plan.nodes:
        provision_node(folder, member)
    _keep(folder.keys, folder.keys / "passphrase", plan.arbiter.name, plan.arbiter)


def provision_node(folder: Folder, member: Member) -> None:
    """Make a node's folder and its key, unless they are there.

    Raises:
        KeystoreError: the disk refuses.
    """
    data_dir = folder.node(member.name)
    data_dir.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    _keep(data_dir.keys, data_dir.passphrase, OWN, member)


def _keep(keys: Path, passphrase: Path, name: str, member: Member) -> None:
    store = Keystore(keys)
    if name in store.names():
        return
    make_private_folder(keys)
    if not passphrase.exists():
        create_exclusively(passphrase, secrets.token_hex(32).encode() + b"\n")
    store.create(name, member.seed, read_passphrase_file(passphrase), cost=GENERATED_COST)
