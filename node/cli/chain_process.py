"""``ainur chain up|down|reset``: a chain's process and what it keeps."""

import sys
from pathlib import Path
from typing import Any

import click

from node.chainhost.backend import BACKENDS
from node.chainhost.config import ChainConfig, Record
from node.chainhost.home import Folder
from node.cli.chain_options import chain_options, dry_run_option, show_plan, show_record
from node.cli.output import json_option, print_json

__all__ = ["down", "reset", "up"]

ORIGIN_SCHEMES = ("http://", "https://", "chrome-extension://", "moz-extension://")


def _seal(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if value in ("instant", "manual"):
        return value
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1
    if not 0.01 <= seconds <= 86_400:
        raise click.BadParameter("instant, manual, or seconds from 0.01 to 86400")
    return value


def _origins(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    for value in values:
        if value != "*" and not value.startswith(ORIGIN_SCHEMES):
            raise click.BadParameter(f"{value!r} is no origin, such as https://example.org")
    return tuple(value.rstrip("/") for value in values)


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=9944,
    show_default=True,
    help="0 for any that is free.",
)
@click.option("--persist", is_flag=True, help="Keep the blocks in the chain's folder.")
@click.option(
    "--seal",
    default="instant",
    show_default=True,
    callback=_seal,
    metavar="instant|SECONDS|manual",
    help="When blocks are made.",
)
@click.option(
    "--backend",
    type=click.Choice(list(BACKENDS)),
    default="embedded",
    show_default=True,
    help="The runtime in this program, or the Substrate node.",
)
@click.option(
    "--preset", default="development", show_default=True, help="The runtime's genesis preset."
)
@click.option(
    "--seed",
    help="Names the genesis: the same seed gives the same one. Without it, each chain has its own.",
)
@click.option(
    "--finality-lag",
    type=click.IntRange(0, 10_000),
    default=0,
    show_default=True,
    help="Blocks between the head and the finalised block.",
)
@click.option(
    "--allow-origin",
    multiple=True,
    callback=_origins,
    help="A web page that may connect, beside those of this machine and polkadot.js Apps.",
)
@click.option(
    "--runtime",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Another runtime's wasm.",
)
@click.option("--foreground", is_flag=True, help="Stay, log to stderr, and end with Ctrl-C.")
@dry_run_option
@chain_options
@json_option
def up(
    folder: Folder,
    as_json: bool,
    foreground: bool,
    dry_run: bool,
    runtime: Path | None,
    **options: Any,
) -> None:
    """Start a chain; return when it answers."""
    from node.chainhost.control import check_start, run_foreground, start

    config = ChainConfig(
        name=folder.name,
        data_dir=str(folder.path),
        runtime=None if runtime is None else str(runtime.absolute()),
        **options,
    )

    if dry_run:
        check_start(config)
        where = f"port {config.port}" if config.port else "a free port"
        kept = ", and keep its blocks" if config.persist else ""
        plan = f"start the backend {config.backend!r} at {where} in {folder.path}{kept}"
        show_plan(folder.name, plan, as_json=as_json)
        return

    def tell(record: Record) -> None:
        if as_json:
            print_json(record.to_json())
        else:
            show_record(record)
        sys.stdout.flush()

    if foreground:
        run_foreground(config, tell)
    else:
        tell(start(config))


@click.command()
@dry_run_option
@chain_options
@json_option
def down(folder: Folder, as_json: bool, dry_run: bool) -> None:
    """Stop a chain."""
    from node.chainhost.control import connect, stop

    if dry_run:
        record, _ = connect(folder)
        lost = "" if record.persist else ", whose blocks are then gone"
        plan = f"stop the chain {folder.name!r} (process {record.pid}){lost}"
        show_plan(folder.name, plan, as_json=as_json)
        return
    killed = stop(folder)
    if as_json:
        print_json({"name": folder.name, "killed": killed})
    else:
        click.echo(
            f"the chain {folder.name!r} is stopped" + (" (it had to be killed)" if killed else "")
        )


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@dry_run_option
@chain_options
@json_option
def reset(folder: Folder, as_json: bool, yes: bool, dry_run: bool) -> None:
    """Forget a chain's blocks; one that runs is started again, with another genesis."""
    from node.chainhost import control

    running = control.find(folder) is not None
    plan = f"forget the blocks in {folder.path}" + (" and start the chain again" if running else "")
    if dry_run:
        show_plan(folder.name, plan, as_json=as_json)
        return
    if not yes and folder.store.exists():
        click.confirm(plan[0].upper() + plan[1:] + "?", abort=True, err=True)
    record = control.reset(folder)
    if as_json:
        print_json({"name": folder.name, "chain": record and record.to_json()})
    elif record is None:
        click.echo(f"the chain {folder.name!r} starts anew next time")
    else:
        show_record(record)
