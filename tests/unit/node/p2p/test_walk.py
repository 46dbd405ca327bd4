"""The walk towards a key, over networks that are imagined, held to a look at everybody."""

import hashlib
import random

import trio
from libp2p.kad_dht.pb.kademlia_pb2 import Message
from libp2p.kad_dht.routing_table import RoutingTable
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo

from node.p2p.config import NetworkConfig
from node.p2p.hardening.kad import BoundedProviders
from node.p2p.hardening.walk import QUESTIONS, BoundedRouting
from node.p2p.hostbuild import build_host
from tests.support.networks import seed_of

KEY = b"\x12\x20" + bytes(32)
NEAREST, AT_A_TIME = 20, 10


def distance(peer: ID, to: bytes) -> int:
    places = (hashlib.sha256(each).digest() for each in (peer.to_bytes(), to))
    return int.from_bytes(next(places), "big") ^ int.from_bytes(next(places), "big")


def peers(count: int, seed: int) -> list[ID]:
    rng = random.Random(seed)
    return [ID(b"\x12\x20" + rng.randbytes(32)) for _ in range(count)]


class Imagined(BoundedRouting):
    """Asks peers that are not there: each knows some others, and names the nearest of those."""

    def __init__(self, knows: dict[ID, list[ID]], dead: frozenset[ID] = frozenset()) -> None:
        host = build_host(NetworkConfig(), seed_of("walker"))
        super().__init__(host, RoutingTable(host.get_id(), host))
        self.knows, self.dead = knows, dead
        self.asked: list[ID] = []
        self.underway = self.most = 0

    async def begin_with(self, known: list[ID]) -> None:
        for peer in known:
            await self.routing_table.add_peer(PeerInfo(peer, []))

    async def _ask(self, peer: ID, question: Message) -> Message | None:
        self.asked.append(peer)
        self.underway += 1
        self.most = max(self.most, self.underway)
        await trio.lowlevel.checkpoint()
        self.underway -= 1
        if peer in self.dead or peer not in self.knows:
            return None
        answer = Message(type=question.type)
        for other in sorted(self.knows[peer], key=lambda p: distance(p, question.key))[:NEAREST]:
            answer.closerPeers.add(id=other.to_bytes())
        return answer


def tables(everybody: list[ID]) -> dict[ID, list[ID]]:
    """Return whom each peer knows: twenty at each order of distance from itself, as Kademlia keeps them."""
    found: dict[ID, list[ID]] = {}
    for peer in everybody:
        buckets: dict[int, list[ID]] = {}
        for other in everybody:
            if other != peer:
                order = distance(other, peer.to_bytes()).bit_length()
                buckets.setdefault(order, []).append(other)
        found[peer] = [other for bucket in buckets.values() for other in bucket[:NEAREST]]
    return found


def nearest(everybody: list[ID], key: bytes = KEY) -> list[ID]:
    return sorted(everybody, key=lambda peer: distance(peer, key))[:NEAREST]


async def test_a_walk_ends_with_the_nearest_of_all_and_asks_few() -> None:
    everybody = peers(400, 1)
    routing = Imagined(tables(everybody))
    await routing.begin_with(everybody[:15])
    assert await routing.find_closest_peers_network(KEY) == nearest(everybody)
    assert len(set(routing.asked)) == len(routing.asked) <= QUESTIONS
    assert routing.most == AT_A_TIME


async def test_whoever_does_not_answer_is_not_among_the_nearest() -> None:
    everybody = peers(60, 2)
    dead = frozenset(random.Random(2).sample(everybody, 20))
    routing = Imagined(dict.fromkeys(everybody, everybody), dead)
    await routing.begin_with(everybody[:15])
    found = await routing.find_closest_peers_network(KEY)
    assert not dead & set(found)
    named = [peer for peer in nearest(everybody) if peer not in dead]
    assert found[: len(named)] == named


async def test_made_up_neighbours_of_a_key_neither_hide_who_is_there_nor_make_us_ask_for_ever() -> (
    None
):
    everybody = peers(25, 3)
    made_up = sorted(peers(20_000, 4), key=lambda peer: distance(peer, KEY))[:500]
    liar = everybody[0]
    knows = dict.fromkeys(everybody, everybody)

    class Lying(Imagined):
        def _named(self, answer: Message, by: ID) -> list[ID]:
            return made_up if by == liar else super()._named(answer, by)

    routing = Lying(knows)
    await routing.begin_with(everybody)
    own = routing.routing_table.find_local_closest_peers(KEY, AT_A_TIME)
    found = await routing.find_closest_peers_network(KEY)
    assert set(own) <= set(routing.asked[:AT_A_TIME]) & set(found)
    assert len(routing.asked) <= QUESTIONS


async def test_a_peer_that_names_hundreds_of_providers_leaves_room_for_what_others_name() -> None:
    host = build_host(NetworkConfig(), seed_of("asker"))
    honest, *sybils = peers(257, 5)

    class Told(BoundedRouting):
        async def walk(self, question: Message, *_: object, on_answer: object = None) -> list[ID]:
            for names in (sybils, [honest]):
                answer = Message(type=question.type)
                for name in names:
                    answer.providerPeers.add(id=name.to_bytes())
                on_answer(answer)  # type: ignore[operator]
            return []

    store = BoundedProviders(host, Told(host, RoutingTable(host.get_id(), host)))
    found = [each.peer_id for each in await store.find_providers(KEY, 20)]
    assert len(found) == len(set(found)) == 20
    assert honest in found


async def test_nobody_to_ask_is_no_error() -> None:
    routing = Imagined({})
    assert await routing.find_closest_peers_network(KEY) == []
