"""The market's messages on the network: sealed going out, opened and checked coming in.

Everything that is wrong with a message is found here, once, before anybody acts on it: its form, its
chain, signature and key, whom it is for, whether it is current, whether it came before. On a topic
that decides what the message costs whoever passed it on; in a request it ends the stream.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, Generic, TypeVar

import attrs
import trio

from market.envelope import KeyDirectory, Opened, expect, open_untrusted, require_current, seal
from market.errors import DecodeError, EnvelopeError, PeerError
from market.hashing import GenesisHash, Hash, audience_of_topic
from market.identity import AccountId, Identity, PeerId
from market.messages import Body
from market.replay import ReplayWindow
from market.units import BlockNumber
from node.p2p.errors import AnswerError
from node.p2p.gossip import Heard, Verdict
from node.p2p.network import Network

__all__ = ["Inbox", "Mail"]

SENDERS: Final = 10_000
"""Senders whose replay windows are kept; the one not heard for longest goes first."""
BLAMELESS: Final = frozenset({"expired", "early", "stale", "replayed", "key"})
"""Reasons for which nobody is blamed: clocks, heads and registries differ between honest nodes."""

_B = TypeVar("_B", bound=Body)
_A = TypeVar("_A", bound=Body)


class Inbox(Generic[_B]):
    """What is heard on a topic, one message after the other: ``async for``, or :meth:`receive`."""

    def __init__(
        self, channel: trio.MemoryReceiveChannel[Heard], opened: "OrderedDict[bytes, Opened[_B]]"
    ) -> None:
        self._channel = channel
        self._opened = opened

    async def receive(self) -> Opened[_B]:
        """Wait for the next message.

        Raises:
            trio.EndOfChannel: there will be none.
        """
        while True:
            _, data = await self._channel.receive()
            if (message := self._opened.pop(data, None)) is not None:
                return message

    def __aiter__(self) -> "Inbox[_B]":
        """Iterate."""
        return self

    async def __anext__(self) -> Opened[_B]:
        """Return the next message."""
        try:
            return await self.receive()
        except (trio.EndOfChannel, trio.ClosedResourceError):
            raise StopAsyncIteration from None


@attrs.define(kw_only=True)
class Mail:
    """Sends and receives messages in envelopes."""

    network: Network
    identity: Identity
    genesis: GenesisHash
    keys: KeyDirectory
    """Who may sign for whom, as the chain knows it."""
    head: Callable[[], BlockNumber]
    """The finalised head."""
    sequence: Callable[[], int]
    """Numbers what is said, each higher than all before: a :class:`node.process.sequence.Sequence`."""
    _windows: OrderedDict[AccountId, ReplayWindow] = attrs.field(factory=OrderedDict, init=False)

    def seal(self, body: Body, audience: Hash | AccountId, lifetime: int) -> bytes:
        """Return a message in an envelope, good for some blocks.

        Raises:
            UsageError: a field exceeds its cap.
        """
        now = self.head()
        return seal(
            body,
            identity=self.identity,
            genesis=self.genesis,
            audience=audience,
            sequence=self.sequence(),
            issued_at=now,
            expires_at=BlockNumber(now + lifetime),
        )

    def open(
        self, data: bytes, kind: type[_B], audience: Hash | AccountId, lifetime: int
    ) -> Opened[_B]:
        """Check a message in full and count its sequence number.

        Args:
            data: bytes from a peer.
            kind: what it should be.
            audience: whom it should be for.
            lifetime: blocks between issue and expiry that are accepted.

        Raises:
            DecodeError: it is malformed.
            EnvelopeError: it is not one to act upon, for the reason it names.
        """
        message = expect(open_untrusted(data, genesis=self.genesis, keys=self.keys), kind)
        require_current(message, audiences=(audience,), now=self.head(), max_lifetime=lifetime)
        window = self._windows.get(message.sender, ReplayWindow()).admit(message.sequence)
        self._windows[message.sender] = window
        self._windows.move_to_end(message.sender)
        if len(self._windows) > SENDERS:
            self._windows.popitem(last=False)
        return message

    # Topics.

    async def publish(self, topic: str, body: Body, *, lifetime: int) -> None:
        """Send a message to everybody who listens to a topic."""
        await self.network.publish(topic, self.seal(body, audience_of_topic(topic), lifetime))

    @asynccontextmanager
    async def listen(
        self, topic: str, kind: type[_B], *, lifetime: int
    ) -> AsyncIterator["Inbox[_B]"]:
        """Listen to a topic while the block runs; what is heard has been checked in full."""
        audience = audience_of_topic(topic)
        opened: OrderedDict[bytes, Opened[_B]] = OrderedDict()

        def judge(peer: PeerId, data: bytes) -> Verdict:  # noqa: ARG001  (the envelope says whose it is)
            try:
                opened[data] = self.open(data, kind, audience, lifetime)
            except DecodeError:
                return Verdict.REJECT
            except EnvelopeError as error:
                return Verdict.IGNORE if error.reason in BLAMELESS else Verdict.REJECT
            while len(opened) > SENDERS:  # those that the reader was too slow for
                opened.popitem(last=False)
            return Verdict.ACCEPT

        channel = await self.network.subscribe(topic, judge)
        try:
            yield Inbox(channel, opened)
        finally:
            with trio.CancelScope(shield=True), trio.move_on_after(2.0):
                await self.network.unsubscribe(topic)
            channel.close()

    # Questions.

    def serve(
        self,
        protocol: str,
        kind: type[_B],
        handler: Callable[[PeerId, Opened[_B]], Awaitable[Body | None]],
        *,
        lifetime: int,
    ) -> None:
        """Answer messages of a protocol; None answers with nothing, which says: received."""

        async def on_request(peer: PeerId, data: bytes) -> bytes:
            message = self.open(data, kind, self.identity.account, lifetime)
            answer = await handler(peer, message)
            return b"" if answer is None else self.seal(answer, message.sender, lifetime)

        self.network.serve(protocol, on_request)

    async def tell(
        self,
        peer: PeerId,
        account: AccountId,
        protocol: str,
        body: Body,
        *,
        lifetime: int,
        timeout: float = 10.0,  # noqa: ASYNC109  (as the network's request)
    ) -> None:
        """Send a message to a peer and return once it has taken it.

        Raises:
            RequestError: it did not.
            UnreachableError: it cannot be dialled.
        """  # fmt: skip
        await self.network.request(peer, protocol, self.seal(body, account, lifetime), timeout)

    async def ask(
        self,
        peer: PeerId,
        account: AccountId,
        protocol: str,
        body: Body,
        answer: type[_A],
        *,
        lifetime: int,
        timeout: float = 10.0,  # noqa: ASYNC109
    ) -> Opened[_A]:
        """Send a message to a peer and return its answer, which that account has signed.

        Raises:
            AnswerError: what came is not that, or another account's.
            RequestError: nothing came.
            UnreachableError: it cannot be dialled.
        """  # fmt: skip
        data = await self.network.request(
            peer, protocol, self.seal(body, account, lifetime), timeout
        )
        try:
            opened = self.open(data, answer, self.identity.account, lifetime)
        except PeerError as error:
            raise AnswerError(peer, protocol, f"{peer}: {error}") from error
        if opened.sender != account:
            raise AnswerError(peer, protocol, f"{peer} answered in the name of another account")
        return opened
