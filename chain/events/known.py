"""Every event that has a class, by pallet and name."""

from collections.abc import Mapping
from typing import Final

from chain.events import Event, balances, escrow, registry, reputation

__all__ = ["COMPLETE", "KNOWN"]

KNOWN: Final[Mapping[str, Mapping[str, type[Event]]]] = {
    "Registry": {kind.__name__: kind for kind in registry.EVENTS},
    "Reputation": {kind.__name__: kind for kind in reputation.EVENTS},
    "Escrow": {kind.__name__: kind for kind in escrow.EVENTS},
    "Balances": {kind.__name__: kind for kind in balances.EVENTS},
}
COMPLETE: Final = frozenset({"Registry", "Reputation", "Escrow"})
"""Pallets all of whose calls and events have a class."""
