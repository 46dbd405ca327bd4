"""The demo for people: calm on a terminal, plain everywhere else."""

from rich.markup import escape
from rich.text import Text

from node.cli.inspect_tables import show_meaning
from node.demo.chain.run import Result
from node.demo.facts import Chapter, Fact, Snapshot, Told, show_amount
from node.demo.page import DETAIL, STEP, Page, plain_table

__all__ = ["Teller"]


class Teller:
    """Prints the story as it happens."""

    def __init__(self) -> None:
        self._page = Page()
        self._console = self._page.console

    def tell(self, what: Told) -> None:
        """Print a chapter's beginning, or a step; how everybody stands is printed at the end."""
        if isinstance(what, Snapshot):
            return
        if isinstance(what, Chapter):
            self._page.chapter(what)
            return
        self._console.print()
        self._page.indented(Text(what.title, style="bold"), STEP)
        self._page.indented(Text(what.words), DETAIL)
        self._page.facts(what.facts)
        if what.call is not None:
            where = f"{what.call}, signed by {what.signer}: extrinsic {what.extrinsic} of block {what.block:,}"
            self._page.indented(Text(where, style="dim"), DETAIL)

    def finish(self, result: Result, *, keep: bool) -> None:
        """Print how it ended, and where to go on."""
        self._page.heading("Before and after")
        self._scores(result.snapshots)
        self._money(result.snapshots)
        self._page.heading("The same, as `ainur chain inspect` reads it from the chain's storage")
        show_meaning(self._console, result.meaning)
        self._page.heading("Where to go on")
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
            print_("  ainur demo chain --keep    leaves the next one running", markup=False)

    def _scores(self, snapshots: tuple[Snapshot, ...]) -> None:
        table = plain_table("after", "block", "score", "counts for", "bond")
        for each in snapshots:
            score = Fact("score", "", each.score, "points").show()
            counts = Fact("effective", "", each.effective * 1_000, "points").show()
            bond = show_amount(each.bond)
            table.add_row(each.after, f"{each.block:,}", score, counts, bond)
        self._console.print(table)

    def _money(self, snapshots: tuple[Snapshot, ...]) -> None:
        table = plain_table("may spend", "before", "after")
        first, last = snapshots[0], snapshots[-1]
        for name, amount in first.free.items():
            table.add_row(name, show_amount(amount), show_amount(last.free[name]))
        self._console.print(table)
