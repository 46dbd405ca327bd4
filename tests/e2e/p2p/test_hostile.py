"""Hostile input at every layer, against ``ainur node run`` as a user starts it, over real sockets.

After each attack the node still answers an honest peer, has not grown, and has said in one line of
its log what was wrong. The attacker comes from another loopback address than the honest peer, and
whoever has no name yet from one of its own: the same fault of the same peer is told once in ten seconds.
"""

import os
import random
import re
from collections.abc import Awaitable, Callable, Iterator

import psutil
import pytest
import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as create_noise_key_pair
from libp2p.identity.identify.pb.identify_pb2 import Identify
from libp2p.io.exceptions import IOException
from libp2p.io.trio import TrioTCPStream
from libp2p.kad_dht.pb.kademlia_pb2 import Message as Kad
from libp2p.network.connection.exceptions import RawConnError
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.peer.id import ID
from libp2p.peer.peerstore import create_signed_peer_record
from libp2p.pubsub.pb import rpc_pb2
from libp2p.security.noise.messages import NoiseHandshakePayload, make_handshake_payload_sig
from libp2p.security.noise.patterns import PatternXX
from multiaddr import Multiaddr

from market.envelope import seal
from market.hashing import audience_of_topic
from market.identity import Identity
from market.units import BlockNumber
from node.directory.wire import PROTOCOL as DIRECTORY
from node.directory.wire import AskDigests, Digests, decode_answer_untrusted, encode
from node.p2p.config import NetworkConfig
from node.p2p.framing import frame
from node.p2p.gossip import Verdict, presence_topic
from node.p2p.network import open_network
from node.process.heads import ClockHead
from tests.support.announced import announcement
from tests.support.hostile import (
    ACK,
    DATA,
    GO_AWAY,
    HEADER,
    PING,
    SYN,
    WINDOW,
    Attacker,
    attack,
    dial_raw,
    line,
)
from tests.support.networks import eventually, seed_of
from tests.support.node_processes import NodeProcess

pytestmark = pytest.mark.e2e

TOPIC = presence_topic(0)
GROWTH_BYTES = 64 * 2**20
GONE = (IOException, RawConnError, OSError, trio.BrokenResourceError, trio.ClosedResourceError)
"""What an attacker meets when the node has hung up."""

HELLO = line("/multistream/1.0.0")
KAD = "/ainur/kad/1.0.0"
MESH = "/meshsub/1.1.0"
PUSH = "/ipfs/id/push/1.0.0"


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    node = NodeProcess(tmp_path_factory.mktemp("hostile") / "node", "--announce", "test.target")
    yield node
    node.kill()


# Before anybody is anybody: bytes on a socket.

Raw = Callable[[trio.SocketStream], Awaitable[None]]
RAW: dict[str, tuple[str, Raw]] = {}


def raw(expected: str) -> Callable[[Raw], Raw]:
    def keep(attack_: Raw) -> Raw:
        RAW[attack_.__name__] = (expected, attack_)
        return attack_

    return keep


async def hang_on(stream: trio.SocketStream, seconds: float = 10.0) -> None:
    with trio.move_on_after(seconds):
        while await stream.receive_some(4096):
            pass


@raw("layer=handshake .*(slow|failed)")
async def random_bytes(stream: trio.SocketStream) -> None:
    await stream.send_all(random.Random(1).randbytes(4096))
    await hang_on(stream)


@raw("layer=handshake .*slow")
async def silence(stream: trio.SocketStream) -> None:
    await hang_on(stream)


@raw("layer=handshake .*slow")
async def one_byte_now_and_then(stream: trio.SocketStream) -> None:
    for byte in HELLO:
        await stream.send_all(bytes([byte]))
        await trio.sleep(0.3)


@raw("layer=handshake .*failed")
async def half_a_line_and_gone(stream: trio.SocketStream) -> None:
    await stream.send_all(HELLO[:7])


@raw("layer=handshake .*failed")
async def a_line_of_two_gigabytes(stream: trio.SocketStream) -> None:
    await stream.send_all(b"\xff\xff\xff\xff\x07")
    for _ in range(2_000):
        await stream.send_all(bytes(65_536))


