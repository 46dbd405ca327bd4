"""``ainur keys``: the secret keys of a node and its owner."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from market.errors import UsageError
from market.identity import account_from_ss58
from node.cli.chain_options import dry_run_option, show_plan
from node.cli.keys_chain import register, rotate
from node.cli.keys_options import PASSPHRASE, asker, keystore_of, store_option
from node.cli.output import guarded, json_option, print_json
from node.keystore.errors import KeystoreError
from node.keystore.passphrase import find_passphrase

__all__ = ["group"]

_ERRORS = (KeystoreError, UsageError)


@click.group()
def group() -> None:
    """The secret keys of a node and of its owner: encrypted, the owner's alone."""


group.add_command(register)
group.add_command(rotate)


def _view(name: str, file: Any) -> dict[str, Any]:
    return {
        "name": name,
        "scheme": file.scheme,
        "public_key": file.public_key,
        "peer_id": file.peer,
        "account": file.account,
        "signs_for_another": file.signs_for_another,
        "development": file.development,
        "created_at": file.created_at,
    }


def _show(view: dict[str, Any]) -> None:
    for label, value in (
        ("key", view["name"]),
        ("peer", view["peer_id"]),
        ("account", view["account"] + (" (another's)" if view["signs_for_another"] else "")),
        ("public key", view["public_key"]),
        ("created", view["created_at"]),
    ):
        click.echo(f"{label + ':':12}{value}")
    if view["development"]:
        click.echo(
            f"{'warning:':12}development key {view['development']}: everybody has its secret"
        )


def _tell(name: str, file: Any, path: Path, *, as_json: bool) -> None:
    view = _view(name, file)
    if as_json:
        print_json({**view, "path": str(path)})
    else:
        _show(view)
        click.echo(f"{'file:':12}{path}")


@group.command()
@click.argument("name", default="node")
@click.option(
    "--for",
    "account",
    metavar="ACCOUNT",
    help="Sign for this account (SS58), whose operator key it is to replace.",
)
@PASSPHRASE
@store_option
@dry_run_option
@json_option
@guarded(*_ERRORS)
def new(name: str, account: str | None, passphrase_file: Path | None, keystore: Path,
        dry_run: bool, as_json: bool) -> None:  # fmt: skip
    """Make a key; it is a peer on the network and an account on chain.

    A node that runs takes it up when it is started again.
    """
    from node.keystore.store import new_seed

    store = keystore_of(keystore)
    signs_for = None if account is None else account_from_ss58(account)
    store.require_free(name)  # before anybody types a passphrase
    if dry_run:
        show_plan(name, f"make a key in {store.path_of(name)}", as_json=as_json)
        return
    passphrase = find_passphrase(passphrase_file, asker(confirm=True))
    made = store.create(name, new_seed(), passphrase, account=signs_for)
    _tell(name, made.file, made.path, as_json=as_json)
    if not as_json:
        click.echo(f"{'in use:':12}by a node that runs, when it is started again")


@group.command("list")
@store_option
@json_option
@guarded(*_ERRORS)
def list_(keystore: Path, as_json: bool) -> None:
    """List all keys."""
    rows: list[dict[str, Any]] = []
    for name, found in keystore_of(keystore).all():
        if isinstance(found, KeystoreError):
            rows.append({"name": name, "error": str(found)})
        else:
            rows.append(_view(name, found.file))
    if as_json:
        print_json({"keystore": str(keystore), "keys": rows})
        return
    if not rows:
        click.echo(f"no keys in {keystore}; make one with `ainur keys new`")
    for row in rows:
        if "error" in row:
            click.echo(f"{row['name']:16}{row['error']}")
        else:
            mark = f"  {row['development']}" if row["development"] else ""
            click.echo(f"{row['name']:16}{row['peer_id']}  {row['account']}{mark}")


