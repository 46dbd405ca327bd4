"""Peers that no longer answer are dropped.

What stock does: nothing. A process that was stopped, or a machine whose cable was pulled, stays
connected for hours, in every mesh and routing table.
"""

import math
from typing import Final

import trio
from libp2p.abc import INetConn
from libp2p.host.ping import ID as PING
from libp2p.host.ping import perform_ping_roundtrip
from libp2p.peer.id import ID
from libp2p.protocol_muxer.multiselect_communicator import MultiselectCommunicator
from libp2p.stream_muxer.exceptions import MuxedStreamError

from node.p2p.hardening.faults import faults
from node.p2p.hardening.host import BoundedHost
from node.p2p.hardening.yamux import BoundedYamux

__all__ = ["Keepalive"]

AT_A_TIME: Final = 32


class Keepalive:
    """Pings every connection."""

    def __init__(self, host: BoundedHost, seconds: float) -> None:
        self._host = host
        self._seconds = seconds
        self._limit = trio.CapacityLimiter(AT_A_TIME)
        self.round_trips: dict[ID, float] = {}
        """Seconds to each peer and back."""

    async def run(self) -> None:
        """Ping until cancelled."""
        while True:
            await trio.sleep(self._seconds)
            connections = self._host.get_network().get_connections()
            alive = {conn.muxed_conn.peer_id for conn in connections}
            self.round_trips = {p: s for p, s in self.round_trips.items() if p in alive}
            async with trio.open_nursery() as nursery:
                for conn in connections:
                    nursery.start_soon(self._check, conn)

    async def _ping(self, conn: INetConn) -> float:
        """Return the seconds to a peer and back on a connection that has no pings of its own.

        Stock's PingService keeps a stream whose ping was cancelled, and raises TypeError on it after;
        and it takes whichever connection to the peer it likes, so that a dead one would end a live one.
        """
        stream = await conn.new_stream()
        try:
            await self._host.multiselect_client.select_one_of(
                [PING], MultiselectCommunicator(stream), math.ceil(self._seconds)
            )
            return await perform_ping_roundtrip(stream) / 1_000
        finally:
            with trio.CancelScope(shield=True), trio.move_on_after(1.0):
                await stream.reset()

    async def _check(self, conn: INetConn) -> None:
        peer = conn.muxed_conn.peer_id
        async with self._limit:
            with trio.move_on_after(self._seconds) as scope:
                try:
                    if isinstance(conn.muxed_conn, BoundedYamux):
                        self.round_trips[peer] = await conn.muxed_conn.ping()
                    else:
                        self.round_trips[peer] = await self._ping(conn)
                except MuxedStreamError:
                    return  # it has just ended
                except Exception as error:  # noqa: BLE001  (another transport's errors; the peer goes)
                    faults.report("keepalive", peer, "no-pong", error)
                else:
                    return
            if scope.cancelled_caught:
                faults.report("keepalive", peer, "silent", f"for {self._seconds:g} s: dropped")
            # Whole: cancelled half-way, the library's close leaves a dead connection in its table.
            with trio.CancelScope(shield=True):
                await conn.close()
