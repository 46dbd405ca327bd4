"""The code of an error: its room and its name, ``Testnet.NotRunning``; of a refusal by the chain pallet and error."""

from typing import Final

import market.errors
import node.api.client
from chain.errors import DispatchError
from node.api.reasons import REASONS

__all__ = ["OTHER", "ROOMS", "code_of", "name_of"]

ROOMS: Final = {
    "Agent": "node.agents.errors",
    "Api": "node.api.client",
    "Chain": "chain.errors",
    "ChainHost": "node.chainhost.errors",
    "Command": "node.cli.errors",
    "Database": "node.database",
    "Demo": "node.demo.errors",
    "DevChain": "chain.devchain.errors",
    "Executor": "node.executor.errors",
    "Keystore": "node.keystore.errors",
    "Market": "market.errors",
    "Network": "node.p2p.errors",
    "Node": "node.process.errors",
    "Router": "routing.errors",
    "Task": "node.trade.running",
    "Testnet": "node.testnet.errors",
}
"""Name of a room in a code -> the module in which its errors are defined."""
OTHER: Final = "Other"
"""Stands for a room's base class: an error that has no name of its own."""

_BY_MODULE: Final = {module: room for room, module in ROOMS.items()}


def name_of(kind: type[BaseException]) -> str:
    """Return the second part of an error's code: its class's name, or :data:`OTHER` for the base of several."""
    is_base = kind.__bases__ == (Exception,) and bool(kind.__subclasses__())
    return OTHER if is_base else kind.__name__.removesuffix("Error")


def code_of(error: BaseException) -> str:
    """Return the code of an error; ``Other.NAME`` for one that no room of ours has defined."""
    match error:
        case DispatchError():
            return f"{error.pallet}.{error.variant}"
        case market.errors.RefusedError():
            return f"{error.pallet.capitalize()}.{error.variant}"
        case node.api.client.RefusedError() if error.reason in REASONS:
            return f"Api.{error.reason}"
    for kind in type(error).__mro__:
        room = _BY_MODULE.get(kind.__module__)
        if room is not None:
            return f"{room}.{name_of(kind)}"
    return f"{OTHER}.{type(error).__name__}"
