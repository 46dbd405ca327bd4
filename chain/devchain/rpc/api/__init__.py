"""The methods, by namespace."""

from chain.devchain.rpc.api import author, blocks, child, dev, payment, proof, state, system
from chain.devchain.rpc.method import Json, Table
from chain.devchain.rpc.node import Node

__all__ = ["DEVELOPMENT", "PUBLIC"]

PUBLIC = Table(
    system.TABLE, state.TABLE, proof.TABLE, child.TABLE, blocks.TABLE, author.TABLE, payment.TABLE
)
"""What everybody may call who may connect."""
DEVELOPMENT = Table(PUBLIC, dev.TABLE)
"""What clients on this machine may call, web pages from elsewhere excepted."""


def _list_methods(table: Table) -> None:
    @table.method("rpc_methods")
    def methods(_node: Node) -> Json:
        return {"methods": table.names()}


_list_methods(PUBLIC)
_list_methods(DEVELOPMENT)
