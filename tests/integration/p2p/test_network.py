"""The network's interface, between nodes in one process and over real sockets."""

import gc
import os
import threading
from contextlib import AsyncExitStack

import psutil
import pytest
import trio
from libp2p.transport.quic.exceptions import QUICStreamError
from multiaddr import Multiaddr

from market.identity import PeerId
from node.p2p.addresses import peer_to_library
from node.p2p.config import Limits, NetworkConfig
from node.p2p.dht import capability_key
from node.p2p.errors import (
    NetworkError,
    NetworkUsageError,
    NotServedError,
    RequestError,
    RequestTimeoutError,
    UnreachableError,
)
from node.p2p.gossip import Heard, Verdict, presence_topic
from node.p2p.network import open_network
from tests.support.networks import eventually, networks, seed_of

pytestmark = pytest.mark.integration

TRANSPORTS = {
    "quic": ("/ip4/127.0.0.1/udp/0/quic-v1",),
    "websocket": ("/ip4/127.0.0.1/tcp/0/ws",),
    "all": ("/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/0/ws"),
}
ECHO = "/ainur/test/echo/1.0.0"
TOPIC = presence_topic(0)


def accept(peer: PeerId, data: bytes) -> Verdict:
    return Verdict.ACCEPT


async def echo(peer: PeerId, data: bytes) -> bytes:
    return data


async def test_a_peer_answers_requests_of_any_size_up_to_the_bound() -> None:
    async with networks(2) as (a, b):
        a.serve(ECHO, echo)
        for size in (0, 1, 127, 128, 70_000, 4 * 1024 * 1024):
            data = os.urandom(size)
            assert await b.request(a.peer_id, ECHO, data, timeout=60) == data
        with pytest.raises(NetworkUsageError, match="blob"):
            await b.request(a.peer_id, ECHO, bytes(4 * 1024 * 1024 + 1))


async def test_a_thousand_requests_at_once_are_all_answered_each_with_its_own_answer() -> None:
    async with networks(2) as (a, b):
        a.serve(ECHO, echo)
        answers: dict[int, bytes] = {}
        limit = trio.CapacityLimiter(48)

        async def ask(i: int) -> None:
            async with limit:
                answers[i] = await b.request(a.peer_id, ECHO, str(i).encode(), timeout=60)

        async with trio.open_nursery() as nursery:
            for i in range(1_000):
                nursery.start_soon(ask, i)
        assert answers == {i: str(i).encode() for i in range(1_000)}


async def test_a_refused_peer_is_cut_off_from_both_sides_and_comes_back_when_it_is_not() -> None:
    async with networks(3, star=False) as (a, b, c):
        for other in (b, c):
            await other.connect(a.multiaddrs[0])
        await a.refuse([b.peer_id])
        await eventually(lambda: not a.is_connected(b.peer_id) and not b.is_connected(a.peer_id))
        assert a.is_connected(c.peer_id)
        a.learn(b.peer_id, b.multiaddrs)
        with pytest.raises(UnreachableError, match="refused"):
            await a.connect_peer(b.peer_id)
        a.serve(ECHO, echo)
        # The library's dialler believes in a connection until the other end has closed it.
        with pytest.raises((UnreachableError, RequestError)):
            await b.request(a.peer_id, ECHO, b"", timeout=20)
        assert not a.is_connected(b.peer_id)
        await a.refuse([])
        assert await b.request(a.peer_id, ECHO, b"again", timeout=60) == b"again"


async def test_what_is_wrong_with_a_request_is_told_apart() -> None:
    async with networks(2) as (a, b):

        async def slow(peer: PeerId, data: bytes) -> bytes:
            await trio.sleep_forever()

        async def broken(peer: PeerId, data: bytes) -> bytes:
            raise ZeroDivisionError

        a.serve("/ainur/test/slow/1.0.0", slow)
        a.serve("/ainur/test/broken/1.0.0", broken)
        a.serve(ECHO, echo)
        with pytest.raises(RequestTimeoutError, match="no answer"):
            await b.request(a.peer_id, "/ainur/test/slow/1.0.0", b"", timeout=0.2)
        with pytest.raises(RequestError, match="broke off"):
            await b.request(a.peer_id, "/ainur/test/broken/1.0.0", b"", timeout=30)
        with pytest.raises(NotServedError, match="does not speak"):
            await b.request(a.peer_id, "/ainur/test/nothing/1.0.0", b"", timeout=30)
        stranger = (await _closed_peer())[0]
        with pytest.raises(UnreachableError, match="no address"):
            await b.request(stranger, ECHO, b"", timeout=30)
        assert await b.request(a.peer_id, ECHO, b"still there", timeout=30) == b"still there"


