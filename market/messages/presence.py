"""What a node says of itself: its announcement, gossiped, signed and expiring."""

from typing import Annotated

from msgspec import Meta

from market.messages.fields import (
    Amount,
    Blob,
    CapabilityName,
    Fraction,
    Key,
    Label,
    Slot,
    Text,
    WireStruct,
    is_strictly_increasing,
)

__all__ = ["Announcement", "Capability"]


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
    """The capabilities of a node, until the envelope expires or one with a higher sequence replaces it.

    An announcement without capabilities withdraws the node.
    """

    transport_key: Key
    """The key of its PeerId; libp2p's handshake proves that whoever answers there holds it."""
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
