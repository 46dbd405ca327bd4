"""A host that survives its own stream handlers, and whom each peer can ask only so much at a time.

What stock does (``libp2p.host.basic_host``): an exception in any stream handler, ours or the
library's (a protocol name that is not UTF-8 is enough), leaves the service's task and takes the
whole swarm down. Streams of one peer are not counted. What identify tells of a peer, up to a
thousand addresses and any number of protocol names, is kept.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import trio
from libp2p.abc import INetStream
from libp2p.host.basic_host import BasicHost
from libp2p.identity.identify_push.identify_push import ID_PUSH as IDENTIFY_PUSH
from libp2p.io.exceptions import IncompleteReadError
from libp2p.network.stream.exceptions import StreamError
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStore
from libp2p.protocol_muxer.exceptions import MultiselectError
from libp2p.protocol_muxer.multiselect_communicator import MultiselectCommunicator
from libp2p.stream_muxer.exceptions import MuxedStreamError
from multiaddr import Multiaddr

from node.p2p.addresses import expand_unspecified
from node.p2p.config import Limits
from node.p2p.hardening.admission import Admission
from node.p2p.hardening.faults import faults, served
from node.p2p.hardening.swarm import BoundedSwarm

__all__ = ["BoundedHost", "BoundedPeerStore"]

ADDRESSES_KEPT: Final = 16
PROTOCOLS_KEPT: Final = 128
PROTOCOL_CHARACTERS: Final = 256
PEERS_KEPT: Final = 2_000
LIBRARY_PROTOCOLS: Final = ("/ipfs/", "/meshsub/", "/libp2p/")
LIBRARY_STREAMS: Final = 4
"""Streams of one peer for one of the library's own protocols, each of which may hold a megabyte."""


class BoundedPeerStore(PeerStore):
    """What is known of peers: so many of them, so much of each."""

    def __init__(self) -> None:
        super().__init__(max_records=PEERS_KEPT, max_peers=PEERS_KEPT)

    def add_addrs(self, peer_id: ID, addrs: Sequence[Multiaddr], ttl: int = 0) -> None:
        """Keep addresses of a peer, behind those that are known: anybody can tell us of anybody."""
        super().add_addrs(peer_id, list(addrs)[:ADDRESSES_KEPT], ttl)
        data = self.peer_data_map[peer_id]
        if len(data.addrs) > ADDRESSES_KEPT:
            data.addrs = data.addrs[:ADDRESSES_KEPT]
        self._bound()

    def put_first(self, peer_id: ID, addrs: Sequence[Multiaddr], ttl: int) -> None:
        """Keep addresses of a peer before those that are known: we were told by somebody we trust."""
        known = self.peer_data_map[peer_id].get_addrs() if self.has_peer(peer_id) else []
        if self.has_peer(peer_id):
            self.clear_addrs(peer_id)
        self.add_addrs(peer_id, [*addrs, *known], ttl)

    def renew(self, peers: Sequence[ID]) -> None:
        """Let what is known of connected peers not expire; stock forgets it after two hours."""
        for peer in peers:
            if peer in self.peer_data_map:
                self.peer_data_map[peer].update_last_identified()

    def addresses(self, peer_id: ID) -> list[Multiaddr]:
        """Return the addresses of a peer that have not expired; none for a stranger."""
        data = self.peer_data_map.get(peer_id)
        return [] if data is None or data.is_expired() else data.get_addrs()

    def add_protocols(self, peer_id: ID, protocols: Sequence[str]) -> None:
        """Keep the names of protocols that a peer says it speaks."""
        known = self.peer_data_map[peer_id].protocols if self.has_peer(peer_id) else []
        room = max(PROTOCOLS_KEPT - len(known), 0)
        short = [p for p in protocols if len(p) <= PROTOCOL_CHARACTERS]
        super().add_protocols(peer_id, short[:room])
        self._bound()

    def _bound(self) -> None:
        # Twice the bound, then down to it: the library's eviction sorts all of them.
        if len(self.peer_data_map) > 2 * self.max_peers:
            self._enforce_peer_limit()
        if len(self.peer_record_map) > 2 * self.max_records:
            self._enforce_record_limit()