async def _closed_peer() -> tuple[PeerId, str]:
    async with open_network(NetworkConfig(), seed_of("gone")) as gone:
        return gone.peer_id, gone.multiaddrs[0]


async def test_dialling_a_dead_address_fails_and_a_live_one_of_the_same_peer_works_at_once() -> (
    None
):
    _, dead = await _closed_peer()
    async with networks(1) as (a,):
        with pytest.raises(UnreachableError, match="answered"):
            await a.connect(dead)
        async with open_network(NetworkConfig(), seed_of("gone")) as back:
            assert await a.connect(back.multiaddrs[0]) == back.peer_id
            assert [p.peer for p in a.peers()] == [back.peer_id]


async def test_another_peer_at_the_address_is_not_taken_for_the_one_that_was_meant() -> None:
    async with networks(2, star=False) as (a, b):
        gone, _ = await _closed_peer()
        wrong = b.multiaddrs[0].rsplit("/", 1)[0] + f"/{gone}"
        with pytest.raises(UnreachableError):
            await a.connect(wrong)
        assert not a.peers()


async def test_what_is_published_reaches_everybody_once_also_through_others() -> None:
    async with networks(4) as (hub, *rest):
        heard = [await n.subscribe(TOPIC, accept) for n in (hub, *rest)]
        await eventually(lambda: all(n.listeners(TOPIC) for n in (hub, *rest)))
        await eventually(lambda: len(hub.listeners(TOPIC)) == 3)
        await trio.sleep(1.5)  # a heartbeat fills the meshes
        for i in range(20):
            await rest[0].publish(TOPIC, b"%d" % i)
        for channel in (heard[0], *heard[2:]):
            with trio.fail_after(60):
                got = [await channel.receive() for _ in range(20)]
            assert sorted(got) == sorted(Heard(rest[0].peer_id, b"%d" % i) for i in range(20))
        for channel in heard:
            with pytest.raises(trio.WouldBlock):
                channel.receive_nowait()


async def test_rejected_messages_are_not_heard_not_passed_on_and_cost_their_forwarder() -> None:
    async with networks(3) as (hub, liar, other):
        judged: list[bytes] = []

        def refuse(peer: PeerId, data: bytes) -> Verdict:
            judged.append(data)
            return Verdict.REJECT if data.startswith(b"bad") else Verdict.ACCEPT

        def refuse_too(peer: PeerId, data: bytes) -> Verdict:
            return Verdict.REJECT if data.startswith(b"bad") else Verdict.ACCEPT

        channel = await hub.subscribe(TOPIC, refuse)
        await liar.subscribe(TOPIC, accept)
        beyond = await other.subscribe(TOPIC, refuse_too)
        await eventually(lambda: hub.peer_id in liar.listeners(TOPIC))
        await eventually(lambda: hub.peer_id in other.listeners(TOPIC))
        await trio.sleep(1.5)
        for i in range(11):
            await liar.publish(TOPIC, b"bad %d" % i)
        await eventually(lambda: len(judged) == 11)
        score = {p.peer: p.score for p in hub.peers()}
        assert score[liar.peer_id] < -1000
        assert score[other.peer_id] >= 0
        await liar.publish(TOPIC, b"good, too late")
        await other.publish(TOPIC, b"good")
        with trio.fail_after(60):
            assert await channel.receive() == Heard(other.peer_id, b"good")
        with pytest.raises(trio.WouldBlock):
            channel.receive_nowait()
        with pytest.raises(trio.WouldBlock):
            beyond.receive_nowait()


async def test_a_graylisted_peer_that_reconnects_stays_graylisted() -> None:
    async with networks(2) as (hub, liar):
        judged: list[bytes] = []

        def refuse(peer: PeerId, data: bytes) -> Verdict:
            judged.append(data)
            return Verdict.REJECT

        await hub.subscribe(TOPIC, refuse)
        await liar.subscribe(TOPIC, accept)
        await eventually(lambda: hub.peer_id in liar.listeners(TOPIC))
        await trio.sleep(1.5)
        for i in range(11):
            await liar.publish(TOPIC, b"%d" % i)
        await eventually(lambda: len(judged) == 11)
        await liar.disconnect(hub.peer_id)
        await eventually(lambda: not hub.peers())
        await liar.connect(hub.multiaddrs[0])
        await eventually(lambda: bool(hub.peers()))
        assert hub.peers()[0].score < -1000
        await eventually(lambda: hub.peer_id in liar.listeners(TOPIC))
        for i in range(5):
            await liar.publish(TOPIC, b"again %d" % i)
        await trio.sleep(2.0)
        assert len(judged) == 11


