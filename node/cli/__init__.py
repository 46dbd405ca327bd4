"""The ``ainur`` command. Each group is a module of its own, imported when it is first used."""

import importlib
import os
import sys
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from node.cli.errors import EXITS, INTERRUPTED, MissingLibraryError

__all__ = ["main"]

GROUPS: dict[str, tuple[str, str]] = {
    "agent": ("node.cli.agent", "Look at agents and try them before they are offered."),
    "agents": ("node.cli.agents", "List the agents that a node knows."),
    "auction": ("node.cli.auction", "Show, check and explain auctions."),
    "bench": ("node.cli.bench", "Measure this machine; exit code 1 when a goal is missed."),
    "bond": ("node.cli.bond", "The bond that a provider works under: show it, add, take out."),
    "chain": (
        "node.cli.chain",
        "The dev chain: start it, look at it, let time pass on it, stop it.",
    ),
    "completion": (
        "node.cli.completion",
        "Print what makes a shell complete commands and options.",
    ),
    "config": (
        "node.cli.config",
        "What options are when they are not given: environment, file, or as usual.",
    ),
    "demo": ("node.cli.demo", "Show a market at work, step by step; or its chain alone."),
    "dispute": ("node.cli.dispute", "Disputes on the chain: list them, and rule as their arbiter."),
    "doctor": (
        "node.cli.doctor",
        "Look at this machine: what is wrong, and how to mend it.",
    ),
    "escrow": (
        "node.cli.escrow",
        "Escrows on the chain: what is held, and who can act until when.",
    ),
    "explain": ("node.cli.explain", "Say what an error means, and what to do."),
    "find": ("node.cli.find", "Find agents by capability, by prefix or by text."),
    "keys": (
        "node.cli.keys",
        "The secret keys of a node and of its owner: encrypted, the owner's alone.",
    ),
    "node": ("node.cli.node", "A node of the market: run one, ask what it is."),
    "peers": ("node.cli.peers", "List the peers that a node is connected to."),
    "reputation": (
        "node.cli.reputation",
        "Scores and bonds on the chain: whose word counts for how much.",
    ),
    "submit": ("node.cli.submit", "Have a task done by whoever does it best for its price."),
    "task": ("node.cli.task", "The tasks of a node: list and show them, get results, cancel."),
    "sim": ("node.cli.sim", "Run the market's rules without a network."),
    "testnet": (
        "node.cli.testnet",
        "A market on this machine: a chain and nodes, each a process, with faults on demand.",
    ),
    "why-not-found": ("node.cli.why_not_found", "Say why agents were not found."),
}
"""Name of a group -> the module whose ``group`` it is, and its line of help.

The line stands here so that ``ainur --help`` imports none of them.
"""

OF_THE_NODE = {"cryptography", "hypercorn", "libp2p", "prometheus_client", "starlette", "usearch"}
"""Modules that the extra ``node`` installs."""
OF_AGENTS = {"jsonschema_rs"}
"""Modules that the extra ``agents`` installs and the command itself imports."""


_CONFIGURED: Final = "ainur.configured"


class LazyGroup(click.Group):
    """A group whose sub-commands are imported on first use, so that help stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *GROUPS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in GROUPS:
            return super().get_command(ctx, cmd_name)
        command: click.Command = importlib.import_module(GROUPS[cmd_name][0]).group
        if ctx.meta.get(_CONFIGURED, False):
            from node.chainhost.home import home
            from node.cli.configuration import file_of, prepare, read

            file = file_of(home())
            ctx.default_map = {cmd_name: prepare(command, (cmd_name,), read(file), file)}
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # Help works always, also where the configuration is broken.
        ctx.meta[_CONFIGURED] = not (ctx.resilient_parsing or {"-h", "--help"} & set(args))
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            pass
        except BaseExceptionGroup as group:  # as nurseries have it
            if group.subgroup(KeyboardInterrupt) is None:
                raise
        click.echo("Interrupted", err=True)
        raise click.exceptions.Exit(INTERRUPTED)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        if os.environ.get("NO_COLOR"):  # https://no-color.org
            kwargs.setdefault("color", False)
        return super().make_context(*args, **kwargs)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - the signature is click's
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), text) for code, text in EXITS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        found = [
            CompletionItem(name, help=line)
            for name, (_, line) in sorted(GROUPS.items())
            if name.startswith(incomplete)
        ]
        # Those of a plain command, not of a group, which would import each of ours for its help.
        return found if not incomplete.startswith("-") else click.Command.shell_complete(self, ctx, incomplete)  # fmt: skip

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - the signature is click's
        eager = {n: c.get_short_help_str() for n, c in self.commands.items() if not c.hidden}
        rows = sorted({**eager, **{n: line for n, (_, line) in GROUPS.items()}}.items())
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ainur")
def cli() -> None:
    """Run and inspect a market in which software agents sell work to each other."""


def main(argv: list[str] | None = None, **kwargs: Any) -> None:
    """Run the command line.

    Args:
        argv: the arguments behind the command's name; ``sys.argv`` when None.
    """
    try:
        cli.main(args=sys.argv[1:] if argv is None else argv, prog_name="ainur", **kwargs)
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name not in OF_THE_NODE | OF_AGENTS:
            raise
        extra = "node" if name in OF_THE_NODE else "agents"
        how = f"`./scripts/setup` in a clone, or `pip install 'ainur[{extra}]'`"
        missing = MissingLibraryError(f"{name} is missing: run {how}")
        missing.show()
        sys.exit(missing.exit_code)
