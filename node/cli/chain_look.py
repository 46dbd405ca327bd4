"""``ainur chain status|logs|runtime``: what a chain says of itself."""

import itertools
import json
import sys
from typing import Any

import attrs
import click

from chain.devchain.errors import DevChainError
from node.chainhost.home import Folder
from node.cli.chain_options import chain_options, lines_option, show_record
from node.cli.output import guarded, json_option, print_json

__all__ = ["logs", "runtime", "status"]

NOT_RUNNING = 3
"""Exit code of ``status`` for a chain that does not run, as init scripts have it."""


@click.command()
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
    show_record(record)
    for name, value in (
        ("head", f"{now['head']['number']:,} {now['head']['hash']}"),
        ("finalised", f"{now['finalized']['number']:,} {now['finalized']['hash']}"),
        ("pool", f"{now['ready']} ready, {now['future']} waiting for others"),
        ("process", _process(record.pid, now)),
    ):
        click.echo(f"{name + ':':13}{value}")


def _process(pid: int, now: dict[str, Any]) -> str:
    # A node's server does not count its connections.
    connections = "" if now["connections"] is None else f", {now['connections']} connections"
    memory = (now["memoryBytes"] or 0) / 2**20
    return f"{pid}, {memory:.0f} MiB, up {now['uptimeSeconds']:.0f} s{connections}"


@click.command()
@lines_option
@click.option("--follow", "-f", is_flag=True, help="Go on until Ctrl-C, or until the chain ends.")
@chain_options
@json_option
def logs(folder: Folder, as_json: bool, lines: int, follow: bool) -> None:
    """Show what a chain has logged."""
    from node.chainhost.lock import is_held
    from node.chainhost.logs import follow_lines, last_lines

    shown = last_lines(folder.log, lines)
    if as_json and not follow:
        print_json({"name": folder.name, "lines": shown})
        return
    for line in itertools.chain(
        shown, follow_lines(folder.log, lambda: is_held(folder.lock)) if follow else ()
    ):
        click.echo(json.dumps({"version": 1, "line": line}) if as_json else line)


@click.command()
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
