"""Each workaround beside the library as it comes: the first half of a test shows stock failing.

When an upgrade makes a first half fail, the library has mended that point and the workaround can go.
"""

import gc
import socket
import struct
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import libp2p.kad_dht.kad_dht
import libp2p.network.swarm
import pytest
import trio
import trio.lowlevel
from aioquic.quic.connection import QuicConnectionState
from google.protobuf.message import DecodeError
from libp2p import new_host
from libp2p.abc import ISecureConn
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.custom_types import TProtocol
from libp2p.host.exceptions import StreamFailure
from libp2p.kad_dht.kad_dht import DHTMode, KadDHT
from libp2p.kad_dht.pb.kademlia_pb2 import Message as Kad
from libp2p.kad_dht.provider_store import ProviderStore
from libp2p.network.exceptions import SwarmException
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo
from libp2p.peer.peerstore import create_signed_peer_record
from libp2p.protocol_muxer.exceptions import (
    MultiselectClientError,
    MultiselectCommunicatorError,
)
from libp2p.protocol_muxer.multiselect_communicator import MultiselectCommunicator
from libp2p.pubsub.gossipsub import GossipSub
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.pubsub import Pubsub
from libp2p.pubsub.score import PeerScorer, ScoreParams, TopicScoreParams
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.stream_muxer.exceptions import MuxedStreamReset
from libp2p.stream_muxer.yamux.yamux import Yamux
from libp2p.transport.quic.connection import QUICConnection
from libp2p.transport.tcp.tcp import TCP
from multiaddr import Multiaddr

import node.p2p.hardening.swarm
from node.p2p.config import Limits, NetworkConfig
from node.p2p.hardening import multistream, quic
from node.p2p.hardening.gossipsub import BoundedGossipSub
from node.p2p.hardening.kad import PROTOCOL, PROVIDERS_PER_KEY, BoundedKad, BoundedProviders
from node.p2p.hardening.pubsub import BoundedPubsub
from node.p2p.hardening.records import STOCK_CONSUME, VerifiedOnce
from node.p2p.hardening.walk import BoundedRouting
from node.p2p.hardening.yamux import BoundedYamux
from node.p2p.hostbuild import build_host
from node.p2p.network import open_network
from node.p2p.scoring import Scoreboard
from tests.support.networks import eventually, networks, seed_of

