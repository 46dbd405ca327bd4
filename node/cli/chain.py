"""``ainur chain``: the dev chain."""

import json
import sys

import attrs
import click

from chain.devchain.errors import DevChainError

__all__ = ["group"]


@click.group()
def group() -> None:
    """The dev chain: look at its runtime."""


@group.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def runtime(as_json: bool) -> None:
    """Show the committed runtime, and whether it was built from the sources beside it."""
    from chain import devnet

    try:
        blob, manifest = devnet.read_committed()
        current = devnet.are_sources_current(manifest)
    except DevChainError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        shape = {"version": 1, **attrs.asdict(blob), "sources_current": current,
                 "rustc": manifest.rustc, "sources_sha256": manifest.sources_sha256}  # fmt: skip
        click.echo(json.dumps(shape))
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
