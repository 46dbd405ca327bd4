"""A node's network: bytes to and from peers. What the bytes mean is :mod:`node.p2p.messages`' affair.

    async with open_network(NetworkConfig(bootstrap=(address,)), seed) as network:
        heard = await network.subscribe(presence_topic(0), validate)
        await network.publish(presence_topic(0), b"...")
        answer = await network.request(peer, "/ainur/bid/1.0.0", b"...", timeout=5)

Everything that protects it from peers, and from the library below, is in :mod:`node.p2p.hardening`.
"""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Final

import attrs
import trio
from libp2p.abc import INetConn
from libp2p.network.exceptions import SwarmException
from libp2p.peer.id import ID
from libp2p.rcmgr import Direction
from libp2p.tools.anyio_service import background_trio_service
from multiaddr import Multiaddr

from market.identity import PeerId
from node.p2p.addresses import parse_peer, peer_from_library, peer_to_library
from node.p2p.bootstrap import Bootstrap
from node.p2p.config import NetworkConfig
from node.p2p.dht import Dht, Provider
from node.p2p.errors import NetworkError, NetworkUsageError, UnreachableError
from node.p2p.events import Events, Hook
from node.p2p.gossip import Gossip, Heard, Validate
from node.p2p.hardening.gossipsub import BoundedGossipSub
from node.p2p.hardening.host import BoundedHost
from node.p2p.hardening.pubsub import BoundedPubsub
from node.p2p.hostbuild import build_host, require_free
from node.p2p.keepalive import Keepalive
from node.p2p.reach import Reach
from node.p2p.requests import Handler, Requests
from node.p2p.scoring import Scoreboard
from node.p2p.trimming import Trimming

__all__ = ["ConnectedPeer", "Network", "open_network"]

ADDRESS_SECONDS: Final = 3_600
"""How long an address that we were given is kept."""
LAST_WRITE_SECONDS: Final = 2.0


@attrs.frozen
class ConnectedPeer:
    """A peer that we have a connection to."""

    peer: PeerId
    addresses: tuple[str, ...]
    """Of the connections themselves."""
    inbound: bool
    """Whether it dialled us."""
    round_trip_ms: float | None
    score: float
    """By what it gossiped; below 0 it did something wrong."""


