"""``ainur testnet up|down|reset``: all processes of a testnet, and what they keep."""

import importlib.util
from typing import Any, Final

import click

from node.chainhost.backend import BACKENDS
from node.cli.chain_options import dry_run_option, show_plan
from node.cli.output import json_option, print_json
from node.cli.testnet_options import (
    funds_of,
    new_testnet,
    running_testnet,
    show_testnet,
    testnet_json,
)
from node.cli.windows import parse_windows
from node.testnet.home import Folder

__all__ = ["down", "require_extras", "reset", "up", "wide_option"]

_NEEDED: Final = ("cryptography", "libp2p", "duckdb")
"""Modules of the extras ``node`` and ``agents``."""


def require_extras() -> None:
    """Say now what nodes need, whose processes could only end when they found it missing.

    Raises:
        ModuleNotFoundError: the first that is missing.
    """
    for needed in _NEEDED:
        if importlib.util.find_spec(needed) is None:
            raise ModuleNotFoundError(name=needed)


wide_option = click.option("--wide", is_flag=True, help="Whole PeerIds, accounts and lists.")


@click.command()
@click.option(
    "--nodes",
    type=click.IntRange(1, 100),
    help="How many; 5 unless given. The first one buys, the others sell.",
)
@click.option(
    "--seed",
    help="Gives all keys and the genesis: the same seed gives the same ones. Without it, each testnet has its own.",
)
@click.option(
    "--chain-backend",
    "backend",
    type=click.Choice(list(BACKENDS)),
    help="The runtime in this program, or the Substrate node; embedded unless given.",
)
@click.option(
    "--windows",
    metavar="COMMIT,REVEAL,ACCEPT",
    callback=parse_windows,
    help="Blocks that the phases of auctions take at most; they end early once all have answered. 2,2,3 unless given.",
)
@wide_option
@dry_run_option
@new_testnet
@json_option
def up(folder: Folder, as_json: bool, dry_run: bool, wide: bool, **wanted: Any) -> None:
    """Start a chain and nodes; return when all are ready."""
    require_extras()
    from node.testnet import control

    asked = control.Wanted(**wanted)
    if dry_run:
        config = control.check_up(folder, asked)
        plan = (
            f"start a chain ({config.backend}) and {config.nodes} nodes in {folder.path}, each a process"
            " of its own, at free ports of this machine"
        )
        show_plan(folder.name, plan, as_json=as_json)
        return
    view = control.up(folder, asked)
    funds = funds_of(view)
    if as_json:
        print_json(testnet_json(view, funds))
    else:
        show_testnet(view, funds, wide=wide)


@click.command()
@dry_run_option
@running_testnet
@json_option
def down(folder: Folder, as_json: bool, dry_run: bool) -> None:
    """Stop all processes of a testnet; what they keep stays on disk, and `up` goes on with it."""
    from node.testnet import control
    from node.testnet.client import order

    if dry_run:
        view = order(folder, "status")
        plan = f"stop the testnet {folder.name!r}: its chain and {len(view.nodes)} nodes"
        show_plan(folder.name, plan, as_json=as_json)
        return
    killed = control.down(folder)
    if as_json:
        print_json({"name": folder.name, "killed": killed})
    else:
        click.echo(
            f"the testnet {folder.name!r} is stopped" + (" (it had to be killed)" if killed else "")
        )


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@wide_option
@dry_run_option
@new_testnet
@json_option
def reset(folder: Folder, as_json: bool, yes: bool, dry_run: bool, wide: bool) -> None:
    """Forget a testnet's blocks, keys and nodes; one that runs is started again, with another genesis."""
    from node.testnet import control

    again = " and start the testnet again" if folder.is_running() else ""
    plan = f"forget the chain, the keys and the nodes in {folder.path}{again}"
    if dry_run:
        show_plan(folder.name, plan, as_json=as_json)
        return
    if not yes and folder.config.exists():
        click.confirm(plan[0].upper() + plan[1:] + "?", abort=True, err=True)
    view = control.reset(folder)
    if view is None:
        if as_json:
            print_json({"name": folder.name, "testnet": None})
        else:
            click.echo(f"the testnet {folder.name!r} starts anew next time")
        return
    funds = funds_of(view)
    if as_json:
        print_json({"name": folder.name, "testnet": testnet_json(view, funds)})
    else:
        show_testnet(view, funds, wide=wide)
