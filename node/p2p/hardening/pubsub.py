"""Pubsub that one malformed message does not end.

What stock does (``libp2p.pubsub.pubsub``):

- An exception in a validator, in the signature check (a key that does not parse is enough) or in
  decoding leaves a task of the service, and the node gossips no more.
- A message with a false signature costs its forwarder nothing.
- Each received message is a task of its own, as many as a peer cares to send.
- Sequence numbers begin at ``int(time.time())`` and count messages: after a quick restart they are
  below those already seen, and peers drop everything.
- Each RPC carries a signed peer record, made and verified anew each time; no other implementation
  sends or reads it.
- When our stream to a new peer breaks while its protocol is agreed on, it is not tried again: we hear the
  peer, and it never hears us.
"""

import time
from collections.abc import Callable, Collection
from enum import Enum
from typing import Final

import trio
from google.protobuf.message import DecodeError
from libp2p.abc import IHost, INetStream
from libp2p.host.exceptions import StreamFailure
from libp2p.network.exceptions import SwarmException
from libp2p.network.stream.exceptions import StreamError
from libp2p.peer.id import ID
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.pubsub import Pubsub
from libp2p.pubsub.rpc_queue import RpcQueue
from libp2p.pubsub.validators import PUBSUB_SIGNING_PREFIX, signature_validator
from libp2p.stream_muxer.exceptions import MuxedStreamError

from node.p2p.framing import FrameError, FrameReader
from node.p2p.hardening.buckets import TokenBucket
from node.p2p.hardening.faults import faults
from node.p2p.hardening.gossipsub import BoundedGossipSub
from node.p2p.hardening.multistream import is_not_spoken
from node.p2p.hardening.outbox import Outbox
from node.p2p.hardening.seen import Seen

__all__ = ["BoundedPubsub", "Verdict"]

RPC_BYTES: Final = 1024 * 1024
"""As go-libp2p-pubsub: a peer may put several messages into one RPC."""
RPCS_PER_SECOND, RPC_BURST = 1_000.0, 4_000.0
PAUSE_SECONDS: Final = 0.05
MESSAGES_PER_RPC: Final = 256
SUBSCRIPTIONS_PER_RPC: Final = 256
SUBSCRIPTIONS_PER_PEER: Final = 256
TOPIC_CHARACTERS: Final = 128
ID_BYTES: Final = 64
SEQUENCE_BYTES: Final = 8


class Verdict(Enum):
    """What a topic's rules say of a message."""

    ACCEPT = "accept"
    """Deliver it and pass it on."""
    IGNORE = "ignore"
    """Drop it; nobody is to blame (it is late, or not news)."""
    REJECT = "reject"
    """Drop it; whoever passed it on should have seen that it is wrong."""


Judge = Callable[[ID, bytes], Verdict]
Deliver = Callable[[ID, bytes], None]


