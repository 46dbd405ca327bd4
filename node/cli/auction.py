"""``ainur auction``: check a finished auction, and explain what everybody was paid."""

import json
from pathlib import Path
from typing import Any

import click

from market.auction.facts import FactsKeys
from market.auction.file import FILE_BYTES, AuctionFile, decode_auction_file_untrusted
from market.auction.verify import Fault, recompute, verify_transcript
from market.envelope import expect, open_untrusted
from market.errors import MarketError
from market.identity import AccountId, ss58_from_account
from market.messages import Transcript
from market.units import format_amount

__all__ = ["describe_count", "fault_rows", "group", "print_explanation"]

_NOT_CHECKED = "The facts came with the file; they were not checked against a chain."
_CHECKED = "The facts were read from the chain."


class UnusableFileError(click.ClickException):
    """A file that is no finished auction."""

    exit_code = 2


@click.group()
def group() -> None:
    """Check and explain finished auctions."""


_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")


@group.command()
@_FILE
@click.option("--chain", "url", help="Read the facts from this chain (ws://127.0.0.1:9944).")
@_JSON
def verify(file: Path, *, url: str | None, as_json: bool) -> None:
    """Compute an auction again from its FILE; exit code 1 when a fault is found."""
    contents = _read(file)
    differs: tuple[AccountId, ...] = ()
    try:
        if url is not None:
            contents, differs = _with_facts_from(url, contents)
        faults = verify_transcript(contents.transcript, contents.facts, contents.evidence)
    except MarketError as error:
        raise UnusableFileError(f"{file}: {error}") from error
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
    from node.facts import read_auction_facts

    try:
        facts = trio.run(read_auction_facts, url, contents)
    except ChainError as error:
        raise UnusableFileError(f"{url}: {error}") from error
    raw = contents.transcript.raw
    opened = open_untrusted(raw, genesis=facts.genesis, keys=FactsKeys.of(facts))
    told, known = contents.facts.by_account(), facts.by_account()
    differs = tuple(sorted(who for who in told if told[who] != known.get(who)))
    return AuctionFile(expect(opened, Transcript), facts, contents.evidence), differs


@group.command()
@_FILE
@_JSON
def explain(file: Path, *, as_json: bool) -> None:
    """Say who won in FILE, what each is paid, and what would have been without it."""
    contents = _read(file)
    try:
        print_explanation(contents, as_json=as_json)
    except MarketError as error:
        raise UnusableFileError(f"{file}: {error}") from error


def describe_count(faults: list[Fault]) -> str:
    """Return how many faults there are, as a sentence."""
    if not faults:
        return "No fault found."
    return "1 fault found." if len(faults) == 1 else f"{len(faults)} faults found."


def fault_rows(faults: list[Fault]) -> list[dict[str, str]]:
    """Return faults as JSON-compatible rows."""
    return [
        {"kind": f.kind, "account": ss58_from_account(f.account), "about": f.about} for f in faults
    ]


def _read(file: Path) -> AuctionFile:
    try:
        with file.open("rb") as stream:
            data = stream.read(FILE_BYTES + 1)
        return decode_auction_file_untrusted(data)
    except OSError as error:
        raise UnusableFileError(f"{file} cannot be read: {error.strerror}") from error
    except MarketError as error:
        line = " ".join(str(error).split())
        raise UnusableFileError(f"{file} is not the file of an auction: {line}") from error


def print_explanation(contents: AuctionFile, *, as_json: bool) -> None:
    """Print winners, payments and counterfactuals of the last round.

    Raises:
        UsageError: the transcript is too broken to be computed.
    """
    clearings = recompute(contents.transcript, contents.facts).clearings
    last = clearings[-1] if clearings else None
    winners: list[dict[str, Any]] = []
    for why in last.counterfactuals if last else ():
        lines = [line for line in last.lines if line.provider == why.provider] if last else []
        winners.append(
            {
                "provider": ss58_from_account(why.provider),
                "tasks": [line.task for line in lines],
                "prices": [str(line.price) for line in lines],
                "payment": str(why.payment),
                "value": str(why.value),
                "ask": str(why.ask),
                "welfare_without": str(why.welfare_without),
                "welfare_of_others": str(why.welfare_of_others),
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
