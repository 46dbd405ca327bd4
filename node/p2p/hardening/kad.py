"""Kademlia under our own name, whose records expire and whose memory is bounded.

What stock does (``libp2p.kad_dht``):

- ``protocol_prefix=`` is ignored: every node joins the public IPFS network.
- Twenty providers a key are kept, first come, for 48 hours, and none can be withdrawn: twenty Sybils
  hide everybody else for two days.
- ``find_providers`` answers from that store without asking anybody, and repeats rows.
- An answer names twenty peers, each with a signed record of half a kilobyte.
- Twelve streams that say nothing keep all others out; nothing bounds how long they may.
- Values up to 1 MB are kept for strangers, 50,000 of them.
"""

import random
import time
from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Final

import libp2p.kad_dht.common
import libp2p.kad_dht.kad_dht
import libp2p.kad_dht.peer_routing
import libp2p.kad_dht.provider_store
import libp2p.kad_dht.value_store
import trio
from google.protobuf.message import DecodeError
from libp2p.abc import INetStream
from libp2p.kad_dht.kad_dht import DHTMode, KadDHT
from libp2p.kad_dht.pb.kademlia_pb2 import Message
from libp2p.kad_dht.provider_store import ProviderRecord, ProviderStore
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo
from libp2p.records.validator import NamespacedValidator

from node.p2p.framing import FrameError
from node.p2p.hardening.admission import Admission
from node.p2p.hardening.faults import faults
from node.p2p.hardening.host import BoundedHost
from node.p2p.hardening.kad_names import (
    ADDRESSES_PER_PEER,
    MESSAGE_BYTES,
    PROTOCOL,
    QUERY_SECONDS,
)
from node.p2p.hardening.question import tell
from node.p2p.hardening.records import VerifiedOnce
from node.p2p.hardening.walk import GONE, BoundedRouting, addresses_of

__all__ = ["PROTOCOL", "BoundedKad", "BoundedProviders"]

PROVIDERS_PER_KEY: Final = 256
PROVIDERS_TOLD: Final = 128
"""Of one key in one answer, drawn anew each time."""
KEYS: Final = 4_096
RECORD_SECONDS: Final = 30 * 60.0
"""A provider says it again each ten minutes; who does not is gone in half an hour."""
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

    def __init__(self, host: BoundedHost, routing: BoundedRouting) -> None:
        super().__init__(host, routing)
        self._host, self._routing = host, routing
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
        short = PeerInfo(provider.peer_id, list(provider.addrs)[:ADDRESSES_PER_PEER])
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
        """Ask the network who provides a key; each provider once, ours aside.

        Where there are more than asked for, each peer that answered is heard in turn: one that names
        hundreds leaves room for what all others name.
        """
        answers = [self._own_answer(key)]
        await self._routing.walk(
            Message(type=Message.GET_PROVIDERS, key=key),
            on_answer=lambda answer: answers.append(answer.providerPeers[:PROVIDERS_PER_KEY]),
        )
        found: dict[bytes, Message.Peer] = {}
        for told in chain.from_iterable(zip_longest(*answers)):
            if told is None or not told.id or told.id == self.local_peer_id.to_bytes():
                continue
            known = found.get(told.id)
            if (known is None and len(found) < count) or (known is not None and not known.addrs):
                found[told.id] = told
        return [PeerInfo(ID(peer), addresses_of(told)) for peer, told in found.items()]

    def _own_answer(self, key: bytes) -> Sequence[Message.Peer]:
        return [
            Message.Peer(id=each.peer_id.to_bytes(), addrs=[a.to_bytes() for a in each.addrs])
            for each in self.get_providers(key)
        ]

    async def _send_add_provider(self, peer_id: ID, key: bytes) -> bool:
        message = Message(type=Message.ADD_PROVIDER, key=key)
        message.providerPeers.add(
            id=self.local_peer_id.to_bytes(),
            addrs=[address.to_bytes() for address in self._host.get_addrs()],
        )
        try:
            await tell(self._host.swarm, peer_id, PROTOCOL, message)
        except (*GONE, FrameError, DecodeError):
            return False
        return True


class BoundedKad(KadDHT):
    """The DHT of a node."""

    provider_store: BoundedProviders

    def __init__(self, host: BoundedHost, *, server: bool) -> None:
        _name_protocol()
        super().__init__(
            host,
            DHTMode.SERVER if server else DHTMode.CLIENT,
            validator=NamespacedValidator({}, strict_validation=True),  # we keep no values
            validator_changed=True,
            strict_validation=True,
        )
        self._store = host.store
        self.peer_routing = routing = BoundedRouting(host, self.routing_table)
        self.provider_store = BoundedProviders(host, routing)
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

    def _add_closer_peers_to_response(
        self, response: Message, closest_peers: Sequence[ID], exclude_peer_id: ID | None = None
    ) -> None:
        """Name peers in an answer, without the signed records that only this library sends."""
        connected = set(self.host.get_connected_peers())
        for peer in closest_peers:
            if peer == exclude_peer_id:
                continue
            addresses = self._store.addresses(peer)[:ADDRESSES_PER_PEER]
            way = Message.CAN_CONNECT if addresses else Message.NOT_CONNECTED
            response.closerPeers.add(
                id=peer.to_bytes(),
                addrs=[address.to_bytes() for address in addresses],
                connection=Message.CONNECTED if peer in connected else way,
            )
