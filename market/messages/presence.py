"""What a node says of itself: its announcement, gossiped, signed and expiring."""

from typing import Annotated, Final

from msgspec import Meta

from market.messages.fields import (
    Amount,
    Blob,
    CapabilityName,
    Fraction,
    Key,
    Label,
    Signature64,
    Slot,
    Text,
    WireStruct,
    is_strictly_increasing,
)

__all__ = ["MAX_TTL", "Announcement", "Capability"]

MAX_TTL: Final = 600
"""Seconds: no announcement is believed for longer."""


class Capability(WireStruct, frozen=True, kw_only=True):
    """One thing that an agent of the node can do."""

    name: CapabilityName
    version: Annotated[int, Meta(ge=0, le=65_535)]
    """Raised when input or output changes incompatibly."""
    description: Text
    """What it does, for people and for search by meaning; receivers embed this text themselves."""
    input_schema: Blob
    """JSON-Schema of the input, fetched by its hash from the announcing node."""
    output_schema: Blob
    """JSON-Schema of the result."""
    typical_price: Amount
    """A hint for choosing whom to ask, planck; binds nobody. 0 = not said."""
    free_slots: Slot
    """Tasks the agent could start now."""


class Announcement(WireStruct, frozen=True, kw_only=True):
    """The capabilities of a node, until it expires or one with a higher sequence replaces it.

    An announcement without capabilities withdraws the node.
    """

    transport_key: Key
    """The key of its PeerId."""
    transport_proof: Signature64 | None
    """By the transport key, over :func:`market.presence.transport_payload`: nobody names another's peer as
    its own. None where the transport key is the one that signs the envelope."""
    ttl: Annotated[int, Meta(ge=1, le=MAX_TTL)]
    """Seconds for which it may be listed. The envelope's expiry is a block, and a chain may stand still."""
    addresses: Annotated[tuple[Label, ...], Meta(max_length=8)]
    """Multiaddresses without the trailing ``/p2p/``, preferred first."""
    software: Label
    """Name and version of the node's program, for diagnosis only."""
    load: Fraction
    """Share of the node's capacity in use, parts per million."""
    capabilities: Annotated[tuple[Capability, ...], Meta(max_length=32)]
    """Sorted by name, each name once."""

    def __post_init__(self) -> None:
        """Refuse capabilities out of order or repeated."""
        if not is_strictly_increasing([c.name for c in self.capabilities]):
            raise ValueError("capabilities are sorted by name, each name once")