@raw("layer=handshake .*failed")
async def another_version_of_multistream(stream: trio.SocketStream) -> None:
    await stream.send_all(line("/multistream/9.9.9"))
    await hang_on(stream)


@raw("layer=handshake .*(slow|failed)")
async def a_web_browser(stream: trio.SocketStream) -> None:
    await stream.send_all(b"GET / HTTP/1.1\r\nHost: node\r\n\r\n")
    await hang_on(stream)


@raw("layer=handshake .*failed")
async def a_protocol_name_that_is_no_text(stream: trio.SocketStream) -> None:
    await stream.send_all(HELLO + line(b"\xff\xfe\x00\x80"))
    await hang_on(stream)


@raw("layer=handshake .*slow")
async def plaintext_in_which_anybody_is_anybody(stream: trio.SocketStream) -> None:
    await stream.send_all(HELLO + line("/plaintext/2.0.0") + line("/secio/1.0.0"))
    answer = b""
    with trio.move_on_after(1.0):
        while answer.count(b"na\n") < 2:
            answer += await stream.receive_some(4096)
    assert answer.count(b"na\n") == 2
    await hang_on(stream)


@raw("layer=handshake .*(slow|failed)")
async def unknown_protocols_without_end(stream: trio.SocketStream) -> None:
    await stream.send_all(HELLO)
    with trio.move_on_after(6.0):
        while True:
            await stream.send_all(line("/nothing/1.0.0") * 50)
            await stream.receive_some(65536)


@raw("layer=handshake .*failed")
async def noise_that_is_noise(stream: trio.SocketStream) -> None:
    await stream.send_all(HELLO + line("/noise") + b"\x00\x10" + bytes(16))
    await hang_on(stream)


@raw("layer=handshake .*failed")
async def noise_whose_third_message_is_not_for_us(stream: trio.SocketStream) -> None:
    key = create_noise_key_pair().public_key.to_bytes()
    await stream.send_all(HELLO + line("/noise") + b"\x00\x20" + key)
    await trio.sleep(0.2)
    await stream.send_all(b"\x00\x60" + bytes(96))
    await hang_on(stream)


@raw("layer=handshake .*(slow|failed)")
async def noise_that_stops_after_its_first_message(stream: trio.SocketStream) -> None:
    key = create_noise_key_pair().public_key.to_bytes()
    await stream.send_all(HELLO + line("/noise") + b"\x00\x20" + key)
    await hang_on(stream)


class Liar(PatternXX):
    """Claims the identity of another, whose key it does not have."""

    victim = create_new_key_pair(seed_of("victim")).public_key

    def make_handshake_payload(self, extensions: object = None) -> NoiseHandshakePayload:
        key = self._validate_noise_static_key()
        return NoiseHandshakePayload(
            self.victim, make_handshake_payload_sig(self.libp2p_privkey, key)
        )


@raw("layer=handshake .*failed")
async def somebody_who_claims_to_be_another_peer(stream: trio.SocketStream) -> None:
    keys = create_new_key_pair(seed_of("liar"))
    noise = create_noise_key_pair().private_key
    pattern = Liar(ID.from_pubkey(keys.public_key), keys.private_key, noise)
    await stream.send_all(HELLO + line("/noise"))
    for _ in range(2):
        await read_line(stream)
    await pattern.handshake_outbound(RawConnection(TrioTCPStream(stream), True), None)
    await hang_on(stream)


async def read_line(stream: trio.SocketStream) -> bytes:
    size = (await stream.receive_some(1))[0]
    data = b""
    while len(data) < size:
        data += await stream.receive_some(size - len(data))
    return data


# A peer with a name: frames on a connection.

Peer = Callable[[Attacker], Awaitable[None]]
PEER: dict[str, tuple[str | None, Peer]] = {}


def peer(expected: str | None) -> Callable[[Peer], Peer]:
    def keep(attack_: Peer) -> Peer:
        PEER[attack_.__name__] = (expected, attack_)
        return attack_

    return keep


@peer("layer=yamux .*protocol-violation")
async def rubbish_instead_of_ciphertext(a: Attacker) -> None:
    below = a.conn.conn.read_writer  # type: ignore[attr-defined]
    await below.write_msg(os.urandom(200))
    await a.drain(5)


