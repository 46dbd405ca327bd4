"""``ainur chain``: the dev chain."""

import click

from node.cli.chain_advance import advance
from node.cli.chain_look import logs, runtime, status
from node.cli.chain_process import down, reset, up
from node.cli.inspect import inspect

__all__ = ["group"]


@click.group()
def group() -> None:
    """The dev chain: start it, look at it, let time pass on it, stop it."""


for _command in (advance, down, inspect, logs, reset, runtime, status, up):
    group.add_command(_command)