class Network:
    """What a node can do with its peers."""

    def __init__(self, config: NetworkConfig, host: BoundedHost) -> None:
        limits = config.limits
        self.config = config
        self.peer_id: PeerId = peer_from_library(host.get_id())
        self._host = host
        self._board = Scoreboard(trio.current_time)
        self._router = BoundedGossipSub(self._board)
        self._pubsub = BoundedPubsub(
            host,
            self._router,
            message_bytes=limits.gossip_bytes,
            per_second=limits.gossip_per_second,
        )
        self._gossip = Gossip(self._pubsub, limits.gossip_bytes)
        self._requests = Requests(host, limits.message_bytes)
        self._dht = Dht(host, server=config.dht_server)
        self._keepalive = Keepalive(host, limits.keepalive_seconds)
        self._reach = Reach(host, config)
        self._bootstrap = Bootstrap(config, self)
        self._trimming = Trimming(
            host,
            self._pubsub,
            self._board,
            limits.low_watermark,
            limits.high_watermark,
            self._bootstrap.wanted,
            limits.grace_seconds,
        )
        self._events = Events(host, self._on_gone)
        host.on_identified = self._on_identified

    @property
    def multiaddrs(self) -> tuple[str, ...]:
        """Full addresses of this node, each with its PeerId, as others can dial them."""
        return tuple(str(address) for address in self._host.get_addrs())

    @property
    def reachability(self) -> str:
        """Whether strangers can dial this node: ``public``, ``private``, or ``unknown`` as yet."""
        return self._reach.reachability

    # Peers.

    async def connect(self, multiaddr: str) -> PeerId:
        """Connect to a peer and return who it is; nothing happens when it is connected already.

        Raises:
            NetworkUsageError: it is no full multiaddr, or this node's own.
            UnreachableError: it does not answer.
        """
        info = parse_peer(multiaddr)
        peer = peer_from_library(info.peer_id)
        if peer == self.peer_id:
            raise NetworkUsageError("that is the address of this node itself")
        self.learn(peer, tuple(str(a) for a in info.addrs))
        return await self.connect_peer(peer)

    async def connect_peer(self, peer: PeerId) -> PeerId:
        """Connect to a peer whose addresses are known.

        Raises:
            UnreachableError: none is known, or none answers.
        """
        try:
            with trio.fail_after(self.config.limits.dial_seconds):
                await self._host.get_network().dial_peer(peer_to_library(peer))
        except SwarmException as error:
            raise UnreachableError(peer, str(error)) from error
        except trio.TooSlowError as error:
            raise UnreachableError(peer, f"{peer} did not answer in time") from error
        return peer

    def learn(self, peer: PeerId, addresses: tuple[str, ...]) -> None:
        """Remember addresses of a peer."""
        self._host.store.put_first(
            peer_to_library(peer), [Multiaddr(a) for a in addresses], ADDRESS_SECONDS
        )

    async def disconnect(self, peer: PeerId) -> None:
        """Close all connections to a peer."""
        await self._host.get_network().close_peer(peer_to_library(peer))

    async def refuse(self, peers: Collection[PeerId]) -> None:
        """Have no connection with these peers from now on, whoever dials; with all others again.

        Raises:
            NetworkUsageError: one of them is no PeerId.
        """
        refused = frozenset(peer_to_library(peer) for peer in peers)
        self._host.swarm.refused = refused
        for peer in refused:
            await self._host.get_network().close_peer(peer)
        self._bootstrap.wake()

    def is_connected(self, peer: PeerId) -> bool:
        """Return whether there is a connection to a peer."""
        return bool(self._host.get_network().get_connections(peer_to_library(peer)))

    def connected(self) -> int:
        """Return how many peers are connected."""
        return len(self._host.get_connected_peers())

    def peers(self) -> list[ConnectedPeer]:
        """Return the connected peers, by PeerId."""
        shown = []
        by_peer: dict[ID, list[INetConn]] = self._host.get_network().get_connections_map()
        for peer, connections in by_peer.items():
            if not connections:
                continue
            took = self._keepalive.round_trips.get(peer)
            shown.append(
                ConnectedPeer(
                    peer=peer_from_library(peer),
                    addresses=tuple(
                        dict.fromkeys(
                            str(a) for c in connections for a in c.get_transport_addresses()
                        )
                    ),
                    inbound=getattr(connections[0], "direction", None) == Direction.INBOUND,
                    round_trip_ms=None if took is None else round(took * 1e3, 3),
                    score=self._board.score(str(peer)),
                )
            )
        return sorted(shown, key=lambda known: known.peer)

    def known(self) -> dict[PeerId, tuple[str, ...]]:
        """Return the connected peers with the addresses on which each says that it listens."""
        return {
            peer_from_library(peer): tuple(str(a) for a in self._host.store.addresses(peer))
            for peer in self._host.get_connected_peers()
        }

    def on_connected(self, hook: Hook) -> None:
        """Call this with each peer that is connected or will be, 30 s at most for each."""
        self._events.on_connected(hook)

    def on_disconnected(self, hook: Hook) -> None:
        """Call this with each peer whose last connection has ended."""
        self._events.on_disconnected(hook)

    def judge(self, peer: PeerId, score: float) -> None:
        """Set what the application thinks of a peer, in points of the gossip score."""
        self._board.set_application(str(peer_to_library(peer)), score)

    # Gossip.

    async def publish(self, topic: str, data: bytes) -> None:
        """Send signed data to everybody who listens to a topic.

        Raises:
            NetworkUsageError: it is too long.
        """
        await self._gossip.publish(topic, data)

    async def subscribe(self, topic: str, validate: Validate) -> trio.MemoryReceiveChannel[Heard]:
        """Listen to a topic: valid messages of others, as ``(peer, data)``.

        Raises:
            NetworkUsageError: this node listens to it already.
        """
        return await self._gossip.subscribe(topic, validate)

    async def unsubscribe(self, topic: str) -> None:
        """Stop listening to a topic."""
        await self._gossip.unsubscribe(topic)

    def listeners(self, topic: str) -> set[PeerId]:
        """Return the connected peers that listen to a topic."""
        return self._gossip.peers(topic)

    # Requests.

    async def request(
        self,
        peer: PeerId,
        protocol: str,
        data: bytes,
        timeout: float = 10.0,  # noqa: ASYNC109  (what callers want to say; it is trio.fail_after)
    ) -> bytes:
        """Ask a peer and return its answer, on a stream that is kept for the next request.

        Args:
            peer: whom; dialled when not connected and an address is known.
            protocol: ``/ainur/…``.
            data: the request.
            timeout: seconds, for all of it.

        Raises:
            RequestError: no answer; see :mod:`node.p2p.errors` for which.
            UnreachableError: it cannot be dialled.
        """
        return await self._requests.request(peer, protocol, data, timeout)

    def serve(self, protocol: str, handler: Handler, *, concurrent: int = 64) -> None:
        """Answer requests of a protocol from now on."""
        self._requests.serve(protocol, handler, concurrent=concurrent)

    def stop_serving(self, protocol: str) -> None:
        """Answer requests of a protocol no more."""
        self._requests.stop_serving(protocol)

    # DHT.

    async def provide(self, key: bytes) -> bool:
        """Say that we provide a key, until :meth:`unprovide`; return whether anybody heard it."""
        return await self._dht.provide(key)

    def unprovide(self, key: bytes) -> None:
        """Say it no more."""
        self._dht.unprovide(key)

    async def find_providers(self, key: bytes, limit: int = 100) -> list[Provider]:
        """Ask the network who provides a key; nothing vouches for the answer."""
        return await self._dht.find_providers(key, limit)

    async def find_peer(self, peer: PeerId) -> tuple[str, ...]:
        """Return addresses of a peer, asking the network when we know none."""
        return await self._dht.find_peer(peer)

    # The library's events.

    async def _on_identified(self, peer: ID) -> None:
        if self._host.store.has_peer(peer):
            self._pubsub.on_identified(peer, self._host.store.get_protocols(peer))
            await self._dht.add(peer)

    def _on_gone(self, peer: ID) -> None:
        self._dht.remove(peer)
        self._requests.forget(peer)
        self._bootstrap.wake()

    def _start(self, nursery: trio.Nursery) -> None:
        nursery.start_soon(self._events.run)
        nursery.start_soon(self._keepalive.run)
        nursery.start_soon(self._trimming.run)
        nursery.start_soon(self._requests.run)
        nursery.start_soon(self._dht.run)
        nursery.start_soon(self._reach.run)
        nursery.start_soon(self._bootstrap.run)
        nursery.start_soon(self._bootstrap.keep_store)
        if self.config.mdns:
            from node.p2p.mdns import Neighbours

            nursery.start_soon(Neighbours(self.multiaddrs, self._bootstrap.add).run)


