"""Who comes and who goes: the library's events, once for each peer, told to hooks that may fail."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

import trio
from libp2p.abc import INetConn, INetStream, INetwork, INotifee
from libp2p.peer.id import ID
from multiaddr import Multiaddr

from market.identity import PeerId
from node.p2p.addresses import peer_from_library
from node.p2p.hardening.faults import faults
from node.p2p.hardening.host import BoundedHost

__all__ = ["Events", "Hook"]

HOOK_SECONDS: Final = 30.0
WAITING: Final = 1_024

_LOG: Final = logging.getLogger("ainur.p2p")

Hook = Callable[[PeerId], Awaitable[None]]


class Events(INotifee):
    """Tells hooks of peers, not of connections.

    Args:
        gone: called with each peer that has left, before any hook.
    """

    def __init__(self, host: BoundedHost, gone: Callable[[ID], None]) -> None:
        self._host = host
        self._gone = gone
        self._come_hooks: list[Hook] = []
        self._gone_hooks: list[Hook] = []
        self._known: set[ID] = set()
        self._nursery: trio.Nursery | None = None
        self._send, self._receive = trio.open_memory_channel[ID](WAITING)
        host.get_network().register_notifee(self)

    def on_connected(self, hook: Hook) -> None:
        """Call this with each peer that is there or will be."""
        self._come_hooks.append(hook)
        if self._nursery is not None:
            for peer in self._known:
                self._nursery.start_soon(self._call, hook, peer)

    def on_disconnected(self, hook: Hook) -> None:
        """Call this with each peer whose last connection has ended."""
        self._gone_hooks.append(hook)

    async def run(self) -> None:
        """Tell hooks until cancelled."""
        async with trio.open_nursery() as self._nursery:
            async for peer in self._receive:
                there = bool(self._host.get_network().get_connections(peer))
                if there == (peer in self._known):
                    continue
                if there:
                    self._known.add(peer)
                else:
                    self._known.discard(peer)
                    self._gone(peer)
                for hook in self._come_hooks if there else self._gone_hooks:
                    self._nursery.start_soon(self._call, hook, peer)

    async def _call(self, hook: Hook, peer: ID) -> None:
        try:
            with trio.move_on_after(HOOK_SECONDS):
                await hook(peer_from_library(peer))
        except Exception:  # noqa: BLE001  (a hook's bug must not end the network; it is told in full)
            _LOG.exception("a hook failed on %s", peer)

    def _note(self, conn: INetConn) -> None:
        try:
            self._send.send_nowait(conn.muxed_conn.peer_id)
        except trio.WouldBlock:
            faults.report("network", conn.muxed_conn.peer_id, "too-many-events", WAITING)

    async def connected(self, network: INetwork, conn: INetConn) -> None:  # noqa: ARG002
        """Take note of a new connection."""
        self._note(conn)

    async def disconnected(self, network: INetwork, conn: INetConn) -> None:  # noqa: ARG002
        """Take note of the end of one."""
        self._note(conn)

    async def opened_stream(self, network: INetwork, stream: INetStream) -> None:
        """Nothing: streams are not followed."""

    async def closed_stream(self, network: INetwork, stream: INetStream) -> None:
        """Nothing: streams are not followed."""

    async def listen(self, network: INetwork, multiaddr: Multiaddr) -> None:
        """Nothing."""

    async def listen_close(self, network: INetwork, multiaddr: Multiaddr) -> None:
        """Nothing."""
