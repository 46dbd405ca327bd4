"""What our Kademlia is called, and how much of it one message holds."""

from typing import Final

from libp2p.custom_types import TProtocol

__all__ = ["ADDRESSES_PER_PEER", "MESSAGE_BYTES", "PROTOCOL", "QUERY_SECONDS"]

PROTOCOL: Final = TProtocol("/ainur/kad/1.0.0")
QUERY_SECONDS: Final = 3
MESSAGE_BYTES: Final = 512 * 1024
"""Stock: 4 MB. An answer with all the providers that we tell has 100 kB."""
ADDRESSES_PER_PEER: Final = 8
