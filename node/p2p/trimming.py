"""Fewer connections when there are too many, the least useful first.

What stock does: never closes a connection that has a stream, and with gossip every connection has
one, so its watermarks close nothing, and a node full of idle peers refuses new ones for good.
"""

from collections.abc import Collection
from typing import Final

import trio
from libp2p.abc import INetConn
from libp2p.peer.id import ID

from node.p2p.hardening.host import BoundedHost
from node.p2p.hardening.pubsub import BoundedPubsub
from node.p2p.scoring import Scoreboard

__all__ = ["Trimming"]

CHECK_SECONDS: Final = 1.0
GRACE_SECONDS: Final = 10.0
"""A connection is not judged before it is so old."""


class Trimming:
    """Keeps connections below the high watermark.

    Args:
        protected: peers that are kept whatever they are worth.
    """

    def __init__(
        self,
        host: BoundedHost,
        pubsub: BoundedPubsub,
        board: Scoreboard,
        low: int,
        high: int,
        protected: Collection[ID],
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self._host = host
        self._pubsub = pubsub
        self._board = board
        self._low, self._high = low, high
        self._protected = protected
        self._grace = grace_seconds
        self._since: dict[INetConn, float] = {}

    async def run(self) -> None:
        """Look, and trim, until cancelled."""
        while True:
            await trio.sleep(CHECK_SECONDS)
            for conn in self._choose():
                with trio.CancelScope(shield=True):
                    await conn.close()

    def _choose(self) -> list[INetConn]:
        """Return the connections to close now."""
        now = trio.current_time()
        connections = self._host.get_network().get_connections()
        self._since = {conn: self._since.get(conn, now) for conn in connections}
        excess = len(connections) - self._low if len(connections) > self._high else 0
        old = [
            conn
            for conn in connections
            if now - self._since[conn] >= self._grace
            and conn.muxed_conn.peer_id not in self._protected
        ]
        return sorted(old, key=self._worth)[:excess]

    def _worth(self, conn: INetConn) -> tuple[bool, float, float]:
        """Peers in a mesh of ours are worth most, then those with a good score, then the oldest."""
        peer = conn.muxed_conn.peer_id
        meshes = self._pubsub.router.mesh.values()
        return (
            any(peer in mesh for mesh in meshes),
            self._board.score(str(peer)),
            -self._since[conn],
        )
