"""The gossipsub router with a heartbeat that beats, and a scorer that remembers.

What stock does (``libp2p.pubsub.gossipsub``):

- Beats every 120 s, and its adaptive mode changes that and the mesh's degree as it goes.
- GRAFT, PRUNE and IHAVE lists are not emptied between peers, so that one topic's go to another's.
- Forgets a peer's score when it disconnects, subtracts weight times count where the specification
  squares, and lets through what the publish gate of *its* mesh says rather than the sender's score.
- Ten messages a second from one forwarder of one topic, also our own.
- Sends each message, copied and measured again for each peer, and queues it for every connected peer
  that has not subscribed.
- Control messages of a peer may name any number of messages and topics.
"""

import time
from collections.abc import Iterable
from typing import Final

import trio
from libp2p.custom_types import TProtocol
from libp2p.peer.id import ID
from libp2p.pubsub.gossipsub import GossipSub
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.score import PeerScorer, ScoreParams

from node.p2p.framing import frame
from node.p2p.hardening.faults import faults
from node.p2p.hardening.outbox import Outbox
from node.p2p.scoring import GOSSIP, GRAYLIST, PUBLISH, Scoreboard

__all__ = ["BoundedGossipSub"]

PROTOCOL: Final = TProtocol("/meshsub/1.1.0")
DEGREE, DEGREE_LOW, DEGREE_HIGH = 6, 4, 64
HEARTBEAT_SECONDS: Final = 1
IDS_PER_CONTROL: Final = 5_000
"""As go-libp2p-pubsub's MaxIHaveLength."""
PARTS_PER_CONTROL: Final = 64
RESENDS: Final = 3
"""Times one peer is sent a message again on its IWANT (go-libp2p-pubsub: GossipRetransmission)."""


class _Scorer(PeerScorer):
    """The stock router's questions, answered by our scoreboard."""

    def __init__(self, board: Scoreboard) -> None:
        super().__init__(
            ScoreParams(
                publish_threshold=PUBLISH, gossip_threshold=GOSSIP, graylist_threshold=GRAYLIST
            )
        )
        self._board = board

    def on_heartbeat(self, dt_seconds: float = 1.0) -> None:  # noqa: ARG002  (it is always 1)
        self._board.on_heartbeat()

    def on_join_mesh(self, peer: ID, topic: str) -> None:
        self._board.on_mesh(str(peer), topic, joined=True)

    def on_leave_mesh(self, peer: ID, topic: str) -> None:
        self._board.on_mesh(str(peer), topic, joined=False)

    def remove_peer(self, peer: ID) -> None:
        self._board.on_disconnected(str(peer))

    def penalize_behavior(self, peer: ID, amount: float = 1.0) -> None:
        self._board.on_misbehaviour(str(peer), amount / 5.0)

    def penalize_graft_flood(self, peer: ID, amount: float = 10.0) -> None:
        self._board.on_misbehaviour(str(peer), amount / 5.0)

    def penalize_iwant_spam(self, peer: ID, amount: float = 5.0) -> None:
        self._board.on_misbehaviour(str(peer), amount / 5.0)

    def penalize_ihave_spam(self, peer: ID, amount: float = 5.0) -> None:
        self._board.on_misbehaviour(str(peer), amount / 5.0)

    def add_peer_ip(self, peer: ID, ip_str: str) -> None:
        self._board.on_connected(str(peer), ip_str)

    def score(self, peer: ID, topics: list[str]) -> float:  # noqa: ARG002  (ours covers all topics)
        return self._board.score(str(peer))

    def allow_publish(self, peer: ID, topics: list[str]) -> bool:  # noqa: ARG002
        return self._board.hears_publications(str(peer))

    def allow_gossip(self, peer: ID, topics: list[str]) -> bool:  # noqa: ARG002
        return self._board.hears_gossip(str(peer))

    def is_graylisted(self, peer: ID, topics: list[str]) -> bool:  # noqa: ARG002
        return self._board.is_graylisted(str(peer))

    def allow_px_from(self, peer: ID, topics: list[str]) -> bool:  # noqa: ARG002
        return False  # peers come from the DHT and from announcements, which are signed


