"""The walk towards a key: the nearest peers are asked, they name nearer ones, until the nearest have answered.

What stock does (``libp2p.kad_dht.peer_routing``): asks in rounds, each as slow as its slowest peer; ends
with peers among the nearest that nobody has asked; takes everybody who is named into the routing
table unasked; and to find providers walks first and then asks each again.

Here ten questions are under way at any time, and a question is the one that matters: who provides the key,
whose answer names nearer peers as well. The first ten go to the nearest of our own table, before
anybody has answered, so that nobody's made-up neighbours of the key keep us from asking those.

Source: Maymounkov, Mazières, "Kademlia", IPTPS 2002, section 2.3; libp2p specification, "kad-dht".
"""

import hashlib
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final

import trio
from google.protobuf.message import DecodeError
from libp2p.io.exceptions import IOException
from libp2p.kad_dht.common import ALPHA, BUCKET_SIZE
from libp2p.kad_dht.pb.kademlia_pb2 import Message
from libp2p.kad_dht.peer_routing import PeerRouting
from libp2p.kad_dht.routing_table import RoutingTable
from libp2p.network.exceptions import SwarmException
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo
from libp2p.stream_muxer.exceptions import MuxedStreamError
from multiaddr import Multiaddr

from node.p2p.framing import FrameError
from node.p2p.hardening.faults import faults
from node.p2p.hardening.host import BoundedHost
from node.p2p.hardening.kad_names import ADDRESSES_PER_PEER, MESSAGE_BYTES, PROTOCOL, QUERY_SECONDS
from node.p2p.hardening.question import ask

__all__ = ["BoundedRouting", "addresses_of"]

QUESTIONS: Final = 64
"""Of one walk: three times what is needed, however many peers are made up for it."""
ADDRESS_SECONDS: Final = 3_600
GONE: Final = (SwarmException, IOException, MuxedStreamError)


class _Walk:
    """Whom a walk knows, by distance, and what became of each."""

    def __init__(self, key: bytes, own: ID) -> None:
        self._target = int.from_bytes(hashlib.sha256(key).digest(), "big")
        self._known = {own}
        self._ranked: list[tuple[int, ID]] = []
        self.asked: set[ID] = set()
        self.failed: set[ID] = set()
        self.answered: set[ID] = set()

    def meet(self, peers: Iterable[ID]) -> None:
        """Take in peers that were named."""
        new = {peer for peer in peers if peer not in self._known}
        self._known |= new
        for peer in new:
            place = int.from_bytes(hashlib.sha256(peer.to_bytes()).digest(), "big")
            self._ranked.append((place ^ self._target, peer))
        if new:
            self._ranked.sort(key=lambda each: each[0])

    def next(self, count: int) -> ID | None:
        """Return whom to ask now: somebody among the nearest that have not failed."""
        if len(self.asked) >= QUESTIONS:
            return None
        nearest = (peer for _, peer in self._ranked if peer not in self.failed)
        return next((p for p in islice(nearest, count) if p not in self.asked), None)

    def end(self, count: int) -> list[ID]:
        """Return the nearest that have answered."""
        return [peer for _, peer in self._ranked if peer in self.answered][:count]


class BoundedRouting(PeerRouting):
    """Finds the peers that are nearest to a key."""

    host: BoundedHost

    def __init__(self, host: BoundedHost, routing_table: RoutingTable) -> None:
        super().__init__(host, routing_table)
        self._own = host.get_id()

    async def find_closest_peers_network(
        self, target_key: bytes, count: int = BUCKET_SIZE
    ) -> list[ID]:
        """Return the peers nearest to a key of those that answer, nearest first."""
        return await self.walk(Message(type=Message.FIND_NODE, key=target_key), count)

    async def walk(
        self,
        question: Message,
        count: int = BUCKET_SIZE,
        on_answer: Callable[[Message], None] = lambda _answer: None,
    ) -> list[ID]:
        """Ask the peers nearest to a key until the nearest have answered; return those, nearest first.

        Args:
            question: with the key; answers name nearer peers.
            count: how many of the nearest have to answer.
            on_answer: called with each answer.
        """
        walk = _Walk(question.key, self._own)
        walk.meet(self._begin_with(question.key, count))
        underway = 0
        changed = trio.Event()

        async def put(peer: ID) -> None:
            nonlocal underway
            answer = await self._ask(peer, question)
            underway -= 1
            if answer is None:
                walk.failed.add(peer)
            else:
                walk.answered.add(peer)
                walk.meet(self._named(answer, peer))
                on_answer(answer)
            changed.set()

        async with trio.open_nursery() as nursery:
            while True:
                changed = trio.Event()
                while underway < ALPHA and (peer := walk.next(count)) is not None:
                    walk.asked.add(peer)
                    underway += 1
                    nursery.start_soon(put, peer)
                if not underway:
                    break
                await changed.wait()
        return walk.end(count)

    def _begin_with(self, key: bytes, count: int) -> list[ID]:
        known = self.routing_table.find_local_closest_peers(key, count)
        # A node that has just started has a connection and no table yet.
        return known if len(known) >= ALPHA else [*known, *self.host.get_connected_peers()]

    async def _ask(self, peer: ID, question: Message) -> Message | None:
        answer: Message | None = None
        try:
            with trio.move_on_after(QUERY_SECONDS):
                answer = await ask(self.host.swarm, peer, PROTOCOL, question, MESSAGE_BYTES)
                if addresses := self.host.store.addresses(peer):
                    # In a bucket that is full it pings the oldest peer first.
                    await self.routing_table.add_peer(PeerInfo(peer, addresses))
        except GONE:
            answer = None
        except (FrameError, DecodeError) as error:
            faults.report("kad", peer, "malformed-answer", error)
            answer = None
        if answer is None:
            self.routing_table.remove_peer(peer)
        return answer

    def _named(self, answer: Message, by: ID) -> list[ID]:
        """Return whom an answer names, and keep where they are where that is news."""
        named = []
        for told in answer.closerPeers[:BUCKET_SIZE]:
            peer = ID(told.id)
            if not told.id or peer in (self._own, by):
                continue
            if not self.host.store.addresses(peer) and (addresses := addresses_of(told)):
                self.host.store.add_addrs(peer, addresses, ADDRESS_SECONDS)
            named.append(peer)
        return named


def addresses_of(told: Message.Peer) -> list[Multiaddr]:
    """Return the addresses of a peer that an answer names, without those that are none."""
    parsed = map(_parsed, told.addrs[:ADDRESSES_PER_PEER])
    return [address for address in parsed if address is not None]


def _parsed(address: bytes) -> Multiaddr | None:
    try:
        return Multiaddr(address)
    except Exception:  # noqa: BLE001  (a stranger's bytes, in a dozen codecs)
        return None
