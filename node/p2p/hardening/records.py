"""Signed peer records of the DHT, each verified once.

What stock does (``libp2p.kad_dht.utils``): verifies the same record in each message that carries it, and
an answer carries twenty: two milliseconds of signatures for an answer that says nothing new.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import libp2p.kad_dht.utils
from libp2p.abc import IHost
from libp2p.kad_dht.pb.kademlia_pb2 import Message
from libp2p.peer.id import ID

__all__ = ["STOCK_CONSUME", "VerifiedOnce"]

RECORDS: Final = 20_000

STOCK_CONSUME: Final = libp2p.kad_dht.utils.maybe_consume_signed_record
"""The library's own."""


class VerifiedOnce:
    """Stands for the library's function; the key holds all that it looks at, and the host's store."""

    def __init__(
        self,
        stock: Callable[[Message | Message.Peer, IHost, ID | None], bool] = STOCK_CONSUME,
    ) -> None:
        self._stock = stock
        self._valid: OrderedDict[tuple[bytes, bytes, bytes, ID | None], None] = OrderedDict()

    def __call__(self, msg: Message | Message.Peer, host: IHost, peer_id: ID | None = None) -> bool:
        """Return whether a message has no record or a valid one, which the store then knows."""
        if isinstance(msg, Message):
            raw, subject = msg.senderRecord, b""
        else:
            raw, subject = msg.signedRecord, msg.id
        if not raw:
            return self._stock(msg, host, peer_id)
        key = (host.get_id().to_bytes(), bytes(raw), bytes(subject), peer_id)
        if key in self._valid:
            self._valid.move_to_end(key)
            return True
        if not self._stock(msg, host, peer_id):
            return False
        self._valid[key] = None
        if len(self._valid) > RECORDS:
            self._valid.popitem(last=False)
        return True