@peer("layer=yamux .*type 9")
async def a_frame_of_no_known_type(a: Attacker) -> None:
    await a.frame(9, 0, 1, 0)
    await a.drain(5)


@peer("layer=yamux .*version 7")
async def a_frame_of_another_version(a: Attacker) -> None:
    await a.conn.write(b"\x07" + bytes(11))
    await a.drain(5)


@peer("layer=yamux .*a frame of")
async def a_frame_of_four_gigabytes(a: Attacker) -> None:
    stream = await a.open()
    await a.frame(DATA, 0, stream, 2**32 - 1, bytes(100))
    await a.drain(5)


@peer("layer=yamux .*window is")
async def more_than_the_window(a: Attacker) -> None:
    stream = await a.open(MESH)
    # The node reads empty messages slower and slower; the window is not given back meanwhile.
    for _ in range(20):
        await a.send(stream, bytes(65_000))
    await a.drain(1)


@peer("layer=/ainur/directory/1.0.0 .*may be held")
async def four_megabytes_on_every_stream(a: Attacker) -> None:
    opened = [await a.open(DIRECTORY) for _ in range(60)]
    for stream in opened:
        await a.send(stream, frame(bytes(4 * 2**20))[:250_000])
    await a.drain(1)


@peer("layer=yamux .*(ours to open|again)")
async def a_stream_with_the_number_of_ours(a: Attacker) -> None:
    await a.frame(WINDOW, SYN, 2, 0)
    await a.drain(5)


@peer("layer=yamux .*again")
async def a_stream_opened_twice(a: Attacker) -> None:
    await a.frame(WINDOW, SYN, 1, 0)
    await a.frame(WINDOW, SYN, 1, 0)
    await a.drain(5)


@peer("layer=(yamux|streams) .*(flood of new streams|too-many-streams)")
async def streams_without_end(a: Attacker) -> None:
    for _ in range(3_000):
        await a.open()
    await trio.sleep(1)


@peer("layer=streams .*too-many-streams")
async def a_hundred_streams_that_say_nothing(a: Attacker) -> None:
    for _ in range(100):
        await a.open()
    await a.drain(1)


@peer("layer=yamux .*flood of pings")
async def pings_without_end(a: Attacker) -> None:
    for i in range(2_000):
        await a.frame(PING, SYN, 0, i)


@peer("layer=yamux .*32 bits")
async def a_window_beyond_measure(a: Attacker) -> None:
    stream = await a.open()
    for _ in range(3):
        await a.frame(WINDOW, 0, stream, 2**32 - 1)
    await a.drain(5)


@peer("layer=yamux .*rest of a frame|layer=keepalive .*silent")
async def half_a_frame_and_then_nothing(a: Attacker) -> None:
    stream = await a.open()
    await a.frame(DATA, 0, stream, 1_000, bytes(10))
    await a.drain(15)


@peer(None)
async def data_on_streams_that_are_not_there(a: Attacker) -> None:
    for stream in range(1, 2_000, 2):
        await a.send(stream, b"x", flags=ACK)
    await a.drain(1)


@peer(None)
async def a_farewell_and_then_more(a: Attacker) -> None:
    await a.frame(GO_AWAY, 0, 0, 0)
    await a.send(await a.open(DIRECTORY), frame(encode(AskDigests())))
    await a.drain(2)


@peer("layer=multistream .*no-protocol|layer=multistream .*handler-failed")
async def a_stream_whose_protocol_is_no_text(a: Attacker) -> None:
    stream = await a.open()
    await a.send(stream, HELLO + line(b"\xff\xfe\x00\x80"))
    await a.drain(2)


@peer("layer=multistream .*no-protocol")
async def a_stream_that_never_names_a_protocol(a: Attacker) -> None:
    await a.open()
    await a.drain(7)


# Identify.


@peer("layer=identity")
async def a_push_of_rubbish(a: Attacker) -> None:
    await a.send(await a.open(PUSH), frame(b"\xff" * 500))
    await a.drain(1)


