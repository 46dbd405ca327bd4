"""What the commands that ask a running node share: which node, and how agents look."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from node.api.client import ApiError
from node.cli.output import guarded
from node.process.datadir import data_dir

__all__ = ["data_dir_option", "show_table", "without_version"]


def data_dir_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--data-dir``; the command is given the node's folder."""

    @click.option(
        "--data-dir",
        type=click.Path(file_okay=False, path_type=Path),
        help="The node's folder; AINUR_HOME/node unless given.",
    )
    def run(data_dir: Path | None, **options: Any) -> None:
        command(folder=_folder(data_dir), **options)

    run.__doc__, run.__name__ = command.__doc__, command.__name__
    run.__click_params__ = [*getattr(command, "__click_params__", []), *run.__click_params__]  # type: ignore[attr-defined]  # click's own attribute
    return guarded(ApiError)(run)


_folder = data_dir


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
