"""``ainur auction``: show an auction, check it, and explain what everybody was paid."""

import json
from typing import TYPE_CHECKING, Any

import click

from market.auction.facts import FactsKeys
from market.auction.file import AuctionFile
from market.envelope import expect, open_untrusted
from market.errors import MarketError
from market.identity import AccountId, ss58_from_account
from market.messages import Transcript
from market.units import format_amount
from node.cli.auction_source import Source, source_argument
from node.cli.errors import UnusableAuctionError
from node.cli.payment import in_words

if TYPE_CHECKING:
    from market.auction.verify import Fault

__all__ = ["describe_count", "fault_rows", "group", "print_explanation"]

_SHOW = "ainur/auction/show/1"
_NOT_CHECKED = "The facts came with the file; they were not checked against a chain."
_CHECKED = "The facts were read from the chain."


@click.group()
def group() -> None:
    """Show, check and explain auctions."""


_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")


@group.command()
@source_argument
@_JSON
def show(source: Source, *, as_json: bool) -> None:
    """Show the auction of a TASK of a node, or the one in a FILE: calls, bids, awards.

    An auction that is not over is shown as far as it is.
    """
    from node.cli import auction_show

    found = source.steps()
    if found is not None:
        events, why = auction_show.steps_of_auction(found[0]), found[1]
        if as_json:
            report = {"schema": _SHOW, "is_over": False, "why": why, "steps": events}
            click.echo(json.dumps(report, indent=2))
        else:
            auction_show.show_steps(events, why)
        return
    contents = source.read()
    try:
        report = auction_show.describe(contents)
    except MarketError as error:
        raise UnusableAuctionError(f"{source.name}: {error}") from error
    if as_json:
        click.echo(json.dumps({"schema": _SHOW, **report}, indent=2))
    else:
        auction_show.show(report)


@group.command()
@source_argument
@click.option(
    "--chain",
    "url",
    help="Read the facts from this chain (ws://127.0.0.1:9944); of a TASK from its node's unless given.",
)
@_JSON
def verify(source: Source, *, url: str | None, as_json: bool) -> None:
    """Compute the auction of a TASK, or in a FILE, again; exit code 1 when a fault is found."""
    from market.auction.verify import verify_transcript

    contents = source.read()
    url = url or source.chain()
    differs: tuple[AccountId, ...] = ()
    try:
        if url is not None:
            contents, differs = _with_facts_from(url, contents)
        faults = verify_transcript(contents.transcript, contents.facts, contents.evidence)
    except MarketError as error:
        raise UnusableAuctionError(f"{source.name}: {error}") from error
    if as_json:
        report = {
            "schema": "ainur/auction/verify/1",
            "auction": "0x" + contents.transcript.body.auction.hex(),
            "requester": ss58_from_account(contents.transcript.sender),
            "facts_checked_against_chain": url is not None,
            "facts_that_differ": [ss58_from_account(account) for account in differs],
            "ok": not faults and not differs,
            "faults": fault_rows(faults),
        }
        click.echo(json.dumps(report, indent=2))
    else:
        for account in differs:
            click.echo(f"The file's facts about {ss58_from_account(account)} are not the chain's.")
        for row in fault_rows(faults):
            click.echo(f"FAULT {row['kind']} by {row['account']}: {row['about']}")
        click.echo(f"{describe_count(faults)} {_CHECKED if url else _NOT_CHECKED}")
    if faults or differs:
        raise click.exceptions.Exit(1)


def _with_facts_from(url: str, contents: AuctionFile) -> tuple[AuctionFile, tuple[AccountId, ...]]:
    """Return a file with the chain's facts for its own, and the accounts about which the two differ.

    Raises:
        EnvelopeError: by the chain, the transcript is not signed by its requester.
    """
    import trio

    from chain.errors import ChainError
    from node.explain.codes import code_of
    from node.facts import read_auction_facts

    try:
        facts = trio.run(read_auction_facts, url, contents)
    except ChainError as error:
        raise UnusableAuctionError(f"{url}: {error}", code_of(error)) from error
    raw = contents.transcript.raw
    opened = open_untrusted(raw, genesis=facts.genesis, keys=FactsKeys.of(facts))
    told, known = contents.facts.by_account(), facts.by_account()
    differs = tuple(sorted(who for who in told if told[who] != known.get(who)))
    return AuctionFile(expect(opened, Transcript), facts, contents.evidence), differs


@group.command()
@source_argument
@_JSON
def explain(source: Source, *, as_json: bool) -> None:
    """Say who won the auction of a TASK, or in a FILE, what each is paid, and what would have been without it."""
    contents = source.read()
    try:
        print_explanation(contents, as_json=as_json)
    except MarketError as error:
        raise UnusableAuctionError(f"{source.name}: {error}") from error


def describe_count(faults: "list[Fault]") -> str:
    """Return how many faults there are, as a sentence."""
    if not faults:
        return "No fault found."
    return "1 fault found." if len(faults) == 1 else f"{len(faults)} faults found."


def fault_rows(faults: "list[Fault]") -> list[dict[str, str]]:
    """Return faults as JSON-compatible rows."""
    return [
        {"kind": f.kind, "account": ss58_from_account(f.account), "about": f.about} for f in faults
    ]


def print_explanation(contents: AuctionFile, *, as_json: bool) -> None:
    """Print winners, payments and counterfactuals of the last round.

    Raises:
        UsageError: the transcript is too broken to be computed.
    """
    from market.auction.verify import recompute

    clearings = recompute(contents.transcript, contents.facts).clearings
    last = clearings[-1] if clearings else None
    winners: list[dict[str, Any]] = []
    for why in last.counterfactuals if last else ():
        lines = [line for line in last.lines if line.provider == why.provider] if last else []
        parts = {
            "payment": str(why.payment),
            "value": str(why.value),
            "ask": str(why.ask),
            "welfare_without": str(why.welfare_without),
            "welfare_of_others": str(why.welfare_of_others),
        }
        winners.append(
            {
                "provider": ss58_from_account(why.provider),
                "tasks": [line.task for line in lines],
                "prices": [str(line.price) for line in lines],
                **parts,
                "explanation": in_words(parts),
            }
        )
    if as_json:
        report = {
            "schema": "ainur/auction/explain/1",
            "auction": "0x" + contents.transcript.body.auction.hex(),
            "rounds": len(clearings),
            "method": last.method if last else None,
            "proof": last.proof if last else None,
            "note": last.note if last else "",
            "welfare": str(last.welfare) if last else "0",
            "winners": winners,
        }
        click.echo(json.dumps(report, indent=2))
        return
    if last is None or not winners:
        click.echo("Nobody won anything.")
        return
    _print_table(winners)
    click.echo("payment = value - (others without it - others with it)")
    for winner in winners:
        click.echo(f"{winner['provider'][:12]}…: {winner['explanation']}")
    click.echo(f"Cleared by {last.method}; optimal by {last.proof}. {last.note}".rstrip())


def _print_table(winners: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Who won, and why it is paid what it is paid (AINU)")
    headings = (
        "provider",
        "tasks",
        "asked",
        "value",
        "others without it",
        "others with it",
        "paid",
    )
    for heading in headings:
        table.add_column(heading, justify="left" if heading in headings[:2] else "right")
    for row in winners:
        amounts = ("ask", "value", "welfare_without", "welfare_of_others", "payment")
        table.add_row(
            row["provider"][:12] + "…",
            ", ".join(str(task) for task in row["tasks"]),
            *(format_amount(int(row[name])).removesuffix(" AINU") for name in amounts),
        )
    Console(width=120).print(table)
