"""``ainur escrow``: what is held for which work, and who can act until when."""

from typing import TYPE_CHECKING, Any

import click

from market.identity import AccountId
from market.standing import EscrowId
from node.cli.errors import NotThereError
from node.cli.on_chain import Place, on_chain, place_option
from node.cli.output import json_option, print_json

if TYPE_CHECKING:
    from chain.client import Chain
    from node.cli.escrow_rows import Snapshot

__all__ = ["NUMBER", "group"]

NUMBER = click.IntRange(0, 2**64 - 1)


@click.group()
def group() -> None:
    """Escrows on the chain: what is held, and who can act until when."""


@group.command("list")
@click.option(
    "--account", metavar="ACCOUNT", help="Of this account (5…, or n2 of a testnet); the node's own unless given."
)  # fmt: skip
@click.option("--all", "everybody", is_flag=True, help="Of everybody.")
@click.option("--ended", is_flag=True, help="Those that have ended, too, as long as the chain keeps them.")  # fmt: skip
@place_option
@json_option
def list_(place: Place, account: str | None, everybody: bool, ended: bool, as_json: bool) -> None:
    """List open escrows of an account, on either side."""
    from node.cli.escrow_rows import show_rows

    if everybody and account is not None:
        raise click.UsageError("--all and --account say two things: leave one out")
    whose = None if everybody else place.sure_account(account)

    async def work(chain: "Chain") -> "tuple[Snapshot, list[dict[str, Any]]]":
        return await _read(chain, whose, ended=ended)

    at, rows = on_chain(place.url, work)
    if as_json:
        print_json({"chain": place.url, **at.to_json(), "escrows": rows})
    elif rows:
        show_rows(rows, at)
    else:
        click.echo("no escrows" if ended else "no open escrows; --ended shows those that are over")


async def _read(
    chain: "Chain", whose: AccountId | None, *, ended: bool
) -> "tuple[Snapshot, list[dict[str, Any]]]":
    from node.cli.escrow_rows import read_snapshot, row_of

    at = await read_snapshot(chain)
    queries = chain.queries.at(at.hash)
    if whose is not None and not ended:
        found = {number: await queries.escrow(number) for number in await queries.live(whose)}
    else:
        found = dict(await queries.escrows())
    rows = [
        row_of(number, record, at)
        for number, record in sorted(found.items())
        if record is not None and (whose is None or whose in (record.requester, record.provider))
    ]
    return at, [row for row in rows if ended or row["is_open"]]


@group.command()
@click.argument("escrow", type=NUMBER)
@place_option
@json_option
def show(place: Place, escrow: int, as_json: bool) -> None:
    """Show the ESCROW of a number: state, amounts, and who may do what until when."""
    from node.cli.escrow_rows import read_snapshot, row_of, show_row

    async def work(chain: "Chain") -> "tuple[Snapshot, dict[str, Any] | None]":
        at = await read_snapshot(chain)
        record = await chain.queries.at(at.hash).escrow(EscrowId(escrow))
        return at, None if record is None else row_of(EscrowId(escrow), record, at)

    at, row = on_chain(place.url, work)
    if row is None:
        raise NotThereError(
            f"there is no escrow {escrow} at block {at.now}: it was pruned, or never was;"
            " `ainur escrow list --all --ended` shows those that are there"
        )
    if as_json:
        print_json({"chain": place.url, **at.to_json(), "escrow": row})
    else:
        show_row(row, at)
