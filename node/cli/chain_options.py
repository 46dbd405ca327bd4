"""What the commands of ``ainur chain`` share: which chain is meant, and how one is shown."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from node.chainhost.config import Record
from node.chainhost.errors import ChainHostError
from node.chainhost.home import DEFAULT_NAME, folder_of
from node.cli.output import guarded, print_json

__all__ = ["chain_options", "dry_run_option", "lines_option", "show_plan", "show_record"]

dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Say what would be done, and do nothing."
)

lines_option = click.option(
    "--lines",
    "-n",
    type=click.IntRange(0),
    default=50,
    show_default=True,
    help="How many, from the end.",
)
"""Of ``logs``."""


def chain_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which chain is meant; the command is given its folder."""

    @click.option(
        "--name", default=DEFAULT_NAME, show_default=True, help="Which of several chains."
    )
    @click.option(
        "--data-dir",
        type=click.Path(file_okay=False, path_type=Path),
        help="The chain's folder, instead of one below AINUR_HOME.",
    )
    def run(name: str, data_dir: Path | None, **options: Any) -> None:
        command(folder=folder_of(name, data_dir), **options)

    run.__doc__, run.__name__ = command.__doc__, command.__name__
    run.__click_params__ = [*getattr(command, "__click_params__", []), *run.__click_params__]  # type: ignore[attr-defined]  # click's own attribute
    return guarded(ChainHostError)(run)


def show_plan(name: str, plan: str, *, as_json: bool) -> None:
    """Say what would be done."""
    if as_json:
        print_json({"name": name, "dry_run": True, "would": plan})
    else:
        click.echo(f"would {plan}")


def show_record(record: Record) -> None:
    """Say where a chain is."""
    for name, value in (
        ("chain", f"{record.name} ({record.backend}, {record.runtime}, seal {record.seal})"),
        ("url", record.url),
        ("polkadot.js", record.apps),
        ("genesis", record.genesis),
        ("folder", record.data_dir + (" (blocks are kept)" if record.persist else "")),
    ):
        click.echo(f"{name + ':':13}{value}")
