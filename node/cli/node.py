"""``ainur node``: a node of the market, as a process."""

import logging
import sys
from pathlib import Path
from typing import Any, Final

import click

from chain.errors import ChainError
from market.errors import UsageError
from node.api.client import ApiError, connect
from node.cli.api import data_dir_option, own_data_dir_option
from node.cli.keys_options import asker
from node.cli.output import guarded, json_option, print_json
from node.cli.windows import parse_windows
from node.keystore.errors import KeystoreError
from node.process.datadir import DataDir, Record
from node.process.errors import NodeProcessError

__all__ = ["group"]

MAX_TEXT: Final = 512


@click.group()
def group() -> None:
    """A node of the market: run one, ask what it is."""


def _capabilities(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    from routing.directory.query import ByName
    from routing.errors import UsageError as NameError_

    named: dict[str, str] = {}
    for value in values:
        name, _, text = value.partition("=")
        try:
            ByName(name)
        except NameError_ as error:
            raise click.BadParameter(str(error)) from error
        if name in named:
            raise click.BadParameter(f"{name} is announced twice")
        if len(text) > MAX_TEXT:
            raise click.BadParameter(
                f"the text of {name} has {len(text)} characters, not {MAX_TEXT}"
            )
        named[name] = text
    if len(named) > 32:
        raise click.BadParameter(f"an agent announces at most 32 capabilities, not {len(named)}")
    return tuple(named.items())


@group.command()
@click.option(
    "--listen",
    multiple=True,
    metavar="MULTIADDR",
    help="Where peers reach it; /ip4/127.0.0.1/tcp/0 unless given. Repeatable.",
)
@click.option(
    "--bootstrap",
    multiple=True,
    metavar="MULTIADDR",
    help="A peer to begin with, with its /p2p/… as its node prints it. Repeatable.",
)
@click.option(
    "--bootstrap-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="More of them, one a line.",
)
@click.option("--mdns", is_flag=True, help="Look for peers on the LAN, and be found there.")
@click.option(
    "--announce",
    multiple=True,
    metavar="CAPABILITY[=TEXT]",
    callback=_capabilities,
    help="What it can do, such as 'text.summarize=Shortens documents'. Repeatable.",
)
@click.option(
    "--agent",
    "agent_files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file that declares agents to sell, on a chain. Repeatable.",
)
@click.option("--builtin", is_flag=True, help="Sell the agents that come with the node.")
@click.option(
    "--slots",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Tasks that each agent works on side by side.",
)
@click.option(
    "--windows",
    default="5,5,10",
    show_default=True,
    metavar="COMMIT,REVEAL,ACCEPT",
    callback=parse_windows,
    help="Blocks that the phases of its auctions take at most; they end early once all have answered.",
)
@click.option("--allow-network", is_flag=True, help="Let agents use the network.")
@click.option("--allow-unsandboxed", is_flag=True, help="Run foreign code without a sandbox.")
@click.option(
    "--ttl",
    type=click.IntRange(2, 600),
    default=60,
    show_default=True,
    help="Seconds after which it is forgotten when it falls silent; it announces four times as often.",
)
@click.option("--chain", "chain_url", metavar="URL", help="Such as ws://127.0.0.1:9944.")
@click.option(
    "--api-port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Of the local control API; any that is free unless given.",
)
@click.option("--key", metavar="NAME", help="The operator key; one of the node's own unless given.")
@click.option(
    "--transport-key", metavar="NAME", help="The peer's key; the operator key unless given."
)
@click.option(
    "--keystore",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of the keys; in the node's folder unless given.",
)
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path),
    help="Its first line opens the keys; else AINUR_PASSPHRASE does, else you are asked.",
)
@click.option("-v", "--verbose", is_flag=True, help="Log more.")
@own_data_dir_option
@json_option
def run(folder: DataDir, as_json: bool, verbose: bool, **options: Any) -> None:
    """Run a node until Ctrl-C; print its full addresses when it listens."""
    _log(verbose=verbose)
    from node.cli.node_run import errors_of_the_node, run_foreground

    def tell(record: Record) -> None:
        if as_json:
            print_json({**record.to_json(), "data_dir": str(folder.path)})
        else:
            _show(record, folder)
        sys.stdout.flush()

    def ask(name: str) -> str:
        prompt = asker(f"Passphrase of {name}")
        return "" if prompt is None else prompt()

    guarded(
        *(NodeProcessError, KeystoreError, ChainError, UsageError, click.ClickException),
        *errors_of_the_node(),
    )(run_foreground)(folder, tell, ask if sys.stdin.isatty() else None, **options)


def _show(record: Record, folder: DataDir) -> None:
    for address in record.multiaddrs:
        click.echo(f"{'listening:':11}{address}")
    for label, value in (
        ("peer", record.peer_id),
        ("account", record.account),
        ("api", record.api),
        ("folder", str(folder.path)),
    ):
        click.echo(f"{label + ':':11}{value}")


def _log(*, verbose: bool) -> None:
    """Log to stderr: our own rooms in full, libraries where something is wrong."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("ainur").setLevel(logging.DEBUG if verbose else logging.INFO)
    logging.getLogger("ainur.api").setLevel(logging.WARNING)  # the server announces itself


@group.command()
@data_dir_option
@json_option
@guarded(ApiError)
def status(folder: DataDir, as_json: bool) -> None:
    """Say what a running node is, and how far."""
    shown = connect(folder).get("/v1/status")
    if as_json:
        print_json({key: value for key, value in shown.items() if key != "version"})
        return
    chain = shown["chain"]
    for address in shown["multiaddrs"]:
        click.echo(f"{'listening:':11}{address}")
    for label, value in (
        ("account", shown["account"]),
        ("announces", ", ".join(shown["announces"]) or "nothing"),
        ("knows", f"{shown['agents']} agents, by {shown['peers']} peers"),
        ("chain", f"{chain['url']} at block {chain['head']}" if chain["url"] else "none"),
        ("folder", str(folder.path)),
    ):
        click.echo(f"{label + ':':11}{value}")
