"""``ainur testnet add-agent|add-cheater``: one more node, with agents of the user's own, or one that cheats."""

from pathlib import Path

import click

from node.cli.chain_options import dry_run_option, show_plan
from node.cli.output import json_option, print_json
from node.cli.testnet_options import running_testnet
from node.testnet.config import CHEATS, TestnetView
from node.testnet.home import Folder

__all__ = ["add_agent", "add_cheater"]


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
    _show(view, as_json=as_json)


@click.command("add-cheater")
@click.argument("kind", type=click.Choice(CHEATS))
@dry_run_option
@running_testnet
@json_option
def add_cheater(folder: Folder, kind: str, as_json: bool, dry_run: bool) -> None:
    """Start one more node, bonded like the others, which asks little and does not keep to the rules."""
    from node.testnet.client import order

    if dry_run:
        order(folder, "status")
        show_plan(folder.name, f"start one more node, a {kind}", as_json=as_json)
        return
    _show(order(folder, "add-cheater", kind=kind), as_json=as_json)


def _show(view: TestnetView, *, as_json: bool) -> None:
    new = view.nodes[-1]
    if as_json:
        print_json({**view.to_json(), "added": new.name})
    else:
        what = "" if new.cheat is None else f" ({new.cheat})"
        click.echo(f"{new.name}{what} sells {', '.join(new.agents) or 'nothing'}: {new.multiaddr}")
