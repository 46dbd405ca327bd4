"""``ainur bench``: measure, and say which goals are met."""

import importlib
import json
from typing import Any

import click

__all__ = ["group"]

BENCHMARKS: dict[str, tuple[str, str]] = {
    "agents": ("node.bench.agents", "Agents: workers started, used and stopped; the node's own."),
    "chain": ("node.bench.chain", "Dev chains: ours, chopsticks, and the Substrate node."),
    "client": ("node.bench.client", "The chain client: settlements, latency, cuts, memory."),
    "directory": (
        "node.bench.directory",
        "Queries of the local directory, at 1,000 and 100,000 agents.",
    ),
    "fairness": ("node.bench.fairness", "Sealed batches against first come, first served."),
    "help": ("node.bench.help", "How long each command takes to print its help."),
    "p2p": ("node.bench.p2p", "The network: ours beside the library as it comes."),
    "task": (
        "node.bench.task",
        "A task from submission to payment, in testnets of real processes.",
    ),
    "vcg": ("node.bench.vcg", "Clearing: payments from one solve, against solving again."),
}
"""Name of a benchmark -> its module in :mod:`node.bench`, and its line of help."""


class Benchmarks(click.Group):
    """One sub-command for each benchmark; its module is imported when it runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *BENCHMARKS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.commands or cmd_name not in BENCHMARKS:
            return super().get_command(ctx, cmd_name)
        module, line = BENCHMARKS[cmd_name]

        @click.command(cmd_name, help=line)
        @click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
        @click.option("--quick", is_flag=True, help="Small sizes only.")
        @click.option("--seed", default=0, show_default=True, help="Of the generated instances.")
        def command(*, as_json: bool, quick: bool, seed: int) -> None:
            bench = importlib.import_module(module)
            report = bench.run(seed, quick=quick)
            if as_json:
                click.echo(json.dumps(report, indent=2))
            else:
                _show(report, bench.tables(report))
            if not all(goal["met"] for goal in report["goals"]):
                raise click.exceptions.Exit(1)

        self.add_command(command)  # the same one, whoever asks
        return command


def _show(report: dict[str, Any], tables: list[tuple[str, list[str], list[list[str]]]]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(width=120)
    for title, columns, rows in tables:
        table = Table(title=title)
        for column in columns:
            table.add_column(column)
        for row in rows:
            table.add_row(*row)
        console.print(table)
    for goal in report["goals"]:
        verdict = "met" if goal["met"] else "MISSED"
        console.print(f"{verdict}: {goal['goal']}: {goal['measured']} (limit {goal['limit']})")


@click.command(cls=Benchmarks)
def group() -> None:
    """Measure this machine; exit code 1 when a goal is missed."""
