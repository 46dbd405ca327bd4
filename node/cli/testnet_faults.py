"""``ainur testnet kill|start|freeze|partition|heal``: what goes wrong, on demand."""

from typing import Any

import click

from node.cli.chain_options import dry_run_option, show_plan
from node.cli.output import json_option, print_json
from node.cli.testnet_options import running_testnet
from node.testnet.config import TestnetView
from node.testnet.home import Folder

__all__ = ["freeze", "heal", "kill", "partition", "start"]


def _do(folder: Folder, do: str, plan: str, *, as_json: bool, dry_run: bool, **what: Any) -> None:
    from node.testnet.client import order

    if dry_run:
        order(folder, "status")
        show_plan(folder.name, plan, as_json=as_json)
        return
    view = order(folder, do, **what)
    if as_json:
        print_json(view.to_json())
    else:
        _show(view)


def _show(view: TestnetView) -> None:
    states = {"chain": view.chain_state, **{node.name: node.state for node in view.nodes}}
    for name, state in states.items():
        refuses = () if name == "chain" else view.node(name).refuses
        click.echo(f"{name}: {state}" + (f", cut off from {', '.join(refuses)}" if refuses else ""))


@click.command()
@click.argument("node")
@dry_run_option
@running_testnet
@json_option
def kill(folder: Folder, node: str, as_json: bool, dry_run: bool) -> None:
    """Kill a node, or `chain`, as a power cut would."""
    _do(folder, "kill", f"kill {node}", as_json=as_json, dry_run=dry_run, node=node)


@click.command()
@click.argument("node")
@dry_run_option
@running_testnet
@json_option
def start(folder: Folder, node: str, as_json: bool, dry_run: bool) -> None:
    """Bring back a node, or `chain`: one that was killed on its own data, one that is frozen as it is."""
    plan = f"start {node} again, or let it go on"
    _do(folder, "start", plan, as_json=as_json, dry_run=dry_run, node=node)


@click.command()
@click.argument("node")
@dry_run_option
@running_testnet
@json_option
def freeze(folder: Folder, node: str, as_json: bool, dry_run: bool) -> None:
    """Stop a node, or `chain`, where it is: its sockets stay open and nobody answers; `start` ends it."""
    _do(folder, "freeze", f"freeze {node}", as_json=as_json, dry_run=dry_run, node=node)


def _sides(_context: click.Context, _parameter: click.Parameter, value: str) -> list[list[str]]:
    sides = [[n.strip() for n in side.split(",") if n.strip()] for side in value.split("|")]
    if not all(sides):
        raise click.BadParameter(f"{value!r} has an empty side: write it like 'n1,n2|n3,n4'")
    return sides


@click.command()
@click.argument("sides", callback=_sides, metavar="A,B|C,D")
@dry_run_option
@running_testnet
@json_option
def partition(folder: Folder, sides: list[list[str]], as_json: bool, dry_run: bool) -> None:
    """Cut nodes off from each other; those that are not named are one more side. All still reach the chain."""
    plan = "cut off from each other: " + " | ".join(",".join(side) for side in sides)
    _do(folder, "partition", plan, as_json=as_json, dry_run=dry_run, sides=sides)


@click.command()
@dry_run_option
@running_testnet
@json_option
def heal(folder: Folder, as_json: bool, dry_run: bool) -> None:
    """End the partition."""
    _do(folder, "heal", "let all nodes connect to each other", as_json=as_json, dry_run=dry_run)
