"""What the commands that ask a running node share: which node, and how agents look."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import click

from node.api.client import ApiError
from node.cli.configuration import given_by_hand
from node.cli.output import guarded
from node.process.datadir import DataDir
from node.process.datadir import data_dir as folder_of_node
from node.testnet.errors import TestnetError
from node.testnet.home import FIRST, Folder, running_folder, running_names

__all__ = [
    "Picked",
    "choice_option",
    "data_dir_option",
    "own_data_dir_option",
    "pick_option",
    "show_table",
    "without_version",
]


_DATA_DIR = "--data-dir"
_PATH = click.Path(file_okay=False, path_type=Path)


def own_data_dir_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--data-dir`` to a command that runs a node; it is given the node's folder."""

    @click.option(_DATA_DIR, type=_PATH, help="The node's folder; AINUR_HOME/node unless given.")
    def run(data_dir: Path | None, **options: Any) -> None:
        command(folder=folder_of_node(data_dir), **options)

    return _as(command, run)


def data_dir_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name a running node; the command is given its folder."""

    def run(choose: Callable[[], DataDir], **options: Any) -> None:
        command(folder=choose(), **options)

    return choice_option(_as(command, run))


def choice_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name a running node to a command that may need none; it is given what finds its folder."""

    def run(pick: Callable[[], Picked], **options: Any) -> None:
        command(choose=lambda: pick().folder, **options)

    return pick_option(_as(command, run))


def pick_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name a running node; the command is given what finds it, and its testnet, if it is of one."""

    @click.option(_DATA_DIR, type=_PATH, help="The node's folder.")
    @click.option(
        "--testnet", metavar="NAME", help="A node of this testnet: its first one, which buys."
    )
    @click.option("--node", metavar="NODE", help="Another node of the testnet, such as n2.")
    def run(data_dir: Path | None, testnet: str | None, node: str | None, **options: Any) -> None:
        # What is given by hand goes before what is set once for all.
        by_hand = {name: given_by_hand(name) for name in ("data_dir", "testnet", "node")}
        if by_hand["data_dir"]:
            testnet, node = (
                (testnet, node) if by_hand["testnet"] or by_hand["node"] else (None, None)
            )
        elif by_hand["testnet"] or by_hand["node"]:
            data_dir = None
        command(pick=lambda: _find(data_dir, testnet, node), **options)

    return _as(command, run)


@attrs.frozen
class Picked:
    """A node that was named, or is meant."""

    folder: DataDir
    testnet: Folder | None = None
    """None: it is of no testnet."""
    name: str | None = None
    """In the testnet."""


def _as(command: Callable[..., Any], run: Any) -> Callable[..., Any]:
    run.__doc__, run.__name__ = command.__doc__, command.__name__
    own = getattr(run, "__click_params__", [])
    run.__click_params__ = [*getattr(command, "__click_params__", []), *own]
    guard: Callable[..., Any] = guarded(ApiError, TestnetError)(run)
    return guard


def _find(data_dir: Path | None, testnet: str | None, node: str | None) -> Picked:
    """Return the folder that is named; else the node's of AINUR_HOME, if it runs; else one of the only testnet.

    Raises:
        TestnetError: several testnets run, or the one that is named has no such node.
    """
    if data_dir is not None:
        if testnet is not None or node is not None:
            raise click.UsageError(
                "--data-dir names a node already: leave --testnet and --node out"
            )
        return Picked(folder_of_node(data_dir))
    own = folder_of_node(None)
    if testnet is None and node is None and (own.is_running() or not running_names()):
        return Picked(own)
    folder, name = running_folder(testnet, "--testnet"), node or FIRST
    return Picked(folder.known_node(name), folder, name)


def without_version(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer without the version of its shape, which printing adds."""
    return {key: value for key, value in answer.items() if key != "version"}


def show_table(columns: list[str], rows: list[list[str]]) -> None:
    """Print rows below their headings, each column as wide as it needs.

    What peers wrote is printed without its control characters, which could do things to a terminal.
    """
    clean = [["".join(c if c.isprintable() else "?" for c in cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [columns, *clean]) for i in range(len(columns))]
    for row in [columns, *clean]:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