@peer("layer=identity")
async def a_push_of_ten_thousand_addresses(a: Attacker) -> None:
    told = Identify(
        listen_addrs=[Multiaddr(f"/ip4/10.0.0.1/tcp/{i + 1}").to_bytes() for i in range(10_000)]
    )
    told.protocols.extend(f"/p/{i}" for i in range(10_000))
    stream = await a.open(PUSH)
    data = frame(told.SerializeToString())
    for i in range(0, len(data), 60_000):
        await a.send(stream, data[i : i + 60_000])
    await a.drain(2)


@peer("layer=identity")
async def a_push_in_the_name_of_another(a: Attacker) -> None:
    victim = create_new_key_pair(seed_of("victim"))
    record = create_signed_peer_record(
        ID.from_pubkey(victim.public_key), [Multiaddr("/ip4/10.0.0.1/tcp/1")], victim.private_key
    )
    told = Identify(
        public_key=victim.public_key.serialize(), signedPeerRecord=record.marshal_envelope()
    )
    await a.send(await a.open(PUSH), frame(told.SerializeToString()))
    await a.drain(1)


# Kademlia.


@peer("layer=kad")
async def a_question_that_is_rubbish(a: Attacker) -> None:
    await a.send(await a.open(KAD), frame(b"\xff" * 300))
    await a.drain(1)


@peer("layer=kad")
async def a_question_of_a_gigabyte(a: Attacker) -> None:
    await a.send(await a.open(KAD), b"\x80\x80\x80\x80\x04" + bytes(1000))
    await a.drain(1)


@peer("layer=kad")
async def a_question_for_nothing(a: Attacker) -> None:
    await a.send(await a.open(KAD), frame(Kad(type=Kad.FIND_NODE).SerializeToString()))
    await a.drain(1)


@peer("layer=kad")
async def a_value_to_keep(a: Attacker) -> None:
    message = Kad(type=Kad.PUT_VALUE, key=b"/pk/x")
    message.record.key, message.record.value = b"/pk/x", bytes(50_000)
    await a.send(await a.open(KAD), frame(message.SerializeToString()))
    await a.drain(1)


@peer("layer=kad")
async def a_provider_record_in_the_name_of_another(a: Attacker) -> None:
    message = Kad(type=Kad.ADD_PROVIDER, key=b"\x12\x20" + bytes(32))
    other = message.providerPeers.add()
    other.id = ID.from_pubkey(create_new_key_pair(seed_of("victim")).public_key).to_bytes()
    other.addrs.append(Multiaddr("/ip4/10.0.0.1/tcp/1").to_bytes())
    await a.send(await a.open(KAD), frame(message.SerializeToString()))
    await a.drain(1)


@peer("layer=kad .*too-many-streams")
async def questions_that_are_never_asked(a: Attacker) -> None:
    for _ in range(20):
        await a.open(KAD)
    await a.drain(1)


# Gossip.


async def gossip(a: Attacker, rpc: rpc_pb2.RPC) -> None:
    stream, data = await a.open(MESH), frame(rpc.SerializeToString())
    for i in range(0, len(data), 60_000):
        await a.send(stream, data[i : i + 60_000])
    await a.drain(1)


def message(a: Attacker, data: bytes = b"x", **fields: object) -> rpc_pb2.Message:
    made = rpc_pb2.Message(
        data=data, topicIDs=[TOPIC], from_id=a.peer.to_bytes(), seqno=os.urandom(8)
    )
    for name, value in fields.items():
        if name == "topicIDs":
            del made.topicIDs[:]
            made.topicIDs.extend(value)  # type: ignore[arg-type]
        else:
            setattr(made, name, value)
    made.signature = a.keys.private_key.sign(b"libp2p-pubsub:" + made.SerializeToString())
    made.key = a.keys.public_key.serialize()
    return made


@peer("layer=gossip .*malformed")
async def an_rpc_of_rubbish(a: Attacker) -> None:
    await a.send(await a.open(MESH), frame(b"\xff" * 300))
    await a.drain(1)


@peer("layer=gossip .*malformed")
async def an_rpc_of_a_gigabyte(a: Attacker) -> None:
    await a.send(await a.open(MESH), b"\x80\x80\x80\x80\x04" + bytes(1000))
    await a.drain(1)


@peer("layer=gossip .*invalid-message: false signature")
async def a_message_without_signature(a: Attacker) -> None:
    made = message(a)
    made.ClearField("signature")
    await gossip(a, rpc_pb2.RPC(publish=[made]))


