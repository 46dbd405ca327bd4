"""``ainur find``: who could do it."""

from typing import Any

import click

from node.api.client import connect
from node.cli.api import data_dir_option, show_table, without_version
from node.cli.output import json_option, print_json
from node.process.datadir import DataDir

__all__ = ["asked", "group", "query_options"]


def query_options(command: Any) -> Any:
    """Add what a query is made of; the command is given them as keywords."""
    for option in reversed(
        (
            click.argument("capability", required=False),
            click.option("--prefix", help="This capability and all below it (text: text.summarize)."),
            click.option("--text", help="What it should do, in words."),
            click.option("--version", "version", type=click.IntRange(0, 65_535), help="This version alone."),
            click.option("--max-price", metavar="AMOUNT", help="Such as '0.02 AINU'."),
            click.option("--free-slot", is_flag=True, help="Only who could start now."),
            click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True),
            click.option("--least", type=click.FloatRange(-1, 1), help="The least likeness of a text."),
        )
    ):  # fmt: skip
        command = option(command)
    return command


def asked(options: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of the request.

    Raises:
        UsageError: not exactly one of capability, prefix and text was given.
    """
    given = [kind for kind in ("capability", "prefix", "text") if options[kind] is not None]
    if len(given) != 1:
        raise click.UsageError("name a CAPABILITY, or give --prefix or --text")
    if options["least"] is not None and given != ["text"]:
        raise click.UsageError("--least goes with --text")
    return {**options, "free_slot": "true" if options["free_slot"] else None}


@click.command()
@query_options
@data_dir_option
@json_option
def group(folder: DataDir, as_json: bool, **options: Any) -> None:
    """Find agents by capability, by prefix or by text."""
    parameters = asked(options)
    answer = connect(folder).get("/v1/find", **parameters)
    if as_json:
        print_json(without_version(answer))
        return
    if not answer["matches"]:
        click.echo("nobody; `ainur why-not-found` says why")
        return
    show_table(
        ["capability", "peer", "account", "like", "says"],
        [
            [
                each["capability"]["name"],
                each["agent"]["peer_id"],
                each["agent"]["account"],
                "" if each["similarity"] is None else f"{each['similarity']:.2f}",
                each["capability"]["description"][:60],
            ]
            for each in answer["matches"]
        ],
    )
