"""Kademlia under our own name, whose records expire and whose memory is bounded.

What stock does (``libp2p.kad_dht``):

- ``protocol_prefix=`` is ignored: every node joins the public IPFS network.
- Twenty providers a key are kept, first come, for 48 hours, and none can be withdrawn: twenty Sybils
  hide everybody else for two days.
- ``find_providers`` answers from that store without asking anybody, and repeats rows.
- Twelve streams that say nothing keep all others out; nothing bounds how long they may.
- Values up to 1 MB are kept for strangers, 50,000 of them.
"""

import random
import time
from typing import Final

import libp2p.kad_dht.common
import libp2p.kad_dht.kad_dht
import libp2p.kad_dht.peer_routing
import libp2p.kad_dht.provider_store
import libp2p.kad_dht.value_store
import trio
from libp2p.abc import IHost, INetStream
from libp2p.custom_types import TProtocol
from libp2p.kad_dht.common import ALPHA, BUCKET_SIZE
from libp2p.kad_dht.kad_dht import DHTMode, KadDHT
from libp2p.kad_dht.peer_routing import PeerRouting
from libp2p.kad_dht.provider_store import ProviderRecord, ProviderStore
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo
from libp2p.records.validator import NamespacedValidator

from node.p2p.hardening.admission import Admission
from node.p2p.hardening.faults import faults
from node.p2p.hardening.records import VerifiedOnce

__all__ = ["PROTOCOL", "BoundedKad", "BoundedProviders"]

PROTOCOL: Final = TProtocol("/ainur/kad/1.0.0")
QUERY_SECONDS: Final = 3
MESSAGE_BYTES: Final = 512 * 1024
"""Stock: 4 MB. An answer with all the providers that we tell has 100 kB."""
PROVIDERS_PER_KEY: Final = 256
PROVIDERS_TOLD: Final = 128
"""Of one key in one answer, drawn anew each time."""
KEYS: Final = 4_096
RECORD_SECONDS: Final = 30 * 60.0
"""A provider says it again each ten minutes; who does not is gone in half an hour."""
ADDRESSES_PER_PROVIDER: Final = 8
STREAMS_PER_PEER: Final = 4
STREAMS: Final = 64
STREAM_SECONDS: Final = 60.0


VERIFIED_ONCE: Final = VerifiedOnce()


def _name_protocol() -> None:
    """Set the constants that the library's modules have copied from each other."""
    for module in (
        libp2p.kad_dht.common,
        libp2p.kad_dht.kad_dht,
        libp2p.kad_dht.peer_routing,
        libp2p.kad_dht.provider_store,
        libp2p.kad_dht.value_store,
    ):
        names = vars(module)
        names["PROTOCOL_ID"] = PROTOCOL
        if "maybe_consume_signed_record" in names:
            names["maybe_consume_signed_record"] = VERIFIED_ONCE
        if "QUERY_TIMEOUT" in names:
            names["QUERY_TIMEOUT"] = QUERY_SECONDS
        if "MAX_DHT_MESSAGE_SIZE" in names:
            names["MAX_DHT_MESSAGE_SIZE"] = MESSAGE_BYTES


class BoundedProviders(ProviderStore):
    """Provider records of this node's part of the keys."""

    def __init__(self, host: IHost, peer_routing: PeerRouting) -> None:
        super().__init__(host, peer_routing)
        self._random = random.Random()  # noqa: S311  (a fair sample, no secret)

    def add_provider(self, key: bytes, provider: PeerInfo) -> None:
        """Keep a record; a full key gives up one at random, a full store its oldest key."""
        records = self.providers.get(key)
        if records is None:
            if len(self.providers) >= KEYS:
                self.cleanup_expired()
            if len(self.providers) >= KEYS:
                del self.providers[next(iter(self.providers))]
            records = self.providers[key] = {}
        name = str(provider.peer_id)
        if name not in records and len(records) >= PROVIDERS_PER_KEY:
            del records[self._random.choice(list(records))]
        short = PeerInfo(provider.peer_id, list(provider.addrs)[:ADDRESSES_PER_PROVIDER])
        records[name] = ProviderRecord(short, time.time())

    def get_providers(self, key: bytes) -> list[PeerInfo]:
        """Return a fair sample of a key's providers that have not expired."""
        now = time.time()
        fresh = [
            PeerInfo(record.peer_id, record.addresses)
            for record in self.providers.get(key, {}).values()
            if now - record.timestamp <= RECORD_SECONDS
        ]
        if len(fresh) <= PROVIDERS_TOLD:
            return fresh
        return self._random.sample(fresh, PROVIDERS_TOLD)

    def cleanup_expired(self) -> None:
        """Forget records that were not said again."""
        now = time.time()
        for key, records in list(self.providers.items()):
            for name, record in list(records.items()):
                if now - record.timestamp > RECORD_SECONDS:
                    del records[name]
            if not records:
                del self.providers[key]

    def withdraw(self, key: bytes) -> None:
        """Say no longer that we provide a key; what others know of it expires."""
        self.providing_keys.discard(key)
        self.providers.get(key, {}).pop(str(self.local_peer_id), None)

    async def find_providers(self, key: bytes, count: int = 20) -> list[PeerInfo]:
        """Ask the network who provides a key; each provider once, ours aside."""
        closest = await self.peer_routing.find_closest_peers_network(key)
        found: dict[ID, PeerInfo] = {}
        for own in self.get_providers(key):
            found[own.peer_id] = own
        limit = trio.CapacityLimiter(ALPHA)

        async def ask(peer: ID) -> None:
            async with limit:
                with trio.move_on_after(QUERY_SECONDS):
                    providers, _ = await self._get_providers_from_peer_with_closers(peer, key)
                    for provider in providers[:PROVIDERS_PER_KEY]:
                        known = found.get(provider.peer_id)
                        if known is None or not known.addrs:
                            found[provider.peer_id] = provider

        async with trio.open_nursery() as nursery:
            for peer in closest[:BUCKET_SIZE]:
                if peer != self.local_peer_id:
                    nursery.start_soon(ask, peer)
        found.pop(self.local_peer_id, None)
        return list(found.values())[:count]


class BoundedKad(KadDHT):
    """The DHT of a node."""

    provider_store: BoundedProviders

    def __init__(self, host: IHost, *, server: bool) -> None:
        _name_protocol()
        super().__init__(
            host,
            DHTMode.SERVER if server else DHTMode.CLIENT,
            validator=NamespacedValidator({}, strict_validation=True),  # we keep no values
            validator_changed=True,
            strict_validation=True,
        )
        self.provider_store = BoundedProviders(host, self.peer_routing)
        self._streams = Admission[ID](STREAMS_PER_PEER, STREAMS)

    async def handle_stream(self, stream: INetStream) -> None:
        """Answer a peer's questions, a minute long, some streams at a time."""
        peer = stream.muxed_conn.peer_id
        with self._streams.enter(peer) as admitted:
            if not admitted:
                faults.report("kad", peer, "too-many-streams", STREAMS_PER_PEER)
                await stream.reset()
                return
            with trio.move_on_after(STREAM_SECONDS) as scope:
                await self._do_handle_stream(stream)
            if scope.cancelled_caught:
                await stream.reset()
