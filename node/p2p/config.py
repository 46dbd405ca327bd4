"""What a node's network is made of; every bound that protects it has its name here."""

from pathlib import Path
from typing import Final

import attrs

__all__ = ["DEFAULT_LISTEN", "Limits", "NetworkConfig"]

DEFAULT_LISTEN: Final = ("/ip4/127.0.0.1/tcp/0",)


@attrs.frozen(kw_only=True)
class Limits:
    """Bounds on what peers can make us hold or do."""

    low_watermark: int = 100
    """Connections to which a trim goes down."""
    high_watermark: int = 400
    """Connections above which we trim."""
    grace_seconds: float = 10.0
    """A connection is not trimmed before it is so old."""
    connections_per_peer: int = 3
    handshakes_per_address: int = 32
    """Unfinished handshakes from one IP address."""
    handshakes: int = 256
    """Unfinished handshakes in all."""
    handshake_seconds: float = 5.0
    negotiate_seconds: float = 5.0
    """Time for a new stream to name its protocol."""
    streams_per_peer: int = 64
    """Streams that one peer may have open towards us."""
    message_bytes: int = 4 * 1024 * 1024
    """Largest request and largest answer."""
    gossip_bytes: int = 64 * 1024
    """Largest gossip message."""
    dial_seconds: float = 10.0
    keepalive_seconds: float = 5.0
    """Between two pings of a peer; one that does not answer within this time is dropped."""
    gossip_per_second: int = 200
    """Messages of one topic from one forwarder."""


@attrs.frozen(kw_only=True)
class NetworkConfig:
    """Everything that is asked of a network."""

    listen: tuple[str, ...] = DEFAULT_LISTEN
    """Multiaddrs: ``/ip4/…/tcp/…``, ``/ip4/…/udp/…/quic-v1``, ``/ip4/…/tcp/…/ws``."""
    announce: tuple[str, ...] = ()
    """Addresses told to peers instead of those we listen on (behind a router that forwards)."""
    bootstrap: tuple[str, ...] = ()
    """Multiaddrs with ``/p2p/…`` of peers to begin with."""
    bootstrap_file: Path | None = None
    """More of them, one a line; ``#`` begins a comment."""
    mdns: bool = False
    """Look for peers on the LAN, and be found there."""
    peer_store: Path | None = None
    """Where known peers are kept, so that a restart needs no bootstrap."""
    dht_server: bool = True
    """Whether to hold records for others."""
    relay_server: bool = False
    """Whether to pass bytes on for peers that cannot reach each other."""
    relays: tuple[str, ...] = ()
    """Multiaddrs of relays to be reachable through."""
    hole_punching: bool = False
    """Whether to turn relayed connections into direct ones."""
    autonat: bool = False
    """Whether to ask peers if we can be dialled, and to tell them."""
    limits: Limits = attrs.field(factory=Limits)
