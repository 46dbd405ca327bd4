"""``ainur chain``: the dev chain."""

import itertools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import click

from chain.devchain.errors import DevChainError
from node.chainhost.backend import BACKENDS
from node.chainhost.config import ChainConfig, Record
from node.chainhost.errors import ChainHostError
from node.chainhost.home import DEFAULT_NAME, Folder, folder_of
from node.cli.inspect import inspect
from node.cli.output import guarded, json_option, print_json

__all__ = ["group"]

NOT_RUNNING = 3
"""Exit code of ``status`` for a chain that does not run, as init scripts have it."""
ORIGIN_SCHEMES = ("http://", "https://", "chrome-extension://", "moz-extension://")


@click.group()
def group() -> None:
    """The dev chain: start it, look at it, let time pass on it, stop it."""


group.add_command(inspect)


def chain_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which chain is meant; the command is given its folder."""

    @click.option(
        "--name", default=DEFAULT_NAME, show_default=True, help="Which of several chains."
    )
    @click.option(
        "--data-dir",
        type=click.Path(file_okay=False, path_type=Path),
        help="The chain's folder, instead of one below AINUR_HOME.",
    )
    def run(name: str, data_dir: Path | None, **options: Any) -> None:
        command(folder=folder_of(name, data_dir), **options)

    run.__doc__, run.__name__ = command.__doc__, command.__name__
    run.__click_params__ = [*getattr(command, "__click_params__", []), *run.__click_params__]  # type: ignore[attr-defined]  # click's own attribute
    return guarded(ChainHostError)(run)


def _seal(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if value in ("instant", "manual"):
        return value
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1
    if not 0.01 <= seconds <= 86_400:
        raise click.BadParameter("instant, manual, or seconds from 0.01 to 86400")
    return value


def _origins(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    for value in values:
        if value != "*" and not value.startswith(ORIGIN_SCHEMES):
            raise click.BadParameter(f"{value!r} is no origin, such as https://example.org")
    return tuple(value.rstrip("/") for value in values)


def _show(record: Record) -> None:
    for name, value in (
        ("chain", f"{record.name} ({record.backend}, {record.runtime}, seal {record.seal})"),
        ("url", record.url),
        ("polkadot.js", record.apps),
        ("genesis", record.genesis),
        ("folder", record.data_dir + (" (blocks are kept)" if record.persist else "")),
    ):
        click.echo(f"{name + ':':13}{value}")


@group.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=9944,
    show_default=True,
    help="0 for any that is free.",
)
@click.option("--persist", is_flag=True, help="Keep the blocks in the chain's folder.")
@click.option(
    "--seal",
    default="instant",
    show_default=True,
    callback=_seal,
    metavar="instant|SECONDS|manual",
    help="When blocks are made.",
)
@click.option(
    "--backend",
    type=click.Choice(list(BACKENDS)),
    default="embedded",
    show_default=True,
    help="The runtime in this program, or the Substrate node.",
)
@click.option(
    "--preset", default="development", show_default=True, help="The runtime's genesis preset."
)
@click.option(
    "--seed",
    help="Names the genesis: the same seed gives the same one. Without it, each chain has its own.",
)
@click.option(
    "--finality-lag",
    type=click.IntRange(0, 10_000),
    default=0,
    show_default=True,
    help="Blocks between the head and the finalised block.",
)
@click.option(
    "--allow-origin",
    multiple=True,
    callback=_origins,
    help="A web page that may connect, beside those of this machine and polkadot.js Apps.",
)
@click.option(
    "--runtime",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Another runtime's wasm.",
)
@click.option("--foreground", is_flag=True, help="Stay, log to stderr, and end with Ctrl-C.")
@chain_options
@json_option
def up(
    folder: Folder, as_json: bool, foreground: bool, runtime: Path | None, **options: Any
) -> None:
    """Start a chain; return when it answers."""
    from node.chainhost.control import run_foreground, start

    config = ChainConfig(
        name=folder.name,
        data_dir=str(folder.path),
        runtime=None if runtime is None else str(runtime.absolute()),
        **options,
    )

    def tell(record: Record) -> None:
        if as_json:
            print_json(record.to_json())
        else:
            _show(record)
        sys.stdout.flush()

    if foreground:
        run_foreground(config, tell)
    else:
        tell(start(config))


@group.command()
@chain_options
@json_option
def down(folder: Folder, as_json: bool) -> None:
    """Stop a chain."""
    from node.chainhost.control import stop

    killed = stop(folder)
    if as_json:
        print_json({"name": folder.name, "killed": killed})
    else:
        click.echo(
            f"the chain {folder.name!r} is stopped" + (" (it had to be killed)" if killed else "")
        )


@group.command()
@chain_options
@json_option
@click.pass_context
def status(context: click.Context, folder: Folder, as_json: bool) -> None:
    """Say where a chain is and how far; exit code 3 when it does not run."""
    from node.chainhost.control import connect, find

    if find(folder) is None:
        if as_json:
            print_json({"running": False, "name": folder.name, "data_dir": str(folder.path)})
        else:
            click.echo(f"the chain {folder.name!r} does not run ({folder.path})")
        context.exit(NOT_RUNNING)
    record, client = connect(folder)
    now = client.call("dev_status")
    if as_json:
        print_json({"running": True, **record.to_json(), "chain": now})
        return
    _show(record)
    for name, value in (
        ("head", f"{now['head']['number']:,} {now['head']['hash']}"),
        ("finalised", f"{now['finalized']['number']:,} {now['finalized']['hash']}"),
        ("pool", f"{now['ready']} ready, {now['future']} waiting for others"),
        (
            "process",
            f"{record.pid}, {(now['memoryBytes'] or 0) / 2**20:.0f} MiB, up {now['uptimeSeconds']:.0f} s, {now['connections']} connections",
        ),
    ):
        click.echo(f"{name + ':':13}{value}")


@group.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@chain_options
@json_option
def reset(folder: Folder, as_json: bool, yes: bool, dry_run: bool) -> None:
    """Forget a chain's blocks; one that runs is started again, with another genesis."""
    from node.chainhost import control

    running = control.find(folder) is not None
    plan = f"forget the blocks in {folder.path}" + (" and start the chain again" if running else "")
    if dry_run:
        if as_json:
            print_json({"name": folder.name, "dry_run": True, "would": plan})
        else:
            click.echo(f"would {plan}")
        return
    if not yes and folder.store.exists():
        click.confirm(plan[0].upper() + plan[1:] + "?", abort=True, err=True)
    record = control.reset(folder)
    if as_json:
        print_json({"name": folder.name, "chain": record and record.to_json()})
    elif record is None:
        click.echo(f"the chain {folder.name!r} starts anew next time")
    else:
        _show(record)


