"""What this node says of itself, again and again, for as long as it can do it."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import attrs
import trio

from market.envelope import seal
from market.hashing import audience_of_topic
from market.identity import Identity, PublicKey
from market.messages import Announcement, Capability
from market.presence import prove_transport
from market.units import BlockNumber, Ppm
from node.process.heads import Head

__all__ = ["Announcer", "Pace"]

_LOG: Final = logging.getLogger("ainur.directory")

LIFETIME_BLOCKS: Final = 100
"""Of an envelope: on six-second blocks the most that peers accept."""
BEATS: Final = 4
"""Heartbeats in a time to live: an agent that is dead is gone after so many."""
SOON_SECONDS: Final = 1.2
"""After a peer has connected, when gossip has had a heartbeat to take it into its mesh."""
LOOK_SECONDS: Final = 0.25


@attrs.frozen
class Pace:
    """How often this node announces itself."""

    ttl: int = 60
    """Seconds."""

    @property
    def heartbeat(self) -> float:
        """Seconds between two announcements."""
        return self.ttl / BEATS


class Publish(Protocol):
    """Sends to everybody who listens to a topic."""

    def __call__(self, topic: str, data: bytes) -> Awaitable[None]:
        """Send."""
        ...


class Announcer:
    """Announces one account's capabilities."""

    def __init__(
        self,
        *,
        topic: str,
        head: Head,
        operator: Callable[[], Identity],
        transport: Identity,
        sequence: Callable[[], int],
        addresses: Callable[[], tuple[str, ...]],
        software: str,
        pace: Pace,
    ) -> None:
        """Make one that is silent yet.

        Args:
            topic: on which.
            head: the time.
            operator: returns the identity that signs for the account now.
            transport: whose peer this is.
            sequence: numbers what is said.
            addresses: returns where this node listens.
            software: name and version.
            pace: how often.
        """
        self._topic, self._head, self._operator, self._transport = topic, head, operator, transport
        self._sequence, self._addresses, self._software = sequence, addresses, software
        self.pace = pace
        self.capabilities: tuple[Capability, ...] = ()
        self._due = trio.current_time()
        self._issued_at = BlockNumber(0)
        self._signed_by: PublicKey | None = None

    def soon(self) -> None:
        """Announce again in a moment: somebody new is listening, or there is something new to say."""
        self._due = min(self._due, trio.current_time() + SOON_SECONDS)

    def message(self, capabilities: tuple[Capability, ...]) -> bytes:
        """Return an announcement in its envelope.

        Raises:
            UsageError: a capability is not one that peers would take.
        """
        operator, now = self._operator(), self._head.now()
        body = Announcement(
            transport_key=self._transport.key,
            transport_proof=prove_transport(
                self._transport,
                genesis=self._head.genesis,
                account=operator.account,
                operator=operator.key,
            ),
            ttl=self.pace.ttl,
            addresses=self._addresses()[:8],
            software=self._software,
            load=Ppm(0),
            capabilities=tuple(sorted(capabilities, key=lambda each: each.name)),
        )
        return seal(
            body,
            identity=operator,
            genesis=self._head.genesis,
            audience=audience_of_topic(self._topic),
            sequence=self._sequence(),
            issued_at=now.block,
            expires_at=BlockNumber(now.block + LIFETIME_BLOCKS),
        )

    async def run(self, admit: Callable[[bytes], None], publish: Publish) -> None:
        """Announce until cancelled.

        Args:
            admit: takes what is said into this node's own directory.
            publish: sends it.
        """
        while True:
            if self.capabilities and self._is_due():
                data = self.message(self.capabilities)
                self._issued_at = self._head.now().block
                self._signed_by = self._operator().key
                self._due = trio.current_time() + self.pace.heartbeat
                admit(data)
                await publish(self._topic, data)
            # A look, not a long sleep: the chain's head may jump, and with it expires what was said.
            await trio.sleep(LOOK_SECONDS)

    async def withdraw(self, publish: Publish) -> None:
        """Say that this node leaves, so that nobody waits for its time to run out."""
        if self.capabilities:
            self.capabilities = ()
            await publish(self._topic, self.message(()))

    def _is_due(self) -> bool:
        if self._operator().key != self._signed_by:
            return True  # rotated: what the old key said is refused from now on
        blocks = self._head.now().block - self._issued_at
        return trio.current_time() >= self._due or blocks >= LIFETIME_BLOCKS // 2
