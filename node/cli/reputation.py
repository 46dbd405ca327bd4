"""``ainur reputation``: what accounts have earned."""

from typing import TYPE_CHECKING, Any

import click

from node.cli.on_chain import Place, on_chain, place_option
from node.cli.output import json_option, print_json

if TYPE_CHECKING:
    from chain.client import Chain

__all__ = ["group"]


@click.group()
def group() -> None:
    """Scores and bonds on the chain: whose word counts for how much."""


@group.command()
@click.argument("account", required=False)
@place_option
@json_option
def show(place: Place, account: str | None, as_json: bool) -> None:
    """Show the standing of an ACCOUNT (5…, or n2 of a testnet); the node's own unless given."""
    from node.cli.reputation_rows import read_standing, show_row

    whose = place.sure_account(account)
    now, row, _ = on_chain(place.url, lambda chain: read_standing(chain, whose))
    if as_json:
        print_json({"chain": place.url, "block": now, "standing": row})
    else:
        show_row(row)


@group.command()
@click.option("--limit", type=click.IntRange(1, 1_000), default=10, show_default=True)
@place_option
@json_option
def top(place: Place, limit: int, as_json: bool) -> None:
    """List those whose score counts for most; of equals, who has settled more, then who has bonded more."""
    from node.cli.reputation_rows import row_of, show_rows

    async def work(chain: "Chain") -> tuple[int, list[dict[str, Any]]]:
        final = await chain.finalized()
        queries = chain.queries.at(final.hash)
        params, agents = await queries.reputation_params(), await queries.agents()
        found = sorted(
            (await queries.standings()).items(),
            key=lambda each: (-each[1].effective, -each[1].settled, -each[1].active, each[0]),
        )
        return final.number, [
            row_of(account, record, params, is_registered=account in agents)
            for account, record in found
        ]

    now, rows = on_chain(place.url, work)
    if as_json:
        print_json(
            {"chain": place.url, "block": now, "known": len(rows), "standings": rows[:limit]}
        )
    elif rows:
        show_rows(rows[:limit])
    else:
        click.echo("nobody has bonded or settled anything yet")
