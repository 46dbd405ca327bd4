"""Whom a node connects to of itself: given addresses, peers of last time, neighbours on the LAN.

It goes on until it has a few connections, and begins again when it has lost them: a node that was
cut off comes back by itself.
"""

import logging
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Protocol

import trio
from libp2p.peer.id import ID

from market.identity import PeerId
from node.p2p.addresses import parse_peer, peer_from_library, peer_to_library
from node.p2p.config import NetworkConfig
from node.p2p.errors import NetworkUsageError, UnreachableError
from node.p2p.peerbook import read_bootstrap_file, read_peers, write_peers

__all__ = ["Bootstrap", "Dialler"]

ENOUGH: Final = 8
"""Connections with which we no longer look for more."""
FIRST_SECONDS, MOST_SECONDS = 1.0, 30.0
"""Between two rounds, doubling while they fail."""
REMEMBERED: Final = 500
"""Peers that were found and not asked for: whoever shouts on a LAN can name any number."""
WRITE_SECONDS: Final = 30.0
AT_A_TIME: Final = 8

_LOG: Final = logging.getLogger("ainur.p2p")


class Dialler(Protocol):
    """What this needs of a network."""

    peer_id: PeerId

    def learn(self, peer: PeerId, addresses: tuple[str, ...]) -> None:
        """Remember addresses."""
        ...

    def is_connected(self, peer: PeerId) -> bool:
        """Return whether there is a connection."""
        ...

    def connected(self) -> int:
        """Return to how many peers there is one."""
        ...

    async def connect_peer(self, peer: PeerId) -> PeerId:
        """Dial."""
        ...

    def known(self) -> dict[PeerId, tuple[str, ...]]:
        """Return the connected peers, with the addresses on which each listens."""
        ...


class Bootstrap:
    """Keeps a node connected.

    Raises:
        NetworkUsageError: an address is none, or the file cannot be read.
    """

    def __init__(self, config: NetworkConfig, network: Dialler) -> None:
        self._network = network
        self._store: Path | None = config.peer_store
        self._wanted: dict[PeerId, tuple[str, ...]] = {}
        addresses = config.bootstrap
        if config.bootstrap_file is not None:
            try:
                addresses += read_bootstrap_file(config.bootstrap_file)
            except OSError as error:
                raise NetworkUsageError(f"{config.bootstrap_file}: {error.strerror}") from error
        for address in addresses:
            info = parse_peer(address)
            peer = peer_from_library(info.peer_id)
            if peer != network.peer_id:
                self._wanted[peer] = (*self._wanted.get(peer, ()), *map(str, info.addrs))
        self._remembered = read_peers(self._store) if self._store is not None else {}
        self._written: dict[PeerId, tuple[str, ...]] = {}
        self._woken = trio.Event()

    @property
    def wanted(self) -> set[ID]:
        """Peers that were asked for by address."""
        return {peer_to_library(peer) for peer in self._wanted}

    def wake(self) -> None:
        """Look at once whether somebody is to be dialled: a connection was lost."""
        self._woken.set()

    def add(self, peer: PeerId, addresses: tuple[str, ...]) -> None:
        """Take in somebody who was found, on the LAN for instance."""
        if peer != self._network.peer_id and peer not in self._wanted:
            if len(self._remembered) >= REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[peer] = addresses
            self.wake()

    async def run(self) -> None:
        """Dial until cancelled."""
        pause = FIRST_SECONDS
        while True:
            missing = self._missing()
            reached = await self._dial(missing) if missing else 0
            pause = FIRST_SECONDS if reached or not missing else min(2 * pause, MOST_SECONDS)
            self._woken = trio.Event()
            with trio.move_on_after(pause * random.uniform(0.8, 1.2)):  # noqa: S311  (spread, no secret)
                await self._woken.wait()
                await trio.sleep(FIRST_SECONDS)  # a peer that has just gone is not there yet

    def _missing(self) -> dict[PeerId, tuple[str, ...]]:
        connected = self._network.connected()
        candidates = dict(self._wanted) if connected < ENOUGH else {}
        if connected < ENOUGH:
            candidates = {**self._remembered, **candidates}
        return {p: a for p, a in candidates.items() if not self._network.is_connected(p)}

    async def _dial(self, peers: dict[PeerId, tuple[str, ...]]) -> int:
        limit, reached = trio.CapacityLimiter(AT_A_TIME), [0]

        async def dial(peer: PeerId, addresses: tuple[str, ...]) -> None:
            async with limit:
                try:
                    self._network.learn(peer, addresses)
                    await self._network.connect_peer(peer)
                    reached[0] += 1
                except (UnreachableError, NetworkUsageError) as error:
                    _LOG.info("not reached: %s", error)
                    if peer not in self._wanted and self._network.connected() >= 1:
                        self._remembered.pop(peer, None)  # others are there: this one is gone

        async with trio.open_nursery() as nursery:
            for peer, addresses in peers.items():
                nursery.start_soon(dial, peer, addresses)
        return reached[0]

    async def keep_store(
        self, run_sync: Callable[..., Awaitable[None]] = trio.to_thread.run_sync
    ) -> None:
        """Write down who is connected, now and then, until cancelled."""
        if self._store is None:
            return
        while True:
            await trio.sleep(WRITE_SECONDS if self._written else 1.0)
            await self.write(run_sync)

    async def write(
        self, run_sync: Callable[..., Awaitable[None]] = trio.to_thread.run_sync
    ) -> None:
        """Write down who is connected; those of last time stay while nobody is."""
        known = self._network.known()
        if self._store is None or not known or known == self._written:
            return
        try:
            old = {p: a for p, a in self._remembered.items() if p not in known}
            await run_sync(write_peers, self._store, {**known, **old})
        except OSError as error:
            _LOG.warning("cannot write %s: %s", self._store, error)
            return
        self._written = known