@peer("layer=gossip .*invalid-message: false signature")
async def a_message_in_the_name_of_another(a: Attacker) -> None:
    victim = ID.from_pubkey(create_new_key_pair(seed_of("victim")).public_key)
    await gossip(a, rpc_pb2.RPC(publish=[message(a, from_id=victim.to_bytes())]))


@peer("layer=gossip .*invalid-message: false signature")
async def a_message_whose_author_and_key_parse_as_nothing(a: Attacker) -> None:
    made = message(a, from_id=b"\x01\x02\x03")
    made.key = b"\xff\xff\xff"
    await gossip(a, rpc_pb2.RPC(publish=[made]))


@peer("layer=gossip .*invalid-message: 2 topics")
async def a_message_on_two_topics(a: Attacker) -> None:
    await gossip(a, rpc_pb2.RPC(publish=[message(a, topicIDs=[TOPIC, TOPIC])]))


@peer("layer=gossip .*invalid-message: 0 topics")
async def a_message_on_no_topic(a: Attacker) -> None:
    await gossip(a, rpc_pb2.RPC(publish=[message(a, topicIDs=[])]))


@peer("layer=gossip .*invalid-message: 100000 bytes")
async def a_message_that_is_too_long(a: Attacker) -> None:
    await gossip(a, rpc_pb2.RPC(publish=[message(a, bytes(100_000))]))


@peer("layer=gossip .*invalid-message: no author")
async def a_message_with_a_sequence_number_of_a_kilobyte(a: Attacker) -> None:
    await gossip(a, rpc_pb2.RPC(publish=[message(a, seqno=bytes(1_000))]))


def announced(a: Attacker, by: Identity, **changes: object) -> bytes:
    """An announcement of the attacker's peer, signed by whom it pleases."""
    head = ClockHead()
    body = announcement(Identity.from_seed(a.seed), transport_proof=None, **changes)  # type: ignore[arg-type]
    return seal(
        body, identity=by, genesis=head.genesis, audience=audience_of_topic(TOPIC), sequence=1,
        issued_at=head.now().block, expires_at=BlockNumber(head.now().block + 50),
    )  # fmt: skip


@peer("layer=gossip .*refused by")
async def an_announcement_of_rubbish(a: Attacker) -> None:
    await gossip(a, rpc_pb2.RPC(publish=[message(a, os.urandom(500))]))


@peer("layer=gossip .*refused by")
async def an_announcement_for_an_account_that_never_chose_this_peer(a: Attacker) -> None:
    victim = Identity.from_seed(seed_of("victim"))
    await gossip(a, rpc_pb2.RPC(publish=[message(a, announced(a, victim))]))


@peer("layer=gossip .*refused by")
async def an_announcement_whose_signature_is_false(a: Attacker) -> None:
    sealed = announced(a, Identity.from_seed(a.seed))
    await gossip(a, rpc_pb2.RPC(publish=[message(a, sealed[:-1] + bytes([sealed[-1] ^ 1]))]))


@peer("layer=gossip .*refused before|layer=gossip .*refused by")
async def a_bad_message_a_hundred_times(a: Attacker) -> None:
    made = message(a, b"bad")
    for _ in range(100):
        await a.send(await a.open(MESH), frame(rpc_pb2.RPC(publish=[made]).SerializeToString()))
        await trio.sleep(0.01)
    await a.drain(1)


@peer("layer=gossip .*flood")
async def valid_messages_without_end(a: Attacker) -> None:
    stream, said = await a.open(MESH), announced(a, Identity.from_seed(a.seed))
    rpcs = [
        frame(rpc_pb2.RPC(publish=[message(a, said)]).SerializeToString()) for _ in range(1_500)
    ]
    for i in range(0, len(rpcs), 75):
        await a.send(stream, b"".join(rpcs[i : i + 75]))
        await trio.sleep(0.1)
    await a.drain(1)


@peer("layer=gossip .*too-many-parts")
async def ten_thousand_subscriptions(a: Attacker) -> None:
    rpc = rpc_pb2.RPC()
    rpc.subscriptions.extend(
        rpc_pb2.RPC.SubOpts(subscribe=True, topicid=str(i)) for i in range(10_000)
    )
    await gossip(a, rpc)


