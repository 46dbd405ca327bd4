"""What both demos print with: calm on a terminal, plain everywhere else."""

import textwrap
from collections.abc import Iterable

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from node.demo.facts import Chapter, Fact

__all__ = ["DETAIL", "STEP", "Page", "plain_table"]

WIDTH = 100
STEP, DETAIL = 2, 4
"""Columns by which a step and what is in it stand back."""


class Page:
    """Prints; lines end where they should, also where nobody looks."""

    def __init__(self) -> None:
        console = Console(highlight=False)
        self.console = Console(highlight=False, width=WIDTH) if console.width > WIDTH else console

    def chapter(self, what: Chapter) -> None:
        """Print how a chapter begins."""
        self.heading(what.title)
        self.indented(Text(what.words), 0)

    def heading(self, title: str) -> None:
        """Print a title behind a blank line."""
        self.console.print()
        self.console.print(Text(title, style="bold cyan"))

    def indented(self, text: Text, columns: int, first: Text | None = None) -> None:
        """Print a text; by lines of our own, since those of rich end in blanks.

        Args:
            text: words.
            columns: by which it stands back.
            first: what stands in those columns on the first line.
        """
        margin = Text(" " * columns) if first is None else first
        for line in textwrap.wrap(text.plain, self.console.width - columns):
            self.console.print(margin + Text(line, style=text.style), soft_wrap=True)
            margin = Text(" " * columns)

    def lines(self, text: str, columns: int) -> None:
        """Print lines as they are; long ones are left to the terminal."""
        for line in text.splitlines():
            self.console.print(Text(f"{' ' * columns}{line}".rstrip()), soft_wrap=True)

    def facts(self, facts: Iterable[Fact], columns: int = DETAIL + STEP) -> None:
        """Print facts, one a line."""
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim")
        grid.add_column(style="green", overflow="fold")
        for fact in facts:
            grid.add_row(fact.label, Text(fact.show()))
        if grid.row_count:
            self.console.print(Padding(grid, (0, 0, 0, columns), expand=False))


def plain_table(first: str, *columns: str) -> Table:
    """Return a table without lines; all but its first column hold numbers."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column(first)
    for column in columns:
        table.add_column(column, justify="right")
    return table