async def test_messages_after_a_quick_restart_are_not_taken_for_old_ones() -> None:
    async with networks(1) as (hub,):
        channel = await hub.subscribe(TOPIC, accept)
        for turn in range(3):
            async with open_network(NetworkConfig(), seed_of("restarting")) as node:
                await node.connect(hub.multiaddrs[0])
                await node.subscribe(TOPIC, accept)
                await eventually(lambda: hub.peer_id in node.listeners(TOPIC))
                await trio.sleep(1.5)
                for i in range(5):
                    await node.publish(TOPIC, b"%d %d" % (turn, i))
                with trio.fail_after(60):
                    got = {(await channel.receive()).data for _ in range(5)}
                assert got == {b"%d %d" % (turn, i) for i in range(5)}
            await eventually(lambda: not hub.peers())


async def test_a_provider_is_found_by_kademlia_and_not_after_it_has_withdrawn() -> None:
    async with networks(5) as (_, provider, *_, seeker):
        key = capability_key("text.summarize", 7, 0)
        await eventually(lambda: provider.provide(key))
        found = await seeker.find_providers(key)
        assert [p.peer for p in found] == [provider.peer_id]
        assert found[0].addresses
        assert await provider.find_providers(key) == []
        with pytest.raises(NetworkUsageError, match="multihash"):
            await seeker.find_providers(b"short")


async def test_a_validator_that_fails_costs_one_message_and_gossip_goes_on() -> None:
    def fails(peer: PeerId, data: bytes) -> Verdict:
        if data == b"crash":
            raise ZeroDivisionError
        return Verdict.ACCEPT

    async with networks(2) as (a, b):
        channel = await a.subscribe(TOPIC, fails)
        await b.subscribe(TOPIC, accept)
        await eventually(lambda: a.peer_id in b.listeners(TOPIC))
        await trio.sleep(1.5)
        for data in (b"crash", b"well"):
            await b.publish(TOPIC, data)
        with trio.fail_after(60):
            assert (await channel.receive()).data == b"well"
        assert a.peers()[0].score < 0


async def test_hooks_hear_of_peers_that_come_and_go_and_a_failing_hook_harms_nobody() -> None:
    async with networks(2, star=False) as (a, b):
        came: list[PeerId] = []
        went: list[PeerId] = []

        async def fail(peer: PeerId) -> None:
            raise ZeroDivisionError

        async def note(peer: PeerId) -> None:
            came.append(peer)

        async def note_gone(peer: PeerId) -> None:
            went.append(peer)

        a.on_connected(fail)
        a.on_connected(note)
        a.on_disconnected(note_gone)
        await b.connect(a.multiaddrs[0])
        await eventually(lambda: came == [b.peer_id])
        await b.disconnect(a.peer_id)
        await eventually(lambda: went == [b.peer_id])


async def test_a_hook_that_comes_late_hears_of_those_who_are_there() -> None:
    async with networks(2) as (a, b):
        await eventually(lambda: bool(a.peers()))
        await trio.sleep(0.5)
        came: list[PeerId] = []

        async def note(peer: PeerId) -> None:
            came.append(peer)

        a.on_connected(note)
        await eventually(lambda: came == [b.peer_id])


async def test_a_peer_with_many_slow_requests_does_not_keep_others_waiting() -> None:
    async with networks(3) as (a, greedy, modest):
        release = trio.Event()
        waiting: list[PeerId] = []

        async def slow(peer: PeerId, data: bytes) -> bytes:
            waiting.append(peer)
            if peer == greedy.peer_id:
                await release.wait()
            return b""

        a.serve(ECHO, slow, concurrent=8)
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(greedy.request, a.peer_id, ECHO, b"", 60.0)
            await eventually(lambda: len(waiting) == 2)
            assert await modest.request(a.peer_id, ECHO, b"", timeout=60) == b""
            release.set()
        assert waiting.count(greedy.peer_id) == 20


async def test_a_port_that_is_taken_and_a_wrong_seed_are_refused_in_words() -> None:
    async with networks(1) as (a,):
        port = a.multiaddrs[0].split("/")[4]
        taken = NetworkConfig(listen=(f"/ip4/127.0.0.1/tcp/{port}",))
        with pytest.raises(NetworkError, match="another port"):
            async with open_network(taken, seed_of("second")):
                pass
    with pytest.raises(NetworkUsageError, match="32 bytes"):
        async with open_network(NetworkConfig(), b"short"):
            pass
    with pytest.raises(NetworkUsageError, match="not a multiaddr"):
        async with open_network(NetworkConfig(listen=("here",)), seed_of(0)):
            pass


