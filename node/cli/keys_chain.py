"""``ainur keys register`` and ``rotate``: an agent's operator key on chain."""

from pathlib import Path
from typing import Any

import click

from chain.errors import ChainError
from market.errors import UsageError
from market.identity import AccountId, account_from_ss58, ss58_from_account
from node.chainhost.errors import ChainHostError
from node.chainhost.home import DEFAULT_NAME, folder_of
from node.cli.keys_options import PASSPHRASE, asker, keystore_of, store_option
from node.cli.on_chain import on_chain
from node.cli.output import guarded, json_option, print_json
from node.keystore.errors import KeystoreError, NoSuchKeyError, RotationError
from node.keystore.passphrase import find_passphrase
from node.keystore.store import Keystore, StoredKey

__all__ = ["register", "rotate"]

_ERRORS = (KeystoreError, UsageError, ChainError, ChainHostError)
CHAIN = click.option(
    "--chain",
    "url",
    metavar="URL",
    help="Such as ws://127.0.0.1:9944; else the dev chain that runs.",
)


def url_of(url: str | None) -> str:
    """Return where the chain is: as given, or the dev chain's of this machine.

    Raises:
        ChainHostError: none was given and none runs.
    """
    if url is not None:
        return url
    from node.chainhost.control import find

    record = find(folder_of(DEFAULT_NAME, None))
    if record is None:
        raise ChainHostError("no dev chain runs: name one with --chain, or run `ainur chain up`")
    return record.url


@click.command()
@click.argument("name", default="node")
@click.option(
    "--cold",
    metavar="ACCOUNT",
    help="The cold account (SS58): may rotate at once; never changes. Keep its key off this machine.",
)
@CHAIN
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@PASSPHRASE
@store_option
@json_option
@guarded(*_ERRORS)
def register(name: str, cold: str | None, url: str | None, dry_run: bool,
             passphrase_file: Path | None, keystore: Path, as_json: bool) -> None:  # fmt: skip
    """Make a key's account an agent on chain; holds a deposit."""
    key = keystore_of(keystore).get(name)
    if key.file.signs_for_another:
        raise RotationError(
            f"{name} signs for {key.file.account}; register with that account's own key"
        )
    cold_account = None if cold is None else account_from_ss58(cold)
    where = url_of(url)
    report = {"account": key.file.account, "cold": cold, "chain": where, "dry_run": dry_run}
    if dry_run:
        _say(
            as_json, {**report, "registered": None}, f"would register {key.file.account} at {where}"
        )
        return
    identity = key.unlock(find_passphrase(passphrase_file, asker()))

    async def work(chain: Any) -> bool:
        from chain.signing import signer_from_identity
        from node.keystore.rotation import register_agent
        from node.keystore.store import refuse_development_key

        refuse_development_key(key.file, is_dev_chain=await chain.is_development())
        return await register_agent(chain, signer_from_identity(identity), cold_account)

    fresh = on_chain(where, work)
    _say(as_json, {**report, "registered": fresh},
         f"{key.file.account} is " + ("now an agent" if fresh else "an agent already"))  # fmt: skip


@click.command()
@click.argument("name", default="node")
@click.option(
    "--to", "new_name", metavar="NEW", required=True, help="The new key; made if there is none."
)
@click.option(
    "--signed-by",
    metavar="KEY",
    help="The key that announces it: the account's own (the default), or the cold account's.",
)
@CHAIN
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@PASSPHRASE
@click.option(
    "--new-passphrase-file",
    type=click.Path(path_type=Path),
    help="For the new key; else it gets the passphrase of the one that signs.",
)
@store_option
@json_option
@guarded(*_ERRORS)
def rotate(name: str, new_name: str, signed_by: str | None, url: str | None, dry_run: bool,
           passphrase_file: Path | None, new_passphrase_file: Path | None, keystore: Path,
           as_json: bool) -> None:  # fmt: skip
    """Replace an agent's operator key; the new one signs after the registry's delay.

    NAME is any key of the agent. The account stays, the peer changes. Asking again is harmless: what was
    begun is taken up. A node that runs knows the keys there were when it started: start it again before the
    new one signs.
    """
    store = keystore_of(keystore)
    key = store.get(name)
    agent = key.file.account_id
    signer = _signing_key(store, key, agent, signed_by)
    store.path_of(new_name)
    where = url_of(url)
    report: dict[str, Any] = {
        "agent": key.file.account, "signed_by": signer.name, "new_key": new_name, "chain": where,
        "dry_run": dry_run,
    }  # fmt: skip
    if dry_run:
        _say(as_json, report, f"would announce {new_name} as the operator key of"
             f" {key.file.account}, signed by {signer.name}, at {where}")  # fmt: skip
        return
    passphrase = find_passphrase(passphrase_file, asker(f"Passphrase of {signer.name}"))
    identity = signer.unlock(passphrase)
    fresh = passphrase
    if new_passphrase_file is not None:
        fresh = find_passphrase(new_passphrase_file, None)

    async def work(chain: Any) -> Any:
        from chain.signing import signer_from_identity
        from node.keystore.rotation import rotate_operator
        from node.keystore.store import refuse_development_key

        refuse_development_key(signer.file, is_dev_chain=await chain.is_development())
        # On disk before the chain knows of it: a key that was announced must not be lost.
        replacement = _replacement(store, new_name, agent, fresh)
        by = signer_from_identity(identity)
        return await rotate_operator(chain, agent, replacement.unlock(fresh), by)

    done = on_chain(where, work)
    report |= {
        "new_peer_id": store.get(new_name).file.peer, "effective_at": done.effective_at,
        "now": done.now, "effective": done.is_effective,
    }  # fmt: skip
    when = (
        "signs now" if done.is_effective
        else f"signs from block {done.effective_at} on (now {done.now}); until then the old one does"
    )  # fmt: skip
    _say(as_json, report, f"{new_name} ({report['new_peer_id']}) {when}; a node of this agent that runs"
         " takes it up when it is started again")  # fmt: skip


def _signing_key(
    store: Keystore, key: StoredKey, agent: AccountId, signed_by: str | None
) -> StoredKey:
    if signed_by is not None:
        return store.get(signed_by)
    for _, found in [(key.name, key), *store.all()]:
        if isinstance(found, StoredKey) and AccountId(found.file.key) == agent:
            return found
    raise NoSuchKeyError(
        f"the own key of {ss58_from_account(agent)} is not in {store.folder}: run this where it is, or"
        " name the cold account's key with --signed-by"
    )


def _replacement(store: Keystore, name: str, agent: AccountId, passphrase: str) -> StoredKey:
    from node.keystore.store import new_seed

    if name not in store.names():
        return store.create(name, new_seed(), passphrase, account=agent)
    found = store.get(name)
    if found.file.account_id != agent:
        raise RotationError(
            f"the key {name} signs for {found.file.account}: choose another name with --to"
        )
    return found


def _say(as_json: bool, report: dict[str, Any], text: str) -> None:
    if as_json:
        print_json(report)
    else:
        click.echo(text)