pytestmark = [
    pytest.mark.integration,
    # Stock leaves sockets open; whether they are collected while its test runs or in the next is chance.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]

LOOPBACK = Multiaddr("/ip4/127.0.0.1/tcp/0")
HEADER = struct.Struct("!BBHII")


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Collect what stock has left open here, so that no later test is blamed for it."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def stock_host(name: object) -> Any:
    return new_host(key_pair=create_new_key_pair(seed_of(name)))


def our_host(name: object) -> Any:
    return build_host(NetworkConfig(), seed_of(name))


def peer_of(name: object) -> ID:
    return ID.from_pubkey(create_new_key_pair(seed_of(name)).public_key)


class Wire(ISecureConn):
    """A connection to nobody: what is fed in is read, what is written is kept."""

    is_initiator = False

    def __init__(self) -> None:
        self._send, self._receive = trio.open_memory_channel[bytes](100_000)
        self._rest = b""
        self.written = bytearray()
        self.closed = False

    def feed(self, data: bytes) -> None:
        self._send.send_nowait(data)

    async def read(self, n: int | None = None) -> bytes:
        if not self._rest:
            self._rest = await self._receive.receive()
        taken, self._rest = self._rest[:n], self._rest[n:]
        return taken

    async def write(self, data: bytes) -> None:
        for i in range(0, len(data), 6):
            self.written += data[i : i + 6]
            await trio.lowlevel.checkpoint()

    async def close(self) -> None:
        self.closed = True
        self._send.close()

    def get_remote_address(self) -> tuple[str, int] | None:
        return None

    def get_transport_addresses(self) -> list[Multiaddr]:
        return []

    def get_connection_type(self) -> Any:
        return None

    get_local_peer = get_local_private_key = get_remote_peer = get_remote_public_key = (
        lambda _self: None  # type: ignore[assignment]
    )


async def muxed(kind: type, nursery: trio.Nursery) -> tuple[Any, Wire]:
    wire = Wire()
    conn = kind(wire, peer_of("other"))
    nursery.start_soon(conn.start)
    await conn.event_started.wait()
    return conn, wire


def test_stock_lets_anybody_claim_any_identity_and_ours_knows_noise_only() -> None:
    stock = stock_host(0).get_network().upgrader.security_multistream.transports
    assert "/plaintext/2.0.0" in stock
    ours = our_host(0).get_network().upgrader.security_multistream.transports
    assert set(ours) == {NOISE}


async def test_stock_dies_of_an_exception_in_a_stream_handler_and_ours_answers_on() -> None:
    async def fail(stream: object) -> None:
        raise ZeroDivisionError

    async def serve(host: Any, asker: Any) -> None:
        async with host.run([LOOPBACK]), asker.run([LOOPBACK]):
            host.set_stream_handler(TProtocol("/fail"), fail)
            host.set_stream_handler(TProtocol("/well"), lambda stream: stream.close())
            await asker.connect(PeerInfo(host.get_id(), host.get_transport_addrs()))
            await asker.new_stream(host.get_id(), [TProtocol("/fail")])
            await trio.sleep(1.0)
            await asker.new_stream(host.get_id(), [TProtocol("/well")])
            await asker.close()
            await host.close()

    with pytest.RaisesGroup(pytest.RaisesExc(ExceptionGroup), flatten_subgroups=False) as caught:
        await serve(stock_host(0), our_host(1))
    assert caught.value.split(ZeroDivisionError)[0] is not None
    await serve(our_host(0), our_host(1))


async def test_stock_waits_after_a_dial_that_has_succeeded_and_ours_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(libp2p.network.swarm, "_HAPPY_EYEBALLS_DELAY", 3_600.0)  # 0.25
    monkeypatch.setattr(node.p2p.hardening.swarm, "HEAD_START_SECONDS", 3_600.0)
    async with open_network(NetworkConfig(), seed_of(0)) as a:
        live = Multiaddr(a.multiaddrs[0])
        target = ID.from_base58(live.value_for_protocol("p2p"))
        for host, waits in ((stock_host(1), True), (our_host(2), False)):
            async with host.run([LOOPBACK]):
                host.get_peerstore().add_addrs(target, [live], 60)
                with trio.move_on_after(3.0 if waits else 60.0) as scope:
                    await host.get_network().dial_peer(target)
                assert scope.cancelled_caught is waits
                await host.close()


async def test_stock_dials_one_address_of_a_peer_and_blocks_it_and_ours_finds_the_live_one() -> (
    None
):
    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))
        nobody = Multiaddr(f"/ip4/127.0.0.1/tcp/{dead.getsockname()[1]}")
        async with open_network(NetworkConfig(), seed_of(0)) as a:
            live = Multiaddr(a.multiaddrs[0])
            target = ID.from_base58(live.value_for_protocol("p2p"))
            for host, reaches in ((stock_host(1), False), (our_host(2), True)):
                async with host.run([LOOPBACK]):
                    host.get_network().retry_config.max_retries = 0
                    host.get_peerstore().add_addrs(target, [nobody, live], 60)
                    if reaches:
                        assert await host.get_network().dial_peer(target)
                    else:
                        with pytest.raises(SwarmException):
                            await host.get_network().dial_peer(target)
                        with pytest.raises(SwarmException, match="negative cache"):
                            await host.get_network().dial_peer(target)
                    await host.close()


async def test_stock_holds_the_slot_of_a_connection_that_has_ended_and_ours_gives_it_back() -> None:
    for host, kept in ((stock_host(0), 5), (our_host(0), 0)):
        async with host.run([LOOPBACK]):
            address = host.get_transport_addrs()[0]
            for turn in range(5):
                async with open_network(NetworkConfig(), seed_of(("guest", turn))) as guest:
                    await guest.connect(f"{address}/p2p/{host.get_id()}")
            swarm = host.get_network()
            await eventually(lambda: not swarm.get_connections())  # noqa: B023
            held = swarm._inbound_limiter.borrowed_tokens if kept else len(swarm._handshakes)
            assert held == kept
            await host.close()