class BoundedPubsub(Pubsub):
    """The pubsub of a node."""

    router: BoundedGossipSub

    def __init__(
        self, host: IHost, router: BoundedGossipSub, *, message_bytes: int, per_second: int
    ) -> None:
        super().__init__(
            host,
            router,
            strict_signing=True,
            max_subscriptions_per_rpc=SUBSCRIPTIONS_PER_RPC,
            max_subscriptions_per_peer=SUBSCRIPTIONS_PER_PEER,
            max_inbound_rpc_size=RPC_BYTES,
        )
        self.seen_messages.stop()  # its thread
        self._seen = Seen(time.monotonic)
        self._rejected = Seen(time.monotonic)
        self.seen_messages = self._seen  # type: ignore[assignment]  # the router asks it
        self.counter = time.time_ns()
        self._message_bytes = message_bytes
        self._per_second = per_second
        self._rates: dict[tuple[ID, str], TokenBucket] = {}
        self._judges: dict[str, tuple[Judge, Deliver]] = {}

    def set_topic(self, topic: str, judge: Judge, deliver: Deliver) -> None:
        """Set what a topic's messages are judged by, and where they go."""
        self._judges[topic] = (judge, deliver)

    def drop_topic(self, topic: str) -> None:
        """Forget a topic's rules."""
        self._judges.pop(topic, None)

    def get_hello_packet(self) -> rpc_pb2.RPC:
        """Return what a new peer is told: our topics."""
        hello = rpc_pb2.RPC()
        hello.subscriptions.extend(
            rpc_pb2.RPC.SubOpts(subscribe=True, topicid=topic) for topic in self.topic_ids
        )
        return hello

    def _build_announce_rpc(
        self,
        topic_id: str,
        subscribe: bool,
    ) -> tuple[rpc_pb2.RPC, rpc_pb2.RPC.SubOpts]:
        option = rpc_pb2.RPC.SubOpts(subscribe=subscribe, topicid=topic_id)
        return rpc_pb2.RPC(subscriptions=[option]), option

    async def _handle_new_peer(self, peer_id: ID) -> None:
        if peer_id in self.peers or self.is_peer_blacklisted(peer_id):
            return
        try:
            stream = await self.host.new_stream(peer_id, self.protocols)
        except StreamFailure as error:
            if is_not_spoken(error):
                raise
            # Stock's retry, which goes on for as long as the peer is connected, is for this class.
            raise SwarmException(str(error)) from error
        if peer_id in self.peers:  # another task was faster
            await stream.reset()
            return
        queue = Outbox()
        self.peers[peer_id] = stream
        self.peer_queues[peer_id] = queue
        self.router.add_peer(peer_id, stream.get_protocol())
        queue.push(self.get_hello_packet(), priority=True)
        self.manager.run_task(self.handle_sending_messages, peer_id, stream, queue)
        for topic in [t for t, peers in self.peer_topics.items() if peer_id in peers]:
            await self.router.on_peer_subscribed(peer_id, topic)

    def on_identified(self, peer: ID, protocols: Collection[str]) -> None:
        """Open our stream to a peer that has begun to speak gossip after it connected.

        Stock tries once when a peer connects, and never again when it was too early.
        """
        if peer not in self.peers and any(p in protocols for p in self.protocols):
            self._schedule_peer_stream_retry(peer)

    def _schedule_peer_stream_retry(self, peer_id: ID) -> None:
        try:
            super()._schedule_peer_stream_retry(peer_id)
        except RuntimeError:  # the service is ending: its nursery takes no more tasks
            self._peer_stream_retries_pending.discard(peer_id)

    async def handle_sending_messages(
        self, peer_id: ID, stream: INetStream, queue: RpcQueue
    ) -> None:
        """Write what is queued for a peer until either ends."""
        assert isinstance(queue, Outbox)  # noqa: S101  (made in _handle_new_peer)
        try:
            while (data := await queue.pop_bytes()) is not None:
                await stream.write(data)
        except (StreamError, MuxedStreamError):
            pass
        except Exception as error:  # noqa: BLE001  (a task of the service: what leaves it ends gossip)
            faults.report("gossip", peer_id, "not-sent", error)
        finally:
            with trio.CancelScope(shield=True), trio.move_on_after(2.0, shield=True):
                await stream.reset()
        if self.peers.get(peer_id) is stream:
            self._handle_dead_peer(peer_id)

    async def continuously_read_stream(self, stream: INetStream) -> None:
        """Read a peer's RPCs until its stream ends."""
        peer = stream.muxed_conn.peer_id
        reader = FrameReader(stream, self.max_inbound_rpc_size)
        rate = TokenBucket(RPCS_PER_SECOND, RPC_BURST)
        try:
            while (data := await reader.read()) is not None:
                while not rate.take():
                    faults.report("gossip", peer, "too-many-rpcs", "read slower")
                    await trio.sleep(PAUSE_SECONDS)
                if self.router.is_graylisted(peer):
                    continue  # read, so that the connection goes on, and not looked at
                await self._on_rpc(peer, rpc_pb2.RPC.FromString(data))
        except (FrameError, DecodeError) as error:
            faults.report("gossip", peer, "malformed", error)
            self.router.on_misbehaviour(peer, 5.0)
            await stream.reset()

    async def _on_rpc(self, peer: ID, rpc: rpc_pb2.RPC) -> None:
        if len(rpc.publish) > MESSAGES_PER_RPC or len(rpc.subscriptions) > SUBSCRIPTIONS_PER_RPC:
            faults.report("gossip", peer, "too-many-parts", f"{len(rpc.publish)} messages")
            self.router.on_misbehaviour(peer, 5.0)
            return
        for option in rpc.subscriptions:
            if len(option.topicid) <= TOPIC_CHARACTERS:
                self.handle_subscription(peer, option)
        for message in rpc.publish:
            await self.push_msg(peer, message)
        if rpc.HasField("control"):
            await self.router.on_control(rpc.control, peer)

    async def push_msg(self, msg_forwarder: ID, msg: rpc_pb2.Message) -> None:
        """Judge a message; deliver it and pass it on when it is valid."""
        if msg_forwarder == self.my_id:
            await self._accept(msg_forwarder, msg)
            return
        topic = msg.topicIDs[0] if len(msg.topicIDs) == 1 else ""
        rules = self._judges.get(topic)
        if rules is None and topic:
            return  # not a topic of ours: a subscription that has just ended
        if wrong := self._find_wrong_form(msg):
            self._on_invalid(msg_forwarder, topic, wrong)
            return
        author = ID(msg.from_id)
        message_id = msg.from_id + msg.seqno
        if author == self.my_id or self._seen.has(message_id):
            return
        if self._rejected.has(message_id):  # from one more peer that should have seen it
            self._on_invalid(msg_forwarder, topic, "refused before")
            return
        if not self._rate(msg_forwarder, topic).take():
            faults.report("gossip", msg_forwarder, "flood", f"of {topic}")
            self.router.on_misbehaviour(msg_forwarder, 0.1)
            return
        if not _is_signed(msg):
            self._on_invalid(msg_forwarder, topic, "false signature")
            return
        verdict, why = self._judge(topic, author, msg.data)
        if verdict is Verdict.REJECT:
            self._rejected.add(message_id)
            self._on_invalid(msg_forwarder, topic, why)
            return
        if verdict is Verdict.IGNORE:
            self._seen.add(message_id)
            return
        self.router.on_first_delivery(msg_forwarder, topic)
        await self._accept(msg_forwarder, msg)
        if rules is not None:
            rules[1](author, msg.data)

    async def _accept(self, forwarder: ID, msg: rpc_pb2.Message) -> None:
        if self._seen.add(msg.from_id + msg.seqno):
            await self.router.publish(forwarder, msg)

    def _find_wrong_form(self, msg: rpc_pb2.Message) -> str:
        if len(msg.topicIDs) != 1:
            return f"{len(msg.topicIDs)} topics"
        if len(msg.data) > self._message_bytes:
            return f"{len(msg.data)} bytes"
        if not 0 < len(msg.from_id) <= ID_BYTES or len(msg.seqno) != SEQUENCE_BYTES:
            return "no author or sequence number"
        return ""

    def _judge(self, topic: str, author: ID, data: bytes) -> tuple[Verdict, str]:
        try:
            return self._judges[topic][0](author, data), "refused by the topic's rules"
        except Exception as error:  # noqa: BLE001  (a validator is handed a stranger's bytes)
            return Verdict.REJECT, f"its validator failed: {error!r}"

    def _on_invalid(self, forwarder: ID, topic: str, why: str) -> None:
        faults.report("gossip", forwarder, "invalid-message", why)
        self.router.on_invalid(forwarder, topic)

    def _rate(self, forwarder: ID, topic: str) -> TokenBucket:
        bucket = self._rates.get((forwarder, topic))
        if bucket is None:
            bucket = TokenBucket(self._per_second, 2.0 * self._per_second)
            self._rates[forwarder, topic] = bucket
        return bucket

    def _handle_dead_peer(self, peer_id: ID) -> None:
        for key in [k for k in self._rates if k[0] == peer_id]:
            del self._rates[key]
        super()._handle_dead_peer(peer_id)

    async def publish(self, topic_id: str | list[str], data: bytes) -> None:
        """Sign data and send it to a topic's mesh."""
        topics = [topic_id] if isinstance(topic_id, str) else topic_id
        msg = rpc_pb2.Message(
            data=data, topicIDs=topics, from_id=self.my_id.to_bytes(), seqno=self._next_seqno()
        )
        payload = PUBSUB_SIGNING_PREFIX.encode() + msg.SerializeToString()
        msg.signature = self.host.get_private_key().sign(payload)
        msg.key = self.host.get_public_key().serialize()
        await self.push_msg(self.my_id, msg)


def _is_signed(msg: rpc_pb2.Message) -> bool:
    try:
        return signature_validator(msg)
    except Exception:  # noqa: BLE001  (keys and ids of a stranger, in several codecs)
        return False
