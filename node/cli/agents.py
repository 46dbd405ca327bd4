"""``ainur agents``: who has announced itself."""

import click

from node.api.client import connect
from node.cli.api import data_dir_option, show_table, without_version
from node.cli.output import json_option, print_json
from node.process.datadir import DataDir

__all__ = ["group"]


@click.command()
@click.option("--limit", type=click.IntRange(1, 1_000), default=1_000, help="At most so many.")
@data_dir_option
@json_option
def group(folder: DataDir, as_json: bool, limit: int) -> None:
    """List the agents that a node knows."""
    answer = connect(folder).get("/v1/agents", limit=limit)
    if as_json:
        print_json(without_version(answer))
        return
    if not answer["agents"]:
        click.echo("no agents; `ainur peers` shows whether the node is connected")
        return
    show_table(
        ["peer", "account", "age", "capabilities"],
        [
            [
                each["peer_id"],
                each["account"],
                f"{each['age_ms'] / 1000:.0f} s",
                ", ".join(c["name"] for c in each["capabilities"])
                + (" (this node)" if each["self"] else ""),
            ]
            for each in answer["agents"]
        ],
    )
    if answer["known"] > len(answer["agents"]):
        click.echo(f"{answer['known']} in all")