@peer("layer=gossip .*too-much-control")
async def a_wish_for_ten_thousand_messages(a: Attacker) -> None:
    wish = rpc_pb2.ControlIWant(messageIDs=[os.urandom(20) for _ in range(10_000)])
    await gossip(a, rpc_pb2.RPC(control=rpc_pb2.ControlMessage(iwant=[wish])))


@peer("layer=gossip .*too-much-control")
async def grafts_of_a_thousand_topics(a: Attacker) -> None:
    graft = [rpc_pb2.ControlGraft(topicID=str(i)) for i in range(1_000)]
    await gossip(a, rpc_pb2.RPC(control=rpc_pb2.ControlMessage(graft=graft)))


@peer("layer=gossip .*too-many-rpcs")
async def empty_rpcs_without_end(a: Attacker) -> None:
    stream = await a.open(MESH)
    with trio.move_on_after(5.0):
        for _ in range(50):
            await a.send(stream, b"\x00" * 4_000)
    await a.drain(2)


@peer(None)
async def empty_frames_without_end(a: Attacker) -> None:
    stream = await a.open(DIRECTORY)
    with trio.move_on_after(5.0):
        for _ in range(2_000):
            await a.conn.write(HEADER.pack(0, WINDOW, 0, stream, 0) * 50)


# Our own protocols.


@peer("layer=/ainur/directory/1.0.0 .*malformed-frame")
async def a_request_of_a_gigabyte(a: Attacker) -> None:
    await a.send(await a.open(DIRECTORY), b"\x80\x80\x80\x80\x04" + bytes(1000))
    await a.drain(1)


@peer("layer=/ainur/directory/1.0.0 .*malformed-frame")
async def a_request_whose_length_never_ends(a: Attacker) -> None:
    await a.send(await a.open(DIRECTORY), b"\xff" * 100)
    await a.drain(1)


@peer("layer=/ainur/directory/1.0.0 .*malformed-frame")
async def half_a_request_and_gone(a: Attacker) -> None:
    stream = await a.open(DIRECTORY)
    await a.send(stream, frame(bytes(1_000))[:500])
    await a.frame(WINDOW, 4, stream, 0)
    await a.drain(1)


@peer("layer=/ainur/directory/1.0.0 .*handler-failed")
async def a_question_to_the_directory_that_is_rubbish(a: Attacker) -> None:
    await a.send(await a.open(DIRECTORY), frame(os.urandom(60_000)))
    await a.drain(1)


@peer(None)
async def thousands_of_requests_whose_answers_are_not_read(a: Attacker) -> None:
    for _ in range(60):
        await a.send(await a.open(DIRECTORY), frame(encode(AskDigests())) * 100)
    await trio.sleep(1)


def lines_of(node: NodeProcess) -> int:
    return len(node.log.read_text().splitlines())


def memory_of(node: NodeProcess) -> int:
    return int(psutil.Process(node.process.pid).memory_info().rss)


async def check_still_well(
    node: NodeProcess, expected: str | None, since: int, memory: int
) -> None:
    """The node has named the fault, answers an honest peer, and has not grown."""

    new: list[str] = []

    def told() -> bool:
        new[:] = node.log.read_text().splitlines()[since:]
        return expected is None or any(re.search(expected, text) for text in new)

    try:
        await eventually(told, seconds=20)
    except AssertionError:
        pytest.fail(f"expected {expected}, and the log has: {new}")
    assert not [text for text in new if "Traceback" in text], "\n".join(new)
    async with open_network(NetworkConfig(), seed_of("honest")) as honest:
        await honest.connect(node.address)
        peer = honest.peers()[0].peer
        answer = await honest.request(peer, DIRECTORY, encode(AskDigests()), timeout=30)
        assert isinstance(decode_answer_untrusted(answer), Digests)
    assert node.process.poll() is None
    assert memory_of(node) - memory < GROWTH_BYTES


@pytest.fixture
def before(target: NodeProcess) -> tuple[int, int]:
    return lines_of(target), memory_of(target)


@pytest.mark.parametrize("name", RAW)
async def test_bytes_on_a_socket(target: NodeProcess, name: str, before: tuple[int, int]) -> None:
    expected, attack_ = RAW[name]
    try:
        async with await dial_raw(target.address, f"127.0.1.{list(RAW).index(name) + 1}") as stream:
            await attack_(stream)
    except GONE:
        pass
    await check_still_well(target, expected, *before)


