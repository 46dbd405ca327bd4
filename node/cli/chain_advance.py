"""``ainur chain advance``: blocks and time that pass because somebody says so."""

from typing import Any

import click

from node.chainhost.client import Client
from node.chainhost.errors import ChainHostError
from node.chainhost.home import Folder
from node.cli.chain_options import chain_options, dry_run_option, show_plan
from node.cli.output import json_option, print_json

__all__ = ["advance"]

STEP_BLOCKS = 200
"""That are made at one call, where every one is made: each answer comes long before patience ends."""


@click.command()
@click.argument("blocks", type=click.IntRange(0, 2**32 - 1))
@click.option(
    "--seconds", type=click.FloatRange(0), default=0.0, help="Time that passes with them."
)
@click.option(
    "--empty-blocks", is_flag=True, help="Make every block, so that another chain can import them."
)
@dry_run_option
@chain_options
@json_option
def advance(
    folder: Folder,
    as_json: bool,
    blocks: int,
    seconds: float,
    empty_blocks: bool,
    dry_run: bool,
) -> None:
    """Let blocks pass: in one jump, however many (the Substrate node makes each, and at most 5,000)."""
    from node.chainhost.control import connect

    record, client = connect(folder)
    limit = record.max_advance
    if limit is not None and blocks > limit:
        raise ChainHostError(
            f"the backend {record.backend!r} makes every block, and refuses more than {limit:,} at"
            " once: advance in steps, or use --backend embedded, which jumps"
        )
    if dry_run:
        head = client.call("dev_status")["head"]["number"]
        how = "block by block" if limit is not None or empty_blocks else "in one jump"
        plan = f"go from block {head:,} to block {head + max(blocks, 1):,}, {how}"
        show_plan(folder.name, plan, as_json=as_json)
        return
    if limit is None:
        options = {"blocks": blocks, "seconds": seconds, "emptyBlocks": empty_blocks}
        head = client.call("dev_advance", options)
    else:
        head = _step_by_step(client, blocks, seconds)
    if as_json:
        print_json({"name": folder.name, "head": head})
    else:
        click.echo(f"block {head['number']:,} {head['hash']}")


def _step_by_step(client: Client, blocks: int, seconds: float) -> dict[str, Any]:
    left = max(blocks, 1)
    while True:
        step = min(left, STEP_BLOCKS)
        passed = seconds * step / left
        head: dict[str, Any] = client.call("dev_advance", {"blocks": step, "seconds": passed})
        left, seconds = left - step, seconds - passed
        if left == 0:
            return head
