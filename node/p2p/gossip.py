"""Topics: what is heard is judged before it is passed on."""

import logging
from collections.abc import Callable
from typing import Final, NamedTuple

import trio
from libp2p.peer.id import ID

from market.identity import PeerId
from node.p2p.addresses import peer_from_library
from node.p2p.errors import NetworkUsageError
from node.p2p.hardening.pubsub import BoundedPubsub, Verdict

__all__ = ["Gossip", "Heard", "Validate", "Verdict", "cfp_topic", "presence_topic"]

WAITING: Final = 1_024
"""Messages of a topic that wait for their reader; beyond that the newest are dropped."""

_LOG: Final = logging.getLogger("ainur.p2p")


class Heard(NamedTuple):
    """A valid message."""

    peer: PeerId
    """Who wrote and signed it, whoever passed it on."""
    data: bytes


Validate = Callable[[PeerId, bytes], Verdict]
"""Given author and data, says what to do. Called on the loop for each message: quick and pure."""


def presence_topic(shard: int) -> str:
    """Return the topic of a shard's announcements."""
    return f"/ainur/v1/presence/{shard}"


def cfp_topic(shard: int) -> str:
    """Return the topic of a shard's calls for proposals."""
    return f"/ainur/v1/cfp/{shard}"


class Gossip:
    """Publishes to topics and listens to them."""

    def __init__(self, pubsub: BoundedPubsub, message_bytes: int) -> None:
        self._pubsub = pubsub
        self._limit = message_bytes
        self._topics: dict[str, trio.MemorySendChannel[Heard]] = {}
        self.dropped = 0
        """Messages dropped because their reader was slow."""

    async def subscribe(self, topic: str, validate: Validate) -> trio.MemoryReceiveChannel[Heard]:
        """Listen to a topic; closing the channel and :meth:`unsubscribe` end it.

        Raises:
            NetworkUsageError: this node listens to it already.
        """
        if topic in self._topics:
            raise NetworkUsageError(f"already subscribed to {topic}: share the one channel")
        send, receive = trio.open_memory_channel[Heard](WAITING)
        self._topics[topic] = send

        def deliver(author: ID, data: bytes) -> None:
            try:
                send.send_nowait(Heard(peer_from_library(author), data))
            except trio.WouldBlock:
                self.dropped += 1
                if self.dropped % WAITING == 1:
                    _LOG.warning("%s: its reader is slow, %d messages lost", topic, self.dropped)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return  # nobody reads any more

        def judge(author: ID, data: bytes) -> Verdict:
            return validate(peer_from_library(author), data)

        self._pubsub.set_topic(topic, judge, deliver)
        await self._pubsub.subscribe(topic)
        return receive

    async def unsubscribe(self, topic: str) -> None:
        """Stop listening to a topic."""
        if (send := self._topics.pop(topic, None)) is not None:
            self._pubsub.drop_topic(topic)
            await self._pubsub.unsubscribe(topic)
            send.close()

    async def publish(self, topic: str, data: bytes) -> None:
        """Sign data and send it to everybody who listens.

        Raises:
            NetworkUsageError: it is longer than anybody would take.
        """
        if len(data) > self._limit:
            raise NetworkUsageError(f"{len(data)} bytes where gossip takes at most {self._limit}")
        await self._pubsub.publish(topic, data)

    def peers(self, topic: str) -> set[PeerId]:
        """Return the connected peers that listen to a topic."""
        return {peer_from_library(peer) for peer in self._pubsub.peer_topics.get(topic, ())}
