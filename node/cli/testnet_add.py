"""``ainur testnet add-agent``: one more node, with agents of the user's own."""

from pathlib import Path

import click

from node.cli.chain_options import dry_run_option, show_plan
from node.cli.output import json_option, print_json
from node.cli.testnet_options import running_testnet
from node.testnet.home import Folder

__all__ = ["add_agent"]


@click.command("add-agent")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--allow-network", is_flag=True, help="Let its agents use the network.")
@click.option("--allow-unsandboxed", is_flag=True, help="Run its agents where there is no sandbox.")
@dry_run_option
@running_testnet
@json_option
def add_agent(
    folder: Folder,
    file: Path,
    allow_network: bool,
    allow_unsandboxed: bool,
    as_json: bool,
    dry_run: bool,
) -> None:
    """Start one more node, bonded like the others, which sells the agents that FILE declares."""
    from node.testnet.client import order

    if dry_run:
        order(folder, "status")
        plan = f"start one more node that sells the agents of {file}"
        show_plan(folder.name, plan, as_json=as_json)
        return
    view = order(
        folder,
        "add-agent",
        agents=str(file.absolute()),
        network=allow_network,
        unsandboxed=allow_unsandboxed,
    )
    new = view.nodes[-1]
    if as_json:
        print_json({**view.to_json(), "added": new.name})
    else:
        click.echo(f"{new.name} sells {', '.join(new.agents)}: {new.multiaddr}")