class BoundedGossipSub(GossipSub):
    """The router of a node."""

    def __init__(self, board: Scoreboard) -> None:
        super().__init__(
            [PROTOCOL],
            degree=DEGREE,
            degree_low=DEGREE_LOW,
            degree_high=DEGREE_HIGH,
            heartbeat_interval=HEARTBEAT_SECONDS,
            adaptive_gossip_enabled=False,
            spam_protection_enabled=False,  # ours is in BoundedPubsub, before any work is done
            eclipse_protection_enabled=False,  # counts IP addresses: a LAN has one
        )
        self._board = board
        self.scorer = _Scorer(board)
        self._resent: dict[tuple[ID, bytes], int] = {}

    def add_peer(self, peer_id: ID, protocol_id: TProtocol | None) -> None:
        """Take a new peer in; what it did before is remembered."""
        self._board.on_connected(str(peer_id), None)
        super().add_peer(peer_id, protocol_id)

    def is_graylisted(self, peer: ID) -> bool:
        """Return whether nothing of this peer is looked at."""
        return self._board.is_graylisted(str(peer))

    def on_invalid(self, peer: ID, topic: str) -> None:
        """Count an invalid message."""
        self._board.on_invalid(str(peer), topic)

    def on_first_delivery(self, peer: ID, topic: str) -> None:
        """Count a valid message."""
        self._board.on_first_delivery(str(peer), topic)

    def on_misbehaviour(self, peer: ID, amount: float) -> None:
        """Count something that no honest peer does."""
        self._board.on_misbehaviour(str(peer), amount)

    async def publish(self, msg_forwarder: ID, pubsub_msg: rpc_pb2.Message) -> None:
        """Send a valid message on to the mesh."""
        if self.pubsub is None:
            return
        self.mcache.put(pubsub_msg)
        data = frame(rpc_pb2.RPC(publish=[pubsub_msg]).SerializeToString())
        topics = list(pubsub_msg.topicIDs)
        for peer in self._get_peers_to_send(topics, msg_forwarder, ID(pubsub_msg.from_id)):
            self._send(peer, data)
        for topic in topics:
            self.time_since_last_publish[topic] = int(time.time())

    def _send(self, peer: ID, data: bytes, *, priority: bool = False) -> None:
        queue = self.pubsub.peer_queues.get(peer) if self.pubsub is not None else None
        if queue is None:
            return
        if isinstance(queue, Outbox) and self._board.hears_publications(str(peer)):
            queue.push_frame(data, priority=priority)

    async def emit_control_message(self, control_msg: rpc_pb2.ControlMessage, to_peer: ID) -> None:
        """Queue a control message before all others."""
        rpc = rpc_pb2.RPC(control=control_msg)
        self._send(to_peer, frame(rpc.SerializeToString()), priority=True)

    async def _emit_control_msgs(
        self,
        peers_to_graft: dict[ID, list[str]],
        peers_to_prune: dict[ID, list[str]],
        peers_to_gossip: dict[ID, dict[str, list[bytes]]],
    ) -> None:
        for peer in {*peers_to_graft, *peers_to_prune, *peers_to_gossip}:
            ihave = [
                rpc_pb2.ControlIHave(topicID=topic, messageIDs=ids[:IDS_PER_CONTROL])
                for topic, ids in peers_to_gossip.get(peer, {}).items()
                if self._board.hears_gossip(str(peer))
            ]
            graft = [rpc_pb2.ControlGraft(topicID=t) for t in peers_to_graft.get(peer, ())]
            prune = [
                rpc_pb2.ControlPrune(topicID=t, backoff=self.prune_back_off)
                for t in peers_to_prune.get(peer, ())
            ]
            if ihave or graft or prune:
                await self.emit_control_message(self.pack_control_msgs(ihave, graft, prune), peer)

    async def on_control(self, control: rpc_pb2.ControlMessage, peer: ID) -> None:
        """Act on a peer's control message, within bounds."""
        parts = (control.ihave, control.iwant, control.graft, control.prune)
        ids = sum(len(part.messageIDs) for part in control.ihave)
        ids += sum(len(part.messageIDs) for part in control.iwant)
        if any(len(part) > PARTS_PER_CONTROL for part in parts) or ids > IDS_PER_CONTROL:
            faults.report("gossip", peer, "too-much-control", f"{ids} ids")
            self.on_misbehaviour(peer, 2.0)
            return
        if self._board.hears_gossip(str(peer)):
            for ihave in control.ihave:
                await self.handle_ihave(ihave, peer)
            for iwant in control.iwant:
                await self.handle_iwant(iwant, peer)
        for graft in control.graft:
            await self.handle_graft(graft, peer)
        for prune in control.prune:
            await self.handle_prune(prune, peer)

    async def handle_ihave(self, ihave_msg: rpc_pb2.ControlIHave, sender_peer_id: ID) -> None:
        """Ask for messages of our topics that we have not seen."""
        if self.pubsub is None or ihave_msg.topicID not in self.mesh:
            return
        seen = self.pubsub.seen_messages
        wanted = list({bytes(i) for i in ihave_msg.messageIDs if not seen.has(bytes(i))})
        if wanted:
            iwant = rpc_pb2.ControlIWant(messageIDs=wanted)
            await self.emit_control_message(rpc_pb2.ControlMessage(iwant=[iwant]), sender_peer_id)

    async def handle_iwant(self, iwant_msg: rpc_pb2.ControlIWant, sender_peer_id: ID) -> None:
        """Send again what a peer missed, each message a few times at most."""
        for message_id in {bytes(i) for i in iwant_msg.messageIDs}:
            message = self.mcache.get(message_id)
            if message is None:
                continue
            times = self._resent.get((sender_peer_id, message_id), 0) + 1
            self._resent[sender_peer_id, message_id] = times
            if times > RESENDS:
                self.on_misbehaviour(sender_peer_id, 0.1)
                continue
            data = rpc_pb2.RPC(publish=[message]).SerializeToString()
            self._send(sender_peer_id, frame(data))

    async def heartbeat(self) -> None:
        """Once a second: keep the mesh, gossip, let scores decay. One bad beat is not the last."""
        await trio.sleep(self.heartbeat_initial_delay)
        while True:
            try:
                await self._beat()
            except Exception as error:  # noqa: BLE001  (a task of the service: what leaves it ends gossip)
                faults.report("gossip", "-", "heartbeat-failed", error)
            await trio.sleep(HEARTBEAT_SECONDS)

    async def _beat(self) -> None:
        graft, prune = self.mesh_heartbeat()
        for peer, topic in list(self._unworthy()):
            self.mesh[topic].discard(peer)
            self._board.on_mesh(str(peer), topic, joined=False)
            self._add_back_off(peer, topic, False)
            prune[peer].append(topic)
            if topic in graft.get(peer, ()):
                graft[peer].remove(topic)
        self.fanout_heartbeat()
        await self._emit_control_msgs(graft, prune, self.gossip_heartbeat())
        self.mcache.shift()
        self._board.on_heartbeat()
        self._resent = {k: n for k, n in self._resent.items() if self.mcache.get(k[1]) is not None}
        self._periodic_security_cleanup()
        now = int(time.time())
        for topic, until in list(self.back_off.items()):
            self.back_off[topic] = {p: t for p, t in until.items() if t > now}
            if not self.back_off[topic]:
                del self.back_off[topic]

    def _unworthy(self) -> Iterable[tuple[ID, str]]:
        for topic, peers in self.mesh.items():
            for peer in peers:
                if self._board.score(str(peer)) < 0:
                    yield peer, topic
