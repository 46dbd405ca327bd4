"""``ainur peers``: who a node is connected to."""

import click

from node.api.client import connect
from node.cli.api import data_dir_option, show_table, without_version
from node.cli.output import json_option, print_json
from node.process.datadir import DataDir

__all__ = ["group"]


@click.command()
@data_dir_option
@json_option
def group(folder: DataDir, as_json: bool) -> None:
    """List the peers that a node is connected to."""
    answer = connect(folder).get("/v1/peers")
    if as_json:
        print_json(without_version(answer))
        return
    if not answer["peers"]:
        click.echo("no peers; give `ainur node run` a --bootstrap address of another node")
        return
    show_table(
        ["peer", "way", "round trip", "score", "address"],
        [
            [
                each["peer_id"],
                "in" if each["inbound"] else "out",
                "" if each["round_trip_ms"] is None else f"{each['round_trip_ms']:.1f} ms",
                f"{each['score']:g}",
                " ".join(each["addresses"]),
            ]
            for each in answer["peers"]
        ],
    )