@pytest.mark.parametrize("name", PEER)
async def test_frames_of_a_peer(target: NodeProcess, name: str, before: tuple[int, int]) -> None:
    expected, attack_ = PEER[name]
    try:
        async with attack(target.address, seed_of(name)) as attacker:
            await attack_(attacker)
    except GONE:
        pass
    await check_still_well(target, expected, *before)


async def test_a_thousand_silent_sockets_keep_no_honest_peer_out(
    target: NodeProcess, before: tuple[int, int]
) -> None:
    streams = [await dial_raw(target.address) for _ in range(1_000)]
    async with open_network(NetworkConfig(), seed_of("honest")) as honest:
        await honest.connect(target.address)
    for stream in streams:
        await stream.aclose()
    await check_still_well(target, "layer=tcp .*too-many-handshakes", *before)


async def test_a_recorded_handshake_played_again_opens_nothing(
    target: NodeProcess, before: tuple[int, int]
) -> None:
    sent = bytearray()

    class Recorder(TrioTCPStream):
        async def write(self, data: bytes) -> None:
            sent.extend(data)
            await super().write(data)

    import tests.support.hostile as hostile

    original, hostile.TrioTCPStream = hostile.TrioTCPStream, Recorder
    try:
        async with attack(target.address, seed_of("recorded")) as attacker:
            await attacker.open(DIRECTORY)
    finally:
        hostile.TrioTCPStream = original
    try:
        async with await dial_raw(target.address, "127.0.2.1") as stream:
            await stream.send_all(bytes(sent))
            await hang_on(stream)
    except GONE:
        pass
    await check_still_well(target, "layer=handshake .*failed", *before)


@pytest.mark.parametrize("seed", range(6))
async def test_random_bytes_at_every_depth(
    target: NodeProcess, seed: int, before: tuple[int, int]
) -> None:
    rng = random.Random(seed)
    try:
        async with await dial_raw(target.address) as stream:
            await stream.send_all(
                (HELLO + line("/noise"))[: rng.randrange(30)] + rng.randbytes(2_000)
            )
            await hang_on(stream, 0.5)
    except GONE:
        pass
    for protocol in (None, DIRECTORY, KAD, MESH, PUSH, "/ipfs/id/1.0.0", "/ipfs/ping/1.0.0"):
        try:
            async with attack(target.address, seed_of(("fuzz", seed, protocol))) as attacker:
                if protocol is None:
                    await attacker.conn.write(rng.randbytes(3_000))
                for _ in range(10):
                    body = rng.randbytes(rng.randrange(1, 400))
                    await attacker.send(
                        await attacker.open(protocol), frame(body) if rng.random() < 0.7 else body
                    )
                await attacker.drain(0.3)
        except GONE:
            continue
    await check_still_well(target, None, *before)


async def test_after_all_that_the_node_hears_who_announces_itself_by_gossip(
    target: NodeProcess,
) -> None:
    async with open_network(NetworkConfig(), seed_of("late")) as late:
        await late.subscribe(TOPIC, lambda _peer, _data: Verdict.ACCEPT)
        await late.connect(target.address)
        await eventually(lambda: bool(late.listeners(TOPIC)))
        head, own = ClockHead(), Identity.from_seed(seed_of("late"))
        numbers = iter(range(1, 1_000))

        async def is_listed() -> bool:
            body = announcement(own, ["after.all"], transport_proof=None)
            said = seal(
                body, identity=own, genesis=head.genesis, audience=audience_of_topic(TOPIC),
                sequence=next(numbers), issued_at=head.now().block,
                expires_at=BlockNumber(head.now().block + 50),
            )  # fmt: skip
            await late.publish(TOPIC, said)
            return late.peer_id in await trio.to_thread.run_sync(target.known)

        await eventually(is_listed)


def test_the_log_has_no_traceback_and_the_node_ends_as_it_should(target: NodeProcess) -> None:
    assert "Traceback" not in target.log.read_text()
    assert target.stop() == 0
    assert "Traceback" not in target.log.read_text()