async def test_stock_lets_strangers_hold_the_door_and_ours_closes_it() -> None:
    limits = Limits(handshakes_per_address=4, handshake_seconds=20.0)
    ours = build_host(NetworkConfig(limits=limits), seed_of(0))
    for host, held in ((stock_host(0), 12), (ours, 4)):
        async with host.run([LOOPBACK]):
            port = int(host.get_transport_addrs()[0].value_for_protocol("tcp"))
            streams = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(12)]
            swarm = host.get_network()

            def inside() -> int:
                ours = hasattr(swarm, "_handshakes")  # noqa: B023
                return len(swarm._handshakes) if ours else swarm._inbound_limiter.borrowed_tokens  # noqa: B023

            await eventually(lambda: inside() == held)  # noqa: B023
            for stream in streams:
                await stream.aclose()
            await host.close()


async def test_stock_buffers_beyond_the_window_and_ours_ends_the_connection() -> None:
    body = bytes(60_000)
    frames = HEADER.pack(0, 1, 1, 1, 0) + (HEADER.pack(0, 0, 0, 1, len(body)) + body) * 50
    async with trio.open_nursery() as nursery:
        stock, wire = await muxed(Yamux, nursery)
        wire.feed(frames)
        await eventually(lambda: len(stock.stream_buffers.get(1, b"")) == 50 * len(body))
        assert len(stock.stream_buffers[1]) > 10 * 256 * 1024
        ours, wire = await muxed(BoundedYamux, nursery)
        stream_task = nursery.start_soon
        stream_task(ours.accept_stream)
        wire.feed(frames)
        await ours.event_closed.wait()
        assert ours.unread <= 256 * 1024
        nursery.cancel_scope.cancel()


async def test_stock_sends_a_window_update_for_each_byte_read_and_ours_for_half_a_window() -> None:
    body = bytes(1_000)
    frames = HEADER.pack(0, 1, 1, 1, 0) + HEADER.pack(0, 0, 0, 1, len(body)) + body
    updates = {}
    for kind in (Yamux, BoundedYamux):
        async with trio.open_nursery() as nursery:
            conn, wire = await muxed(kind, nursery)
            wire.feed(frames)
            stream = await conn.accept_stream()
            await eventually(lambda: bool(wire.written))  # noqa: B023
            before = len(wire.written)
            for _ in range(1_000):
                assert len(await stream.read(1)) == 1
            updates[kind] = (len(wire.written) - before) // HEADER.size
            nursery.cancel_scope.cancel()
    assert updates == {Yamux: 1_000, BoundedYamux: 0}


async def test_stock_leaves_half_a_frame_when_its_writer_is_cancelled_and_ours_never() -> None:
    whole = {}
    for kind in (Yamux, BoundedYamux):
        async with trio.open_nursery() as nursery:
            conn, wire = await muxed(kind, nursery)
            stream = await conn.open_stream()
            before = len(wire.written)
            with trio.CancelScope() as scope:

                async def cancel_soon() -> None:
                    while len(wire.written) == before:  # noqa: B023
                        await trio.lowlevel.checkpoint()
                    scope.cancel()

                nursery.start_soon(cancel_soon)
                await stream.write(bytes(600))
            written = len(wire.written) - before
            whole[kind] = written == HEADER.size + 600
            nursery.cancel_scope.cancel()
    assert whole == {Yamux: False, BoundedYamux: True}


async def test_ours_breaks_a_stream_off_when_the_connection_ends_and_frees_what_it_held() -> None:
    async with trio.open_nursery() as nursery:
        ours, wire = await muxed(BoundedYamux, nursery)
        wire.feed(HEADER.pack(0, 1, 1, 1, 0) + HEADER.pack(0, 0, 0, 1, 5) + b"hello")
        stream = await ours.accept_stream()
        await eventually(lambda: ours.unread == 5)
        await ours.close()
        with pytest.raises(MuxedStreamReset):
            await stream.read(5)
        assert (ours.unread, ours.streams) == (0, {})
        nursery.cancel_scope.cancel()


class Line:
    """Feeds a line of multistream-select, and counts what is asked for."""

    def __init__(self, data: bytes) -> None:
        self.data, self.asked = data, 0

    async def read(self, n: int | None = None) -> bytes:
        assert n is not None
        self.asked += n
        taken, self.data = self.data[:n], self.data[n:]
        return taken


