"""``ainur testnet``: a whole market on this machine."""

import click

from node.cli.testnet_add import add_agent, add_cheater
from node.cli.testnet_faults import freeze, heal, kill, partition, start
from node.cli.testnet_look import logs, status
from node.cli.testnet_process import down, reset, up

__all__ = ["group"]


@click.group()
def group() -> None:
    """A market on this machine: a chain and nodes, each a process, with faults on demand."""


for _command in (
    add_agent,
    add_cheater,
    down,
    freeze,
    heal,
    kill,
    logs,
    partition,
    reset,
    start,
    status,
    up,
):
    group.add_command(_command)
