"""The demo for people: calm on a terminal, plain everywhere else."""

import textwrap

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from node.cli.inspect_tables import show_meaning
from node.demo.facts import Chapter, Fact, Snapshot, Told, show_amount
from node.demo.run import Result

__all__ = ["Teller"]

WIDTH = 100
STEP, DETAIL = 2, 4
"""Columns by which a step and what is in it stand back."""


class Teller:
    """Prints the story as it happens."""

    def __init__(self) -> None:
        console = Console(highlight=False)
        self._console = Console(highlight=False, width=WIDTH) if console.width > WIDTH else console

    def tell(self, what: Told) -> None:
        """Print a chapter's beginning, or a step; how everybody stands is printed at the end."""
        if isinstance(what, Snapshot):
            return
        if isinstance(what, Chapter):
            self._console.print()
            self._console.print(Text(what.title, style="bold cyan"))
            self._indented(Text(what.words), 0)
            return
        self._console.print()
        self._indented(Text(what.title, style="bold"), STEP)
        self._indented(Text(what.words), DETAIL)
        self._facts(what.facts)
        if what.call is not None:
            where = f"{what.call}, signed by {what.signer}: extrinsic {what.extrinsic} of block {what.block:,}"
            self._indented(Text(where, style="dim"), DETAIL)

    def finish(self, result: Result, *, keep: bool) -> None:
        """Print how it ended, and where to go on."""
        self._heading("Before and after")
        self._scores(result.snapshots)
        self._money(result.snapshots)
        self._heading("The same, as `ainur chain inspect` reads it from the chain's storage")
        show_meaning(self._console, result.meaning)
        self._heading("Where to go on")
        record = result.record
        print_ = self._console.print
        if keep:
            print_(
                "The chain runs on. polkadot.js Apps shows it in a browser, and knows its accounts:"
            )
            print_(escape(f"  {record.apps}"), soft_wrap=True)
            print_(f"  ainur chain inspect --name {record.name}")
            print_(f"  ainur chain down --name {record.name}    stops it", markup=False)
        else:
            print_(
                "This chain ends here, and nothing of it is left. While it ran, polkadot.js Apps showed it under"
            )
            print_(escape(f"  {record.apps}"), soft_wrap=True)
            print_("  ainur demo --keep    leaves the next one running", markup=False)

    def _heading(self, title: str) -> None:
        self._console.print()
        self._console.print(Text(title, style="bold cyan"))

    def _indented(self, text: Text, columns: int) -> None:
        """Print a text; by lines of our own, since those of rich end in blanks."""
        for line in textwrap.wrap(text.plain, self._console.width - columns):
            self._console.print(Text(" " * columns + line, style=text.style), soft_wrap=True)

    def _facts(self, facts: tuple[Fact, ...]) -> None:
        if not facts:
            return
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim")
        grid.add_column(style="green", overflow="fold")
        for fact in facts:
            grid.add_row(fact.label, Text(fact.show()))
        self._console.print(Padding(grid, (0, 0, 0, DETAIL + STEP), expand=False))

    def _scores(self, snapshots: tuple[Snapshot, ...]) -> None:
        table = _table("after", "block", "score", "counts for", "bond")
        for each in snapshots:
            score = Fact("score", "", each.score, "points").show()
            counts = Fact("effective", "", each.effective * 1_000, "points").show()
            bond = show_amount(each.bond)
            table.add_row(each.after, f"{each.block:,}", score, counts, bond)
        self._console.print(table)

    def _money(self, snapshots: tuple[Snapshot, ...]) -> None:
        table = _table("may spend", "before", "after")
        first, last = snapshots[0], snapshots[-1]
        for name, amount in first.free.items():
            table.add_row(name, show_amount(amount), show_amount(last.free[name]))
        self._console.print(table)


def _table(first: str, *columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column(first)
    for column in columns:
        table.add_column(column, justify="right")
    return table
