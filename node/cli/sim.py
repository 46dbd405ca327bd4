"""``ainur sim``: auctions and whole tasks in one process, without a network."""

import json
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import attrs
import click

from market.auction.file import AuctionFile, encode_auction_file
from market.units import format_amount
from node.cli.auction import describe_count, fault_rows, print_explanation
from node.cli.errors import UnwritableError
from node.simulation.names import BUG_NAMES, CHEAT_NAMES

if TYPE_CHECKING:
    from node.simulation.batch import ChainKind, Summary
    from node.simulation.tasks import Mode

__all__ = ["group"]


@click.group()
def group() -> None:
    """Run the market's rules without a network."""


@group.command()
@click.option("--tasks", type=click.IntRange(1, 64), default=5, show_default=True)
@click.option("--bidders", type=click.IntRange(0, 256), default=20, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same auction.")
@click.option("--cheat", type=click.Choice(CHEAT_NAMES), help="Let the requester cheat once.")
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
    from market.auction.verify import verify_transcript
    from node.simulation.auction import random_auction
    from node.simulation.cheats import CHEATS

    conduct = CHEATS[cheat]() if cheat else None
    world = random_auction(Random(seed), tasks=tasks, bidders=bidders, conduct=conduct)  # noqa: S311
    outcome = world.run()
    contents = AuctionFile(outcome.transcript, outcome.facts, outcome.evidence)
    if out is not None:
        try:
            out.write_bytes(encode_auction_file(contents))
        except OSError as error:
            raise UnwritableError(f"{out} cannot be written: {error.strerror}") from error
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


@group.command()
@click.option("--seeds", type=click.IntRange(1), default=200, show_default=True, help="How many.")
@click.option("--first", type=click.IntRange(0), default=0, show_default=True, help="From which.")
@click.option("--seed", type=click.IntRange(0), help="Run this one alone, and tell what happens.")
@click.option(
    "--mode",
    type=click.Choice(["safety", "liveness"]),
    default="safety",
    show_default=True,
    help="Whether things go wrong to the end, or stop so that all must end.",
)
@click.option(
    "--chain",
    type=click.Choice(["mirror", "runtime"]),
    default="mirror",
    show_default=True,
    help="What carries out the calls: the market's mirror of the rules, or the committed runtime.",
)
@click.option("--bug", type=click.Choice(BUG_NAMES), help="Plant a bug; exit code 1 if unnoticed.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
def tasks(
    *,
    seeds: int,
    first: int,
    seed: int | None,
    mode: "Mode",
    chain: "ChainKind",
    bug: str | None,
    jobs: int,
    as_json: bool,
) -> None:
    """Run whole tasks, call to settlement, while network, disks, chain and parties fail them.

    Exit code 1 when something happens that never must.
    """
    from node.simulation.batch import Summary, run_batch, run_one

    if bug and chain == "runtime":
        raise click.UsageError("bugs are planted on the mirror: leave --chain runtime away")
    if seed is not None:
        report = run_one(seed, mode, chain=chain, bug=bug, tell=True)
        if as_json:
            click.echo(json.dumps({"schema": "ainur/sim/task/1", **attrs.asdict(report)}, indent=2))
        else:
            click.echo("\n".join(report.story))
            for state, who, paid in report.ends:
                click.echo(f"{state}: {who}, {format_amount(paid)} paid")
            click.echo(f"{len(report.violations)} violations, digest {report.digest}")
        violated = bool(report.violations)
    else:
        summary = Summary()
        for each in run_batch(range(first, first + seeds), mode, chain=chain, bug=bug, jobs=jobs):
            summary.add(each)
        violated = bool(summary.violations)
        _print_summary(summary, mode, as_json=as_json)
    if violated != bool(bug):
        raise click.exceptions.Exit(1)


@group.command()
@click.option("--pairs", is_flag=True, help="Also two crashes in a run, at each pair of points.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
def crashes(*, pairs: bool, as_json: bool) -> None:
    """Run one task with a crash at each point of it: before and after every save and effect.

    Exit code 1 when something happens that never must, or the task does not end.
    """
    from node.simulation.batch import Summary, run_crashes

    summary, worst = Summary(), dict[str, list[str]]()
    for points, report in run_crashes(pairs=pairs):
        summary.add(report)
        if report.violations:
            worst[", ".join(map(str, sorted(points)))] = list(report.violations)
    if as_json:
        counts = {"runs": summary.runs, "crashes": summary.crashes}
        report_ = {"schema": "ainur/sim/crashes/1", **counts, "ends": dict(summary.ends)}
        click.echo(json.dumps({**report_, "violations": worst}, indent=2))
    else:
        for where, violations in worst.items():
            click.echo(f"VIOLATION with a crash at {where}: {violations[0]}")
        click.echo(f"{summary.runs} runs, {summary.crashes} crashes, {len(worst)} with violations")
    if worst:
        raise click.exceptions.Exit(1)


def _print_summary(summary: "Summary", mode: "Mode", *, as_json: bool) -> None:
    counts = {
        "runs": summary.runs,
        "events": summary.events,
        "crash_points": summary.points,
        "crashes": summary.crashes,
        "reorganisations": summary.reorgs,
    }
    if as_json:
        report = {
            "schema": "ainur/sim/tasks/1",
            "mode": mode,
            **counts,
            "escrows": dict(sorted(summary.ends.items())),
            "unopened": dict(sorted(summary.unopened.items())),
            "violations": {str(s): list(v) for s, v in sorted(summary.violations.items())},
        }
        click.echo(json.dumps(report, indent=2))
        return
    click.echo(", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in counts.items()))
    for what, counted in (("escrows", summary.ends), ("never opened", summary.unopened)):
        click.echo(f"{what}: " + ", ".join(f"{n} {s}" for s, n in sorted(counted.items())))
    for seed, violations in sorted(summary.violations.items()):
        click.echo(f"VIOLATION with seed {seed}: {violations[0]}")
        click.echo(f"  ainur sim tasks --mode {mode} --seed {seed}")
    click.echo(f"{len(summary.violations)} seeds with violations")
