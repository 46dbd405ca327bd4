"""Envelopes to and from accounts: the port :class:`market.ports.Net`, over requests between peers.

Theory of operation. Each account has a queue and a task that empties it in order, one message at a time; the answer to a
message says that it was taken, after it was saved there. What cannot be delivered is tried a few times and then dropped:
the market's machines say again what matters, and never rely on a message.

Where an account is follows from three things, the best first: the peer that brought a message which that account had
signed, the directory of announcements, and the peer whose key is the account's operator key.
"""

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import attrs
import trio

from chain.errors import UnavailableError
from market.envelope import decode_envelope_untrusted
from market.errors import MarketError
from market.identity import AccountId, PeerId, peer_id_from_key
from market.units import BlockNumber
from node.p2p.errors import NetworkError
from node.p2p.network import Network
from node.trade.operators import Operators

__all__ = ["PROTOCOL", "Directory", "Post", "Whereabouts"]

PROTOCOL: Final = "/ainur/market/1.0.0"
"""A request is one envelope; the answer is empty, or says in one word why it was not taken."""
QUEUE: Final = 256
"""Messages that wait for one account; beyond that the newest are dropped."""
PAUSES: Final = (0.05, 0.2, 1.0)
"""Seconds before the second, third and fourth attempt."""
IDLE: Final = 60.0
"""Seconds after which an account's task ends."""
SECONDS: Final = 10.0
"""For one delivery."""
MAX_PEERS: Final = 4_096

_LOG: Final = logging.getLogger("ainur.post")


class Directory(Protocol):
    """Port: the announcements that are known."""

    def peer_of(self, account: AccountId) -> PeerId | None:
        """Return where an account has announced itself; its addresses are known to the network."""
        ...


class Whereabouts:
    """Which peer stands for an account."""

    def __init__(self, directory: Directory, operators: Operators) -> None:
        self._directory, self._operators = directory, operators
        self._seen: OrderedDict[AccountId, PeerId] = OrderedDict()

    def saw(self, account: AccountId, peer: PeerId) -> None:
        """Note that a peer brought a message which an account has signed."""
        self._seen[account] = peer
        self._seen.move_to_end(account)
        while len(self._seen) > MAX_PEERS:
            self._seen.popitem(last=False)

    async def peer_of(self, account: AccountId, head: BlockNumber) -> PeerId | None:
        """Return the peer of an account; None where it is not known.

        Raises:
            UnavailableError: the chain does not answer.
        """
        known = self._directory.peer_of(account) or self._seen.get(account)
        if known is not None:
            return known
        await self._operators.prepare(account, head)
        key = self._operators.operator_key(account, head)
        return None if key is None else peer_id_from_key(key)


@attrs.define
class _Box:
    send: trio.MemorySendChannel[bytes]
    receive: trio.MemoryReceiveChannel[bytes]


class Post:
    """Sends and receives."""

    def __init__(
        self,
        network: Network,
        where: Whereabouts,
        *,
        hear: Callable[[bytes], Awaitable[None]],
        head: Callable[[], BlockNumber],
    ) -> None:
        """Make one; nothing happens before :meth:`run`.

        Args:
            network: over which.
            where: which peer stands for an account.
            hear: takes a message from a peer; it returns once the message is saved.
            head: the finalised head, as far as the node has it.
        """
        self._network, self._where, self._hear, self._head = network, where, hear, head
        self._boxes: dict[AccountId, _Box] = {}
        self._nursery: trio.Nursery | None = None
        self.dropped = 0
        """Messages that could not be delivered."""

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Send and receive until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            self._network.serve(PROTOCOL, self._on_request)
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                self._nursery = None  # what is sent from now on is not: the node goes
                self._network.stop_serving(PROTOCOL)

    def send(self, to: AccountId, message: bytes) -> None:
        """Send to one account, as well as that can be done now."""
        if self._nursery is None:
            return
        box = self._boxes.get(to)
        if box is None:
            box = self._boxes[to] = _Box(*trio.open_memory_channel[bytes](QUEUE))
            self._nursery.start_soon(self._empty, to, box)
        try:
            box.send.send_nowait(message)
        except trio.WouldBlock:
            self._drop(to, "too many wait")

    async def _empty(self, to: AccountId, box: _Box) -> None:
        while True:
            message: bytes | None = None
            with trio.move_on_after(IDLE):
                message = await box.receive.receive()
            if message is None:
                # Nothing has come in between: this does not give way to anybody.
                del self._boxes[to]
                return
            await self._deliver(to, message)

    async def _deliver(self, to: AccountId, message: bytes) -> None:
        why = ""
        for pause in (0.0, *PAUSES):
            await trio.sleep(pause)
            try:
                peer = await self._where.peer_of(to, self._head())
                if peer is None:
                    self._drop(to, "nobody knows where it is")
                    return
                answer = await self._network.request(peer, PROTOCOL, message, SECONDS)
            except (NetworkError, UnavailableError) as error:
                why = str(error)
                continue
            if answer:
                _LOG.debug("%s did not take a message: %s", _name(to), answer[:64])
            return
        self._drop(to, why)

    def _drop(self, to: AccountId, why: str) -> None:
        self.dropped += 1
        _LOG.info("a message to %s was dropped: %s", _name(to), why)

    async def _on_request(self, peer: PeerId, data: bytes) -> bytes:
        try:
            await self._hear(data)
        except MarketError as error:
            _LOG.debug("%s sent what is not taken: %s", peer, error)
            return str(getattr(error, "reason", type(error).__name__)).encode()
        except UnavailableError:
            return b"unavailable"
        self._where.saw(decode_envelope_untrusted(data).sender, peer)
        return b""


def _name(account: AccountId) -> str:
    return account.hex()[:12]