async def test_stock_asks_a_stranger_for_gigabytes_and_stumbles_over_text_and_ours_does_not() -> (
    None
):
    ours = multistream._read
    for read, asks in ((multistream.STOCK_READ, 2**30), (ours, 1_024)):
        line = Line(b"\x80\x80\x80\x80\x04")
        with pytest.raises(MultiselectCommunicatorError):
            await read(MultiselectCommunicator(line))  # type: ignore[arg-type]
        assert (line.asked > 2**30 - 1) == (asks == 2**30)
    text = b"\x03\xff\xfe\n"
    with pytest.raises(UnicodeDecodeError):
        await multistream.STOCK_READ(MultiselectCommunicator(Line(text)))  # type: ignore[arg-type]
    with pytest.raises(Exception, match="no text"):
        await ours(MultiselectCommunicator(Line(text)))  # type: ignore[arg-type]


def test_stock_beats_every_two_minutes_and_ours_each_second() -> None:
    stock = GossipSub([TProtocol("/meshsub/1.1.0")], 6, 4, 12)
    assert stock.heartbeat_interval == 120
    assert stock.adaptive_gossip_enabled
    ours = BoundedGossipSub(Scoreboard(lambda: 0.0))
    assert (ours.heartbeat_interval, ours.adaptive_gossip_enabled) == (1, False)


async def test_stock_sends_the_grafts_of_one_peer_to_the_next_and_ours_to_each_its_own() -> None:
    a, b = peer_of("a"), peer_of("b")
    sent: dict[Any, dict[ID, list[str]]] = {}
    for kind, router in (
        ("stock", GossipSub([TProtocol("/meshsub/1.1.0")], 6, 4, 12)),
        ("ours", BoundedGossipSub(Scoreboard(lambda: 0.0))),
    ):
        told = sent[kind] = {}

        async def emit(control: rpc_pb2.ControlMessage, peer: ID, told: Any = told) -> None:
            told[peer] = [g.topicID for g in control.graft]

        router.emit_control_message = emit  # type: ignore[method-assign]
        await router._emit_control_msgs({a: ["x"], b: ["y"]}, {}, {})
    assert sent["stock"] == {a: ["x"], b: ["x", "y"]}
    assert sent["ours"] == {a: ["x"], b: ["y"]}


def test_stock_rewards_twenty_invalid_messages_and_forgets_them_and_ours_does_neither() -> None:
    peer = peer_of("liar")
    weight = TopicScoreParams(weight=-10.0, cap=100.0)
    stock = PeerScorer(ScoreParams(p4_invalid_messages=weight))
    ours = Scoreboard(lambda: 0.0)
    for _ in range(20):
        stock.on_invalid_message(peer, "t")
        ours.on_invalid(str(peer), "t")
    assert stock.score(peer, ["t"]) == +200.0
    assert ours.score(str(peer)) == -4000.0
    stock.remove_peer(peer)
    ours.on_disconnected(str(peer))
    assert stock.score(peer, ["t"]) == 0.0
    assert ours.score(str(peer)) == -4000.0


def test_stock_throttles_an_honest_forwarder_at_ten_a_second() -> None:
    stock = GossipSub([TProtocol("/meshsub/1.1.0")], 6, 4, 12)
    message = rpc_pb2.Message(topicIDs=["t"])
    passed = [stock._check_spam_protection(peer_of("a"), message) for _ in range(11)]
    assert passed == [True] * 10 + [False]
    assert Limits().gossip_per_second == 200


async def test_stock_begins_its_sequence_in_seconds_and_leaves_a_thread_behind() -> None:
    before = threading.active_count()
    stock = Pubsub(stock_host(0), GossipSub([TProtocol("/meshsub/1.1.0")], 6, 4, 12))
    assert stock.counter < 10**10
    assert threading.active_count() == before + 1
    stock.seen_messages.stop()
    router = BoundedGossipSub(Scoreboard(lambda: 0.0))
    ours = BoundedPubsub(our_host(0), router, message_bytes=1_000, per_second=10)
    assert ours.counter > 10**18
    assert threading.active_count() == before


