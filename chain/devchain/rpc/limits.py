"""How much one server, and one connection of it, may ask for."""

import attrs

__all__ = ["Limits"]

MIB = 1024 * 1024


@attrs.frozen
class Limits:
    """Bounds. Where a Substrate node has one, it is the default."""

    connections: int = 256
    """Connections at once; one more is answered 503 and closed."""
    request_bytes: int = 15 * MIB
    """A frame or a body; a larger one closes the connection."""
    response_bytes: int = 64 * MIB
    """A larger answer becomes an error."""
    batch: int = 1024
    """Calls in a batch."""
    subscriptions: int = 1024
    """Of one connection."""
    outbox_bytes: int = 16 * MIB
    """Notifications that wait for a reader; beyond it the connection is dropped."""
    outbox_messages: int = 8192
    """As above, counted."""
    high_water_bytes: int = 1 * MIB
    """While more than this waits to be read, no further request is."""
    write_seconds: float = 30.0
    """A reader that takes nothing for so long is dropped."""
    handshake_seconds: float = 10.0
    """From the connection to the end of the request's head."""
    body_seconds: float = 30.0
    """From there to the end of the request's body."""
    idle_seconds: float = 120.0
    """An HTTP connection that asks nothing more is closed; a WebSocket may stay."""
    snapshots: int = 16
    """Kept by ``dev_snapshot``."""
    new_blocks: int = 100_000
    """Blocks that one ``dev_newBlock`` or ``dev_advance`` with empty blocks may make."""