@group.command()
@click.argument("name", default="node")
@store_option
@json_option
@guarded(*_ERRORS)
def show(name: str, keystore: Path, as_json: bool) -> None:
    """Show what may be known of a key; needs no passphrase."""
    found = keystore_of(keystore).get(name)
    _tell(name, found.file, found.path, as_json=as_json)


@group.command()
@click.argument("name", default="node")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a new file, the owner's alone, instead of to stdout.",
)
@click.option("--reveal-seed", is_flag=True, help="The bare secret, without encryption.")
@click.option("--yes", is_flag=True, help="Do not ask before the secret is shown.")
@PASSPHRASE
@store_option
@json_option
@guarded(*_ERRORS)
def export(name: str, output: Path | None, reveal_seed: bool, yes: bool,
           passphrase_file: Path | None, keystore: Path, as_json: bool) -> None:  # fmt: skip
    """Copy a key out: encrypted as it is, or the bare seed."""
    from node.keystore.files import create_exclusively

    found = keystore_of(keystore).get(name)
    if reveal_seed:
        if not yes:
            click.confirm(
                "Whoever sees the seed has the key for ever. Show it?", abort=True, err=True
            )
        seed = found.reveal(find_passphrase(passphrase_file, asker()))
        data, shape = seed.hex().encode() + b"\n", {"seed": seed.hex()}
    else:
        data, shape = found.file.encode(), {"file": found.file.encode().decode()}
    if output is not None:
        create_exclusively(output.absolute(), data)
        shape = {"path": str(output.absolute())}
    if as_json:
        print_json({"name": name, "encrypted": not reveal_seed, **shape})
    elif output is None:
        click.echo(data.decode(), nl=False)
    else:
        click.echo(f"{name} is in {output}" + (", NOT encrypted" if reveal_seed else ""))


@group.command("import")
@click.argument("name", default="node")
@click.option(
    "--file",
    "key_file",
    type=click.Path(path_type=Path),
    help="What `ainur keys export` wrote; keeps its passphrase.",
)
@click.option(
    "--seed-file",
    type=click.Path(path_type=Path, allow_dash=True),
    help="64 hexadecimal digits; - for stdin.",
)
@click.option("--dev", metavar="NAME", help="A development account, such as Alice.")
@PASSPHRASE
@store_option
@dry_run_option
@json_option
@guarded(*_ERRORS)
def import_(name: str, key_file: Path | None, seed_file: Path | None, dev: str | None,
            passphrase_file: Path | None, keystore: Path, dry_run: bool, as_json: bool) -> None:  # fmt: skip
    """Take a key in."""
    from node.keystore.development import development_seed
    from node.keystore.files import read_private
    from node.keystore.sealing import open_key, read_key_file

    store = keystore_of(keystore)
    store.require_free(name)
    if sum(given is not None for given in (key_file, seed_file, dev)) != 1:
        raise click.UsageError("give one of --file, --seed-file and --dev")
    if dry_run:
        what = f"the development key {dev}" if dev is not None else str(key_file or seed_file)
        show_plan(name, f"take {what} in as {store.path_of(name)}", as_json=as_json)
        return
    if key_file is not None:
        file = read_key_file(read_private(key_file), str(key_file))
        # A key that cannot be opened is found out now, not on the day it is needed.
        open_key(file, find_passphrase(passphrase_file, asker()), str(key_file))
        made = store.add(name, file)
    else:
        seed = _read_seed(seed_file) if dev is None else development_seed(dev)
        ask: Callable[[], str] | None = (
            None if str(seed_file) == "-" and dev is None else asker(confirm=True)
        )
        made = store.create(name, seed, find_passphrase(passphrase_file, ask))
    _tell(name, made.file, made.path, as_json=as_json)


def _read_seed(seed_file: Path | None) -> bytes:
    from node.keystore.files import read_private
    from node.keystore.store import parse_seed

    if str(seed_file) == "-":
        return parse_seed(sys.stdin.readline(200))
    return parse_seed(read_private(Path(str(seed_file))).decode(errors="replace"))