async def test_stock_never_tries_a_stream_again_that_broke_and_ours_does_until_it_is_heard() -> (
    None
):
    gossip = TProtocol("/meshsub/1.1.0")
    for ours in (False, True):
        host = our_host(0) if ours else stock_host(0)
        tries: list[ID] = []

        async def broken(peer: ID, _protocols: Any, tries: list[ID] = tries) -> None:
            tries.append(peer)
            cause = MultiselectClientError(
                "handshake read failed: the peer went away"
                if len(tries) < 3
                else "protocols not supported: /meshsub/1.1.0"
            )
            raise StreamFailure("failed to open a stream") from cause

        host.new_stream = broken
        pubsub = (
            BoundedPubsub(
                host, BoundedGossipSub(Scoreboard(lambda: 0.0)), message_bytes=9, per_second=9
            )
            if ours
            else Pubsub(host, GossipSub([gossip], 6, 4, 12))
        )
        pubsub._peer_is_connected = lambda _peer: True  # type: ignore[method-assign]
        with trio.fail_after(60):
            await pubsub._handle_new_peer_with_retry(peer_of("b"))
        assert len(tries) == (3 if ours else 1)
        if not ours:
            pubsub.seen_messages.stop()


async def test_stock_keeps_a_quic_connection_that_its_peer_has_closed_and_ours_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = NetworkConfig(listen=("/ip4/127.0.0.1/udp/0/quic-v1",), dht_server=False)
    async with networks(2, config, star=False) as (a, b):
        for process, kept in ((quic.STOCK_PROCESS, True), (quic._process, False)):
            seen: set[bool] = set()
            ended = trio.Event()

            async def watch(
                conn: QUICConnection,
                process: Any = process,
                seen: set[bool] = seen,
                ended: trio.Event = ended,
            ) -> bool:
                any_seen: bool = await process(conn)
                if conn._quic._state is QuicConnectionState.DRAINING:
                    seen.add(not conn.is_closed)
                    ended.set()
                return any_seen

            monkeypatch.setattr(QUICConnection, "_process_quic_events_batched", watch)
            await b.connect(a.multiaddrs[0])
            await b.disconnect(a.peer_id)
            with trio.fail_after(60):
                await ended.wait()
            assert seen == {kept}


async def test_stock_dies_of_one_malformed_key_in_a_message_and_ours_counts_it() -> None:
    message = rpc_pb2.Message(
        data=b"x", topicIDs=["t"], from_id=b"\x01\x02", seqno=bytes(8), signature=b"s", key=b"\xff"
    )
    stock = Pubsub(stock_host(0), GossipSub([TProtocol("/meshsub/1.1.0")], 6, 4, 12))
    with pytest.raises(DecodeError):  # it leaves push_msg, which is a task of the service
        await stock.push_msg(peer_of("liar"), message)
    stock.seen_messages.stop()
    board = Scoreboard(lambda: 0.0)
    ours = BoundedPubsub(our_host(0), BoundedGossipSub(board), message_bytes=1_000, per_second=10)
    ours.set_topic("t", lambda _peer, _data: None, lambda _peer, _data: None)  # type: ignore[arg-type, return-value]
    await ours.push_msg(peer_of("liar"), message)
    assert board.score(str(peer_of("liar"))) == -10.0


def test_stock_ignores_the_name_of_our_dht_and_ours_is_another_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours = our_host(0)
    BoundedKad(ours, server=True)
    assert PROTOCOL in ours.get_mux().get_protocols()
    monkeypatch.setattr(libp2p.kad_dht.kad_dht, "PROTOCOL_ID", TProtocol("/ipfs/kad/1.0.0"))
    stock = stock_host(1)
    KadDHT(stock, DHTMode.SERVER, protocol_prefix=TProtocol("/ainur"))
    names = stock.get_mux().get_protocols()
    assert "/ipfs/kad/1.0.0" in names
    assert not [n for n in names if n is not None and n.startswith("/ainur")]


