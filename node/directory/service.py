"""The directory of a running node."""

import logging
import random
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import trio

from market.errors import DecodeError, EnvelopeError
from market.hashing import audience_of_topic
from market.identity import AccountId, PeerId
from node.directory.announcer import Announcer
from node.directory.sync import BLAMELESS, answer_request, pull
from node.directory.wire import PROTOCOL, MalformedError
from node.p2p.errors import NetworkError, NetworkUsageError
from node.p2p.gossip import Verdict, presence_topic
from node.p2p.network import Network
from node.process.heads import Head
from routing.directory.book import Admission, Directory, Limits

__all__ = ["SHARD", "DirectoryService"]

_LOG: Final = logging.getLogger("ainur.directory")

SHARD: Final = 0
"""The one presence topic, until there are enough agents to share them out."""
PULLS: Final = 4
"""Peers asked at a time."""
PULL_SECONDS: Final = 60.0
WAITING: Final = 256
SWEEP_SECONDS: Final = 0.5


class DirectoryService:
    """Keeps a directory fed."""

    def __init__(self, network: Network, head: Head, announcer: Announcer) -> None:
        self._network, self._head, self.announcer = network, head, announcer
        self.topic = presence_topic(SHARD)
        self.directory = Directory(
            genesis=head.genesis,
            keys=head,
            audiences=[audience_of_topic(self.topic)],
            salt=secrets.token_bytes(16),
            limits=Limits(block_millis=head.block_millis),
        )
        self.counts: dict[str, int] = {}
        """What was heard, by what became of it: for metrics."""
        self._ask, self._asked = trio.open_memory_channel[PeerId](WAITING)
        self._shunned: set[PeerId] = set()
        self._told: str | None = None
        """Why our own announcements are refused, as far as it was logged."""

    def hear(self, author: PeerId, data: bytes) -> Verdict:
        """Judge an announcement that was gossiped, and take it in.

        Args:
            author: who signed the gossip message; an announcement is gossiped by its own node alone.
            data: the envelope.
        """
        now = self._head.now()
        try:
            admission: Admission | str = self.directory.admit(data, now, author=author)
        except DecodeError:
            self._count("malformed")
            return Verdict.REJECT
        except EnvelopeError as error:
            self._count(error.reason)
            return Verdict.IGNORE if error.reason in BLAMELESS else Verdict.REJECT
        self._count(admission)
        return Verdict.ACCEPT if admission in ("new", "renewed", "withdrawn") else Verdict.IGNORE

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen, announce and ask peers, while the block runs; then say good-bye."""
        network = self._network
        network.serve(PROTOCOL, self._answer, concurrent=16)
        network.on_connected(self._connected)
        network.on_disconnected(self._disconnected)
        self._head.on_rotated(self._rotated)
        heard = await network.subscribe(self.topic, self.hear)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_drain, heard)
            nursery.start_soon(self._sweep)
            nursery.start_soon(self._meet_again)
            for _ in range(PULLS):
                nursery.start_soon(self._pull_asked)
            nursery.start_soon(self.announcer.run, self._admit_own, self._publish)
            try:
                yield
            finally:
                with trio.CancelScope(shield=True), trio.move_on_after(2.0):
                    await self.announcer.withdraw(self._publish)
                    await trio.sleep(
                        0.2
                    )  # what was published is on its way before its connections close
                nursery.cancel_scope.cancel()

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    def _admit_own(self, data: bytes) -> None:
        """Take our own announcement in; peers refuse what we refuse, so say it once, and go on."""
        problem = None
        try:
            self.directory.admit(data, self._head.now())
        except EnvelopeError as error:
            problem = str(error)
        if problem is not None and problem.split(" at block")[0] != self._told:
            self._told = problem.split(" at block")[0]
            _LOG.warning(
                "this node announces itself in vain: %s. Is its key the account's operator key? One made since"
                " it started is taken up when it is started again",
                problem,
            )
        elif problem is None:
            self._told = None

    async def _publish(self, topic: str, data: bytes) -> None:
        try:
            await self._network.publish(topic, data)
        except NetworkUsageError as error:
            _LOG.error("this node cannot announce itself: %s", error)

    async def _answer(self, peer: PeerId, data: bytes) -> bytes:  # noqa: ARG002  # all may ask
        return answer_request(self.directory, data, self._head.now())

    async def _connected(self, peer: PeerId) -> None:
        self.announcer.soon()
        self._look_at(peer)

    async def _disconnected(self, peer: PeerId) -> None:
        self._shunned.discard(peer)

    def _rotated(self, account: AccountId) -> None:
        self.directory.recheck_key(account, self._head.now())

    def _look_at(self, peer: PeerId) -> None:
        if peer in self._shunned:
            return
        try:
            self._ask.send_nowait(peer)
        except trio.WouldBlock:
            _LOG.debug("%s is not asked now: others are", peer)

    async def _meet_again(self) -> None:
        """Ask one peer, now and then: what gossip lost, and what changed while the network was apart."""
        while True:
            await trio.sleep(self.announcer.pace.heartbeat * random.uniform(0.8, 1.2))  # noqa: S311  # spread, no secret
            peers = [each.peer for each in self._network.peers()]
            if peers:
                self._look_at(random.choice(peers))  # noqa: S311

    async def _pull_asked(self) -> None:
        async for peer in self._asked:
            with trio.move_on_after(PULL_SECONDS):
                await self._pull(peer)

    async def _pull(self, peer: PeerId) -> None:
        try:
            news = await pull(self._network, peer, self.directory, self._head)
        except MalformedError as error:
            self._shunned.add(peer)
            self._count("bad-sync")
            _LOG.warning("%s is not asked again: %s", peer, error)
        except NetworkError as error:
            _LOG.debug("%s was asked for what it knows: %s", peer, error)
        else:
            if news:
                _LOG.info("%s told of %d agents that are new here", peer, news)

    async def _sweep(self) -> None:
        while True:
            await trio.sleep(SWEEP_SECONDS)
            self.directory.expire(self._head.now())


async def _drain(channel: trio.MemoryReceiveChannel[object]) -> None:
    """Read on: what is heard was taken in when it was judged."""
    async for _ in channel:
        pass
