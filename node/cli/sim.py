"""``ainur sim``: whole auctions in one process, without a network."""

import json
from pathlib import Path
from random import Random

import click

from market.auction.file import AuctionFile, encode_auction_file
from market.auction.verify import verify_transcript
from node.cli.auction import describe_count, fault_rows, print_explanation
from node.simulation.auction import random_auction
from node.simulation.cheats import CHEATS

__all__ = ["group"]


@click.group()
def group() -> None:
    """Run the market's rules without a network."""


@group.command()
@click.option("--tasks", type=click.IntRange(1, 64), default=5, show_default=True)
@click.option("--bidders", type=click.IntRange(0, 256), default=20, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same auction.")
@click.option("--cheat", type=click.Choice(list(CHEATS)), help="Let the requester cheat once.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the auction here."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
def auction(
    *, tasks: int, bidders: int, seed: int, cheat: str | None, out: Path | None, as_json: bool
) -> None:
    """Run a sealed auction, verify its transcript, and explain it.

    Exit code 1 when the verifier is wrong (a fault in an honest auction, or a cheat not named), and
    when the auction gave the cheat no occasion.
    """
    conduct = CHEATS[cheat]() if cheat else None
    world = random_auction(Random(seed), tasks=tasks, bidders=bidders, conduct=conduct)  # noqa: S311
    outcome = world.run()
    contents = AuctionFile(outcome.transcript, outcome.facts, outcome.evidence)
    if out is not None:
        try:
            out.write_bytes(encode_auction_file(contents))
        except OSError as error:
            raise click.ClickException(f"{out} cannot be written: {error.strerror}") from error
    faults = verify_transcript(outcome.transcript, outcome.facts, outcome.evidence)
    planted = conduct.planted if conduct is not None and conduct.has_cheated else None
    found = {fault.kind for fault in faults}
    is_right = found == ({planted} if planted else set()) and bool(planted) == bool(cheat)
    if as_json:
        report = {
            "schema": "ainur/sim/auction/1",
            "seed": seed,
            "auction": "0x" + outcome.transcript.body.auction.hex(),
            "is_awarded": outcome.is_awarded,
            "planted": planted,
            "faults": fault_rows(faults),
            "out": None if out is None else str(out),
        }
        click.echo(json.dumps(report, indent=2))
    else:
        if not faults:
            print_explanation(contents, as_json=False)
        for row in fault_rows(faults):
            click.echo(f"FAULT {row['kind']} by {row['account']}: {row['about']}")
        if cheat and planted is None:
            click.echo(f"This auction gave no occasion to {cheat}: try another seed.")
        click.echo(describe_count(faults))
        if out is not None:
            click.echo(f"Written to {out}; check it with: ainur auction verify {out}")
    if not is_right:
        raise click.exceptions.Exit(1)