def test_twenty_sybils_fill_a_key_of_stock_for_two_days_and_ours_has_room_and_forgets() -> None:
    key, here = b"\x12\x20" + bytes(32), [Multiaddr("/ip4/10.0.0.1/tcp/1")]
    stock = ProviderStore(stock_host(0))
    kad = BoundedKad(our_host(0), server=True)
    for store, found in ((stock, False), (kad.provider_store, True)):
        for i in range(20):
            store.add_provider(key, PeerInfo(peer_of(("sybil", i)), here))
        store.add_provider(key, PeerInfo(peer_of("honest"), here))
        assert (peer_of("honest") in {p.peer_id for p in store.get_providers(key)}) is found
    for i in range(1_000):
        kad.provider_store.add_provider(key, PeerInfo(peer_of(("more", i)), here))
    assert kad.provider_store.size() == PROVIDERS_PER_KEY
    for record in kad.provider_store.providers[key].values():
        record.timestamp -= 31 * 60
    for record in stock.providers[key].values():
        record.timestamp -= 31 * 60
    assert len(stock.get_providers(key)) == 20
    assert kad.provider_store.get_providers(key) == []


def test_stock_verifies_a_record_each_time_and_ours_once_and_never_takes_a_false_one() -> None:
    host, keys = our_host(0), create_new_key_pair(seed_of("told"))
    record = create_signed_peer_record(
        ID.from_pubkey(keys.public_key), [Multiaddr("/ip4/10.0.0.1/tcp/1")], keys.private_key
    )
    calls: list[bool] = []

    def counted(*arguments: Any) -> bool:
        calls.append(STOCK_CONSUME(*arguments))
        return calls[-1]

    ours = VerifiedOnce(counted)
    true = Kad.Peer(id=peer_of("told").to_bytes(), signedRecord=record.marshal_envelope())
    false = Kad.Peer(id=peer_of("other").to_bytes(), signedRecord=record.marshal_envelope())
    assert [ours(true, host) for _ in range(3)] == [True] * 3
    assert calls == [True]
    assert [ours(false, host) for _ in range(3)] == [False] * 3
    assert calls == [True, False, False, False]
    assert host.store.addresses(peer_of("told"))
    assert ours(true, our_host(1))
    assert len(calls) == 5


async def test_stock_answers_who_provides_from_what_it_once_heard_and_asks_nobody() -> None:
    key = b"\x12\x20" + bytes(32)
    asked: list[bytes] = []

    class Routing:
        async def find_closest_peers_network(self, key: bytes) -> list[ID]:
            asked.append(key)
            return []

    class OurRouting(BoundedRouting):
        async def walk(self, question: Kad, *_: Any, **__: Any) -> list[ID]:
            asked.append(question.key)
            return []

    host = our_host(0)
    ours = OurRouting(host, BoundedKad(host, server=True).routing_table)
    for store, asks in (
        (ProviderStore(stock_host(0), Routing()), False),
        (BoundedProviders(host, ours), True),
    ):
        store.add_provider(key, PeerInfo(peer_of("old"), [Multiaddr("/ip4/10.0.0.1/tcp/1")]))
        asked.clear()
        await store.find_providers(key)
        assert bool(asked) is asks


async def test_stock_answers_a_question_that_comes_with_the_names_of_its_protocol() -> None:
    ours, stock = our_host(0), stock_host(1)
    kad = BoundedKad(ours, server=True)
    theirs = KadDHT(stock, DHTMode.SERVER)
    async with ours.run([LOOPBACK]), stock.run([LOOPBACK]):
        await ours.connect(PeerInfo(stock.get_id(), stock.get_addrs()))
        key = b"\x12\x20" + bytes(32)
        theirs.provider_store.add_provider(key, PeerInfo(peer_of("provider"), [LOOPBACK]))
        await kad.routing_table.add_peer(PeerInfo(stock.get_id(), stock.get_addrs()))
        [found] = await kad.provider_store.find_providers(key)
        assert (found.peer_id, found.addrs) == (peer_of("provider"), [LOOPBACK])
        assert await kad.provider_store.provide(b"\x12\x20" + b"1" * 32)
        await eventually(lambda: bool(theirs.provider_store.get_providers(b"\x12\x20" + b"1" * 32)))
        await stock.close()
        await ours.close()


async def nobody(stream: object) -> None:
    return


async def test_stock_lets_two_nodes_listen_on_one_port() -> None:
    first, second = (TCP().create_listener(nobody) for _ in range(2))
    await first.listen(LOOPBACK)
    await second.listen(first.get_addrs()[0])
    assert first.get_addrs() == second.get_addrs()
    await first.close()
    await second.close()
