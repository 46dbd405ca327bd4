"""``ainur why-not-found``: why an agent is not among those that ``ainur find`` shows."""

from typing import Any

import click

from node.api.client import connect
from node.cli.api import data_dir_option, show_table, without_version
from node.cli.find import asked, query_options
from node.cli.output import json_option, print_json
from node.process.datadir import DataDir

__all__ = ["group"]


@click.command()
@query_options
@click.option(
    "--agent", metavar="PEER|ACCOUNT", help="The one that is missed; all that are unless given."
)
@data_dir_option
@json_option
def group(folder: DataDir, as_json: bool, agent: str | None, **options: Any) -> None:
    """Say why agents were not found."""
    parameters = asked(options)
    answer = connect(folder).get("/v1/why-not-found", agent=agent, **parameters)
    if as_json:
        print_json(without_version(answer))
        return
    if not answer["absences"]:
        click.echo("nobody is missing that this node ever heard of")
        return
    show_table(
        ["reason", "agent", "detail"],
        [
            [each["reason"], each["peer_id"] or each["account"] or "", each["detail"]]
            for each in answer["absences"]
        ],
    )