class BoundedHost(BasicHost):
    """The host of a node."""

    def __init__(
        self,
        swarm: BoundedSwarm,
        store: BoundedPeerStore,
        limits: Limits,
        announce: Sequence[str],
    ) -> None:
        self._announce = [Multiaddr(a) for a in announce]
        self.circuits: list[Multiaddr] = []
        """Addresses of ours through relays, without our PeerId."""
        self._limits = limits
        self.swarm = swarm
        self.store = store
        self._streams = Admission[ID](limits.streams_per_peer)
        self._library_streams = Admission[tuple[ID, str]](LIBRARY_STREAMS)
        self.on_identified: Callable[[ID], Awaitable[None]] | None = None
        """Called when a peer has told its addresses and protocols."""
        super().__init__(
            network=swarm,
            negotiate_timeout=int(limits.negotiate_seconds),
        )

    def get_network(self) -> BoundedSwarm:
        """Return the swarm."""
        swarm = super().get_network()
        assert isinstance(swarm, BoundedSwarm)  # noqa: S101  (given to the constructor)
        return swarm

    def get_addrs(self) -> list[Multiaddr]:
        """Return the addresses that we tell: announced ones, or those we listen on and were seen at.

        Stock cuts an address through a relay off at the relay's PeerId.
        """
        direct = self._announce
        if not direct:
            direct = expand_unspecified(self.get_transport_addrs())
            if self._observed_addr_manager is not None:
                direct = [*direct, *self._observed_addr_manager.addrs()]
        told = {str(address): address for address in [*direct, *self.circuits]}
        return [Multiaddr(f"{address}/p2p/{self.get_id()}") for address in told]

    def streams_of(self, peer: ID) -> int:
        """Return how many streams of a peer are being served."""
        return self._streams.inside(peer)

    async def _swarm_stream_handler(self, net_stream: INetStream) -> None:
        peer = net_stream.muxed_conn.peer_id
        served.set(str(peer))  # of this task, which ends with the stream
        with self._streams.enter(peer) as admitted:
            if not admitted:
                faults.report("streams", peer, "too-many-streams", self._limits.streams_per_peer)
                await net_stream.reset()
                return
            try:
                await self._serve(net_stream)
            except (StreamError, MuxedStreamError):
                await net_stream.reset()  # the peer went away
            except IncompleteReadError as error:
                if not error.is_clean_close:
                    faults.report(_name(net_stream), peer, "truncated", error)
                await net_stream.reset()
            except MultiselectError as error:
                if not _has_gone(error):
                    faults.report("multistream", peer, "no-protocol", _root(error))
                await net_stream.reset()
            except Exception as error:  # noqa: BLE001  (the one gate between handlers and the swarm)
                faults.report(_name(net_stream), peer, "handler-failed", error)
                await net_stream.reset()

    async def _identify_peer(self, peer_id: ID, *, reason: str) -> None:
        # A system task of trio's: an exception that leaves it ends the process.
        try:
            await super()._identify_peer(peer_id, reason=reason)
            if self.on_identified is not None and peer_id in self._identified_peers:
                await self.on_identified(peer_id)
        except Exception as error:  # noqa: BLE001  (what a peer says of itself, in several codecs)
            faults.report("identify", peer_id, "failed", error)

    async def _serve(self, stream: INetStream) -> None:
        protocol, handler = await self.multiselect.negotiate(
            MultiselectCommunicator(stream), int(self._limits.negotiate_seconds)
        )
        if protocol is None or handler is None:
            raise MultiselectError("a stream without a protocol")
        stream.set_protocol(protocol)
        if not protocol.startswith(LIBRARY_PROTOCOLS):
            await handler(stream)
            return
        peer = stream.muxed_conn.peer_id
        with self._library_streams.enter((peer, protocol)) as admitted:
            if not admitted:
                faults.report(protocol, peer, "too-many-streams", LIBRARY_STREAMS)
                await stream.reset()
                return
            await handler(stream)
        if protocol == IDENTIFY_PUSH and self.on_identified is not None:
            await self.on_identified(peer)  # it speaks another protocol now, or lives elsewhere

    async def close(self) -> None:
        """Close everything, whatever cancels us meanwhile."""
        with trio.CancelScope(shield=True), trio.move_on_after(10.0, shield=True):
            await super().close()


def _root(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _has_gone(error: BaseException) -> bool:
    """Return whether the peer only went away."""
    return isinstance(_root(error), StreamError | MuxedStreamError)


def _name(stream: INetStream) -> str:
    return str(stream.get_protocol() or "multistream")
