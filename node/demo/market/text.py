"""The demo of the market for people."""

from rich.markup import escape
from rich.text import Text

from node.cli.results import preview
from node.demo.facts import Chapter, Fact, show_amount
from node.demo.market.house import KEPT_NAME
from node.demo.market.run import Result
from node.demo.market.told import Moment, Note, Offers, Onchain, Outcome, Told, Verdict
from node.demo.page import STEP, Page, plain_table

__all__ = ["Teller"]

CLOCK = 10
"""Columns for the time of a step."""


class Teller:
    """Prints the story as it happens."""

    def __init__(self) -> None:
        self._page = Page()
        self._print = self._page.console.print

    def tell(self, what: Told) -> None:
        """Print one thing."""
        match what:
            case Chapter():
                self._page.chapter(what)
            case Note():
                self._note(what)
            case Offers():
                self._offers(what)
            case Moment():
                self._moment(what)
            case Outcome():
                self._outcome(what)
            case Onchain():
                self._onchain(what)
            case Verdict():
                self._verdict(what)

    def _note(self, note: Note) -> None:
        self._print()
        self._page.indented(Text(note.words), STEP)
        self._page.facts(note.facts)

    def _offers(self, offers: Offers) -> None:
        nodes = sorted({node for row in offers.prices.values() for node in row})
        table = plain_table("what it costs, AINU", *nodes)
        for capability, row in offers.prices.items():
            table.add_row(capability, *(_bare(row[n]) if n in row else "" for n in nodes))
        self._print()
        self._print(table)

    def _moment(self, moment: Moment) -> None:
        clock = Text(f"{moment.after_ms / 1_000:7.2f} s".ljust(CLOCK), style="dim")
        if moment.task:  # several at once: a line each
            facts = "".join(f": {fact.label} {fact.show()}" for fact in moment.facts[:1])
            line = f"{moment.task:16} {moment.title}{facts}"
            self._print(clock + Text(line), soft_wrap=True)
            return
        self._page.indented(Text(moment.title, style="bold"), CLOCK, clock)
        if moment.why:
            self._page.indented(Text(moment.why), CLOCK)
        self._page.facts(moment.facts, CLOCK + STEP)

    def _outcome(self, outcome: Outcome) -> None:
        self._print()
        took = Fact("took", "", outcome.took_ms, "millis").show()
        title = (
            f"{outcome.capability} of {outcome.what}: by {outcome.provider}, for"
            f" {show_amount(outcome.paid)}, paid {took} after it was handed in"
        )
        self._page.indented(Text(title, style="bold"), STEP)
        self._page.lines(preview(outcome.result), STEP)

    def _onchain(self, what: Onchain) -> None:
        self._print()
        title = f"What the chain has of it: escrow {what.escrow}"
        self._page.indented(Text(title, style="bold"), STEP)
        table = plain_table(
            "  event", "block", "extrinsic"
        )  # the first column stands back as all else does
        for entry in what.entries:
            number = "" if entry.extrinsic is None else str(entry.extrinsic)
            table.add_row(f"  {entry.name}", f"{entry.block.number:,}", number)
        self._print(table)
        if what.moved is not None:
            before = Fact("before", "", what.moved.before, "points").show()
            after = Fact("after", "", what.moved.after, "points").show()
            self._page.indented(
                Text(f"The end of the escrow moved the score of {what.provider}: {before}, now {after}."), STEP
            )  # fmt: skip
        self._page.indented(Text("polkadot.js shows the block of its end:"), STEP)
        self._print(escape(f"  {what.link}"), soft_wrap=True)
        if what.decoded is not None:
            self._page.indented(Text("Installed here, it decodes the escrow to:"), STEP)
            self._page.lines(preview(what.decoded), STEP)

    def _verdict(self, verdict: Verdict) -> None:
        self._print()
        title = f"The auction, computed again from its transcript {verdict.auction[:18]}…"
        self._page.indented(Text(title, style="bold"), STEP)
        facts = (
            Fact("tasks", "tasks", verdict.tasks),
            Fact("bids", "sealed bids", verdict.bids),
            Fact("opened", "opened", verdict.opened),
        )
        self._page.facts(facts)
        if verdict.is_good:
            words = "Every signature, every sealed bid, who won and what it is paid: no fault found, by the chain's own facts."
            self._page.indented(Text(words, style="green"), STEP)
        for fault in (*verdict.faults, *(f"the facts about {n}" for n in verdict.facts_differ)):
            self._page.indented(Text(f"FAULT {fault}", style="red"), STEP)

    def finish(self, result: Result, *, keep: bool) -> None:
        """Print what everybody has now, and where to go on."""
        self._page.heading("Before and after")
        self._ledgers(result)
        self._page.heading("Where to go on")
        print_ = self._print
        if not keep:
            print_("This market ends here, and nothing of it is left. For one that stays:")
            print_("  ainur demo --keep    or: ainur testnet up", markup=False)
            print_("  ainur demo chain     tells the chain alone: timeouts, disputes, slashing")
            return
        print_("The market runs on. polkadot.js shows its chain in a browser:")
        print_(escape(f"  {result.view.chain.apps}"), soft_wrap=True)
        for line in (
            "submit text.language --input '{\"text\": \"Wer bin ich?\"}' --budget '1 AINU' --watch",
            "task list",
            f"testnet status --name {KEPT_NAME}",
            f"testnet down --name {KEPT_NAME}    stops it",
        ):
            print_(f"  ainur {line}", markup=False, soft_wrap=True)

    def _ledgers(self, result: Result) -> None:
        table = plain_table("node", "had, AINU", "has", "bond", "score, before", "now")
        for old, new in zip(result.before.accounts, result.after.accounts, strict=True):
            points = [Fact("score", "", each.score, "points").show() for each in (old, new)]
            scores = [each.removesuffix(" points") for each in points]
            table.add_row(new.name, _bare(old.free), _bare(new.free), _bare(new.bond), *scores)
        self._print(table)


def _bare(planck: int) -> str:
    return show_amount(planck).removesuffix(" AINU")
