"""``ainur bond``: the money that a provider works under."""

from typing import TYPE_CHECKING, Any

import click

from chain.calls import Call
from chain.calls.reputation import Bond, BondExtra, Unbond, WithdrawUnbonded
from market.errors import UsageError
from market.identity import AccountId, ss58_from_account
from market.units import Planck, format_amount, parse_amount
from node.cli.chain_keys import KeyChoice, find_key, key_options, signer_of
from node.cli.chain_options import dry_run_option
from node.cli.errors import NotNowError
from node.cli.on_chain import Place, on_chain, place_option
from node.cli.output import guarded, json_option, print_json
from node.keystore.errors import KeystoreError

if TYPE_CHECKING:
    from chain.client import Chain
    from market.reputation.params import Params

__all__ = ["group"]


def _amount(_context: click.Context, _parameter: click.Parameter, text: str) -> Planck:
    try:
        amount = parse_amount(text)
    except UsageError as error:
        raise click.BadParameter(str(error)) from error
    if amount == 0:
        raise click.BadParameter("nothing is no amount")
    return amount


_AMOUNT = click.argument("amount", callback=_amount)


@click.group()
def group() -> None:
    """The bond that a provider works under: show it, add, take out."""


@group.command()
@click.argument("account", required=False)
@place_option
@json_option
def show(place: Place, account: str | None, as_json: bool) -> None:
    """Show the bond of an ACCOUNT (5…, or n2 of a testnet); the node's own unless given."""
    from node.cli.reputation_rows import read_standing

    whose = place.sure_account(account)
    now, row, params = on_chain(place.url, lambda chain: read_standing(chain, whose))
    if as_json:
        print_json(
            {"chain": place.url, "block": now, "min_bond": str(params.min_bond), "standing": row}
        )
    else:
        _show(row, params, now)


@group.command()
@_AMOUNT
@dry_run_option
@key_options
@place_option
@json_option
@guarded(KeystoreError)
def add(place: Place, key: KeyChoice, amount: Planck, dry_run: bool, as_json: bool) -> None:
    """Bond AMOUNT ('10 AINU') more. The first bond ever burns a fee."""

    def call_of(row: dict[str, Any], params: "Params") -> Call:
        if int(row["bond"]):
            return BondExtra(amount)
        if amount < params.min_bond:
            raise NotNowError(
                f"nothing is bonded, and a bond is {format_amount(params.min_bond)} at least: add as much"
            )
        return Bond(amount)

    _act(place, key, call_of, f"bond {format_amount(amount)}", dry_run=dry_run, as_json=as_json)


@group.command()
@_AMOUNT
@dry_run_option
@key_options
@place_option
@json_option
@guarded(KeystoreError)
def remove(place: Place, key: KeyChoice, amount: Planck, dry_run: bool, as_json: bool) -> None:
    """Send AMOUNT of the bond on its way out; it can be slashed until it is withdrawn."""

    def call_of(row: dict[str, Any], _params: "Params") -> Call:
        if amount > int(row["bond"]):
            raise NotNowError(
                f"only {format_amount(int(row['bond']))} are bonded: take out no more"
            )
        return Unbond(amount)

    _act(place, key, call_of, f"unbond {format_amount(amount)}", dry_run=dry_run, as_json=as_json)


@group.command()
@dry_run_option
@key_options
@place_option
@json_option
@guarded(KeystoreError)
def withdraw(place: Place, key: KeyChoice, dry_run: bool, as_json: bool) -> None:
    """Take out every part of the bond that is on its way out and whose block has come."""

    def call_of(row: dict[str, Any], _params: "Params") -> Call:
        if not row["unlocking"]:
            raise NotNowError("nothing is on its way out: `ainur bond remove AMOUNT` comes first")
        return WithdrawUnbonded()

    _act(place, key, call_of, "withdraw what is free", dry_run=dry_run, as_json=as_json)


def _act(place: Place, choice: KeyChoice, call_of: Any, what: str, *, dry_run: bool, as_json: bool) -> None:  # fmt: skip
    """Have the node's account, or that of the key that is named, make a call; show what stands then."""
    from node.cli.reputation_rows import read_standing

    own = None if choice.name is not None else place.account(None)
    stored = find_key(choice, place, own)
    if stored.file.signs_for_another:
        raise NotNowError(
            f"{stored.name} signs for {stored.file.account}: a bond is that account's own, so name its own key"
        )
    account = AccountId(stored.file.key)

    async def work(chain: "Chain") -> tuple[Call, int, dict[str, Any], "Params"]:
        now, row, params = await read_standing(chain, account)
        call: Call = call_of(row, params)
        if not dry_run:
            signer = await signer_of(chain, stored, choice)
            await chain.submit(f"{call.name} by {stored.name}", call, signer)
            now, row, params = await read_standing(chain, account)
        return call, now, row, params

    call, now, row, params = on_chain(place.url, work)
    if as_json:
        report = {"chain": place.url, "block": now, "call": call.name, "dry_run": dry_run}
        print_json({**report, "min_bond": str(params.min_bond), "standing": row})
    elif dry_run:
        click.echo(f"would {what} for {ss58_from_account(account)}, by {call.name} at {place.url}")
    else:
        _show(row, params, now)


def _show(row: dict[str, Any], params: "Params", now: int) -> None:
    least, bond = params.min_bond, int(row["bond"])
    short = "" if bond >= least else f" (takes on no work below {format_amount(least)})"
    click.echo(f"{'account:':11}{row['account']}")
    click.echo(f"{'bond:':11}{format_amount(bond)}{short}")
    for chunk in row["unlocking"]:
        when = "now" if chunk["at"] <= now else f"from block {chunk['at']:,} on (now {now:,})"
        click.echo(f"{'going out:':11}{format_amount(int(chunk['amount']))}, free {when}")
    if int(row["set_aside"]):
        click.echo(f"{'set aside:':11}{format_amount(int(row['set_aside']))}, by reports")
    click.echo(f"{'free:':11}{format_amount(int(row['free']))} beside it")
