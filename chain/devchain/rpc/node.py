"""What the methods work on: the chain, and everything that one server keeps beside it."""

import time
from collections.abc import Callable

import attrs

from chain.devchain.chain import DevChain, Snapshot
from chain.devchain.rpc.faults import Faults
from chain.devchain.rpc.feed import Feed
from chain.devchain.rpc.limits import Limits
from chain.devchain.rpc.method import Json
from chain.devchain.rpc.sealer import Seal, Sealer

__all__ = ["Identity", "Node"]


def _default_properties() -> dict[str, Json]:
    return {"ss58Format": 42, "tokenDecimals": 12, "tokenSymbol": "UNIT"}


@attrs.frozen
class Identity:
    """What the node says of itself."""

    chain: str = "Development"
    name: str = "devchain"
    version: Callable[[], str] = lambda: "0"
    """Called when somebody asks: to look it up costs more than a start can spare."""
    properties: dict[str, Json] = attrs.field(factory=_default_properties)


@attrs.define(eq=False)
class Node:
    """A chain that is served."""

    chain: DevChain
    sealer: Sealer
    feed: Feed
    identity: Identity
    limits: Limits
    faults: Faults = attrs.field(factory=Faults)
    snapshots: dict[str, Snapshot] = attrs.field(factory=dict)
    started: float = attrs.field(factory=time.monotonic)
    connections: int = 0
    metadata_hex: dict[bytes, str] = attrs.field(factory=dict)
    """The metadata of the runtime asked for last: half a megabyte of text, by the runtime's code."""

    @classmethod
    def of(cls, chain: DevChain, seal: Seal, identity: Identity, limits: Limits) -> "Node":
        """Return a node of a chain."""
        return cls(chain, Sealer(chain, seal), Feed(chain), identity, limits)