@asynccontextmanager
async def open_network(config: NetworkConfig, seed: bytes) -> AsyncIterator[Network]:
    """Listen, and be a peer among peers until the block ends; then every socket is closed.

    Args:
        config: addresses and bounds.
        seed: 32 bytes; gives the PeerId.

    Raises:
        NetworkUsageError: an address is none, or the seed has another length.
        NetworkError: nobody can listen there.
    """
    require_free(config.listen)
    host = build_host(config, seed)
    network = Network(config, host)
    failed: Exception | None = None
    async with host.run([Multiaddr(a) for a in config.listen]):
        try:
            async with (
                background_trio_service(network._pubsub),  # noqa: SLF001  (opened here, and only here)
                background_trio_service(network._router),  # noqa: SLF001
                trio.open_nursery() as nursery,
            ):
                await network._pubsub.wait_until_ready()  # noqa: SLF001
                network._start(nursery)  # noqa: SLF001
                try:
                    _require_listening(host, config)
                    yield network
                except Exception as error:  # noqa: BLE001  (raised again below, outside of the nurseries' groups)
                    failed = error
                with trio.move_on_after(LAST_WRITE_SECONDS, shield=True):
                    await network._bootstrap.write()  # noqa: SLF001
                nursery.cancel_scope.cancel()
        finally:
            await host.close()
    if failed is not None:
        raise failed


def _require_listening(host: BoundedHost, config: NetworkConfig) -> None:
    """Refuse to go on where an address could not be bound, which the library only logs."""
    if len(host.get_transport_addrs()) < len(config.listen):
        raise NetworkError(f"cannot listen on all of {', '.join(config.listen)}: choose others")