async def test_an_error_in_the_block_comes_out_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        async with open_network(NetworkConfig(), seed_of(0)):
            raise ZeroDivisionError


async def test_a_node_that_restarts_200_times_leaves_no_socket_task_thread_or_slot_behind() -> None:
    process = psutil.Process()
    quick = NetworkConfig(limits=Limits(keepalive_seconds=1.0))

    def held() -> tuple[int, int, int]:
        gc.collect()
        tasks = trio.lowlevel.current_statistics().tasks_living
        return process.num_fds(), tasks, threading.active_count()

    async with networks(3, quick) as (hub, *_):
        hub.serve(ECHO, echo)
        for turn in range(200):
            async with open_network(quick, seed_of("restarting")) as node:
                await node.connect(hub.multiaddrs[0])
                assert await node.request(hub.peer_id, ECHO, b"x", timeout=30) == b"x"
            if turn == 20:
                await eventually(lambda: len(hub.peers()) == 2)
                await trio.sleep(2.0)  # what the first ones left to be tidied is gone
                before, memory = held(), process.memory_info().rss
        await eventually(lambda: held() == before)
        assert process.memory_info().rss - memory < 64 * 2**20


async def test_a_connection_that_answers_no_ping_is_dropped_and_another_to_the_same_peer_stays() -> (
    None
):
    config = NetworkConfig(
        listen=TRANSPORTS["quic"], limits=Limits(keepalive_seconds=1.0), dht_server=False
    )
    async with networks(2, config) as (a, b):
        swarm, peer = b._host.get_network(), peer_to_library(a.peer_id)
        await eventually(lambda: len(swarm.get_connections(peer)) == 1)
        [live] = swarm.get_connections(peer)
        await swarm._dial_addr_single_attempt(Multiaddr(a.multiaddrs[0]), peer)
        [dead] = [c for c in swarm.get_connections(peer) if c is not live]

        async def no_stream() -> None:
            raise QUICStreamError("the peer went away without a word")

        dead.new_stream = no_stream  # type: ignore[assignment, method-assign]
        await eventually(lambda: dead.is_closed)
        pings = b._keepalive.round_trips
        pings.pop(peer, None)
        await eventually(lambda: peer in b._keepalive.round_trips)
        assert swarm.get_connections(peer) == [live]


async def test_above_the_high_watermark_the_least_useful_are_dropped_and_the_wanted_stay() -> None:
    limits = Limits(low_watermark=2, high_watermark=4, grace_seconds=0.5, keepalive_seconds=2.0)
    async with networks(1) as (wanted,):
        config = NetworkConfig(limits=limits, bootstrap=wanted.multiaddrs)
        async with open_network(config, seed_of("hub")) as hub, AsyncExitStack() as stack:
            await eventually(lambda: len(hub.peers()) == 1)
            liar = await stack.enter_async_context(open_network(NetworkConfig(), seed_of("liar")))
            await liar.connect(hub.multiaddrs[0])
            hub.judge(liar.peer_id, -50.0)
            for i in range(4):
                guest = open_network(NetworkConfig(), seed_of(("guest", i)))
                await (await stack.enter_async_context(guest)).connect(hub.multiaddrs[0])
            await eventually(lambda: len(hub.peers()) <= 4)
            kept = {p.peer for p in hub.peers()}
            assert wanted.peer_id in kept
            assert liar.peer_id not in kept


@pytest.mark.parametrize("name", TRANSPORTS)
async def test_other_transports_carry_requests_and_gossip_and_know_who_is_there(name: str) -> None:
    config = NetworkConfig(listen=TRANSPORTS[name])
    async with networks(1, config) as (a,):
        gone, _ = await _closed_peer()
        a.serve(ECHO, echo)
        heard = await a.subscribe(TOPIC, accept)
        for number, address in enumerate(a.multiaddrs):
            async with open_network(config, seed_of(("guest", number))) as b:
                with pytest.raises(UnreachableError):
                    await b.connect(f"{address.rsplit('/', 1)[0]}/{gone}")
                await b.connect(address)
                data = os.urandom(200_000)
                assert await b.request(a.peer_id, ECHO, data, timeout=60) == data
                await b.subscribe(TOPIC, accept)
                await eventually(lambda: a.peer_id in b.listeners(TOPIC))
                await trio.sleep(1.5)
                await b.publish(TOPIC, address.encode())
                with trio.fail_after(60):
                    assert await heard.receive() == Heard(b.peer_id, address.encode())