@group.command()
@click.option(
    "--lines",
    "-n",
    type=click.IntRange(0),
    default=50,
    show_default=True,
    help="How many, from the end.",
)
@click.option("--follow", "-f", is_flag=True, help="Go on until Ctrl-C, or until the chain ends.")
@chain_options
@json_option
def logs(folder: Folder, as_json: bool, lines: int, follow: bool) -> None:
    """Show what a chain has logged."""
    from node.chainhost.logs import follow_lines, last_lines

    shown = last_lines(folder, lines)
    if as_json and not follow:
        print_json({"name": folder.name, "lines": shown})
        return
    for line in itertools.chain(shown, follow_lines(folder) if follow else ()):
        click.echo(json.dumps({"version": 1, "line": line}) if as_json else line)


@group.command()
@click.argument("blocks", type=click.IntRange(0, 2**32 - 1))
@click.option(
    "--seconds", type=click.FloatRange(0), default=0.0, help="Time that passes with them."
)
@click.option(
    "--empty-blocks", is_flag=True, help="Make every block, so that another chain can import them."
)
@chain_options
@json_option
def advance(folder: Folder, as_json: bool, blocks: int, seconds: float, empty_blocks: bool) -> None:
    """Let blocks pass: in one jump, however many."""
    from node.chainhost.control import connect

    record, client = connect(folder)
    if record.max_advance is not None and blocks > record.max_advance:
        raise ChainHostError(
            f"the backend {record.backend!r} makes every block, and refuses more than"
            f" {record.max_advance:,} at once; --backend embedded jumps"
        )
    options = {"blocks": blocks, "seconds": seconds, "emptyBlocks": empty_blocks}
    head = client.call("dev_advance", options)
    if as_json:
        print_json({"name": folder.name, "head": head})
    else:
        click.echo(f"block {head['number']:,} {head['hash']}")


@group.command()
@json_option
@guarded(DevChainError)
def runtime(as_json: bool) -> None:
    """Show the committed runtime, and whether it was built from the sources beside it."""
    from chain import devnet

    blob, manifest = devnet.read_committed()
    current = devnet.are_sources_current(manifest)
    if as_json:
        print_json({**attrs.asdict(blob), "sources_current": current, "rustc": manifest.rustc,
                    "sources_sha256": manifest.sources_sha256})  # fmt: skip
    else:
        sources = {
            True: "current (the blob was built from pallets/ as it is here)",
            False: "STALE: pallets/ has changed; run scripts/build-runtime",
            None: "not here (an installed package has none)",
        }[current]
        for name, value in (
            ("runtime", f"{blob.spec_name}-{blob.spec_version} ({blob.impl_name})"),
            ("transactions", f"version {blob.transaction_version}"),
            ("size", f"{blob.size:,} bytes, {blob.raw_size:,} as WebAssembly"),
            ("code hash", f"0x{blob.code_hash}"),
            ("raw sha256", blob.raw_sha256),
            ("built by", manifest.rustc.splitlines()[0]),
            ("sources", sources),
            ("APIs", ", ".join(f"{name} {version}" for name, version in blob.apis)),
        ):
            click.echo(f"{name + ':':14}{value}")
    if current is False:
        sys.exit(1)
