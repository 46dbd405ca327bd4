"""The DHT as this node uses it: to find peers to enter by, never as the list of agents.

Who is listed there is not signed by anybody and can be crowded out; agents are found by their
announcements. Popular keys are sharded by epoch and bucket, so that no few peers hold one for long.
"""

import hashlib
import random
from typing import Final

import attrs
import trio
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo

from market.identity import PeerId
from node.p2p.addresses import peer_from_library, peer_to_library
from node.p2p.errors import NetworkUsageError
from node.p2p.hardening.faults import faults
from node.p2p.hardening.host import BoundedHost
from node.p2p.hardening.kad import PROTOCOL, BoundedKad

__all__ = ["Dht", "Provider", "capability_key"]

KEY_PREFIX: Final = b"\x12\x20"
"""Multihash: sha2-256, 32 bytes."""
LOOKUPS: Final = 5
LOOKUP_SECONDS: Final = 30.0
PROVIDE_SECONDS: Final = 10 * 60.0
"""Between two announcements of one key."""
PACE_SECONDS: Final = 0.1
"""Between the announcements of two keys."""
REFRESH_SECONDS: Final = 60.0
FIRST_REFRESH_SECONDS: Final = 1.0


@attrs.frozen
class Provider:
    """Somebody who says it provides a key; nothing vouches for that."""

    peer: PeerId
    addresses: tuple[str, ...]


def capability_key(capability: str, epoch: int, bucket: int) -> bytes:
    """Return the DHT key of one bucket of a capability's providers in an epoch."""
    name = f"ainur/1/provider/{capability}/{epoch}/{bucket}".encode()
    return KEY_PREFIX + hashlib.sha256(name).digest()


class Dht:
    """Provides keys, and finds who does."""

    def __init__(self, host: BoundedHost, *, server: bool) -> None:
        self._host = host
        self._kad = BoundedKad(host, server=server)
        self._lookups = trio.CapacityLimiter(LOOKUPS)
        self._provided: dict[bytes, float] = {}
        self._woken = trio.Event()

    @property
    def table_size(self) -> int:
        """Peers in the routing table."""
        return self._kad.routing_table.size()

    async def add(self, peer: ID) -> None:
        """Take a peer into the routing table when it says that it speaks our protocol."""
        store = self._host.store
        addresses = store.addresses(peer)
        if addresses and str(PROTOCOL) in store.get_protocols(peer):
            await self._kad.routing_table.add_peer(PeerInfo(peer, addresses))

    def remove(self, peer: ID) -> None:
        """Take a peer out of the routing table."""
        self._kad.routing_table.remove_peer(peer)

    async def provide(self, key: bytes) -> bool:
        """Say that we provide a key, now and each ten minutes; return whether anybody heard it.

        Raises:
            NetworkUsageError: it is not a sha2-256 multihash.
        """
        _require_key(key)
        self._provided[key] = trio.current_time() + PROVIDE_SECONDS
        return await self._announce(key)

    async def _announce(self, key: bytes) -> bool:
        async with self._lookups:
            with trio.move_on_after(LOOKUP_SECONDS):
                return await self._kad.provider_store.provide(key)
        return False

    def unprovide(self, key: bytes) -> None:
        """Say it no more; what peers know of it expires in half an hour."""
        self._provided.pop(key, None)
        self._kad.provider_store.withdraw(key)

    async def find_providers(self, key: bytes, limit: int = 100) -> list[Provider]:
        """Ask the network who provides a key, ourselves aside.

        Raises:
            NetworkUsageError: it is not a sha2-256 multihash.
        """
        _require_key(key)
        found: list[PeerInfo] = []
        async with self._lookups:
            with trio.move_on_after(LOOKUP_SECONDS):
                found = await self._kad.provider_store.find_providers(key, limit)
        return [
            Provider(peer_from_library(info.peer_id), tuple(str(a) for a in info.addrs))
            for info in found
        ]

    async def find_peer(self, peer: PeerId) -> tuple[str, ...]:
        """Return addresses of a peer that the network knows."""
        async with self._lookups:
            with trio.move_on_after(LOOKUP_SECONDS):
                info = await self._kad.find_peer(peer_to_library(peer))
                return tuple(str(a) for a in info.addrs) if info is not None else ()
        return ()

    async def run(self) -> None:
        """Keep the routing table fresh and our keys announced."""
        next_refresh = trio.current_time() + FIRST_REFRESH_SECONDS
        while True:
            try:
                if trio.current_time() >= next_refresh:
                    await self._refresh()
                    next_refresh = trio.current_time() + REFRESH_SECONDS * random.uniform(0.8, 1.2)  # noqa: S311  (spread, no secret)
                for key, due in list(self._provided.items()):
                    if trio.current_time() >= due and key in self._provided:
                        self._provided[key] = trio.current_time() + PROVIDE_SECONDS
                        await self._announce(key)
                        await trio.sleep(PACE_SECONDS)
            except Exception as error:  # noqa: BLE001  (upkeep goes on, whatever a peer answered)
                faults.report("kad", "-", "upkeep-failed", error)
            await trio.sleep(1.0)

    async def _refresh(self) -> None:
        self._kad.provider_store.cleanup_expired()
        connected = self._host.get_connected_peers()
        self._host.store.renew(connected)
        for peer in connected:
            await self.add(peer)
        async with self._lookups:
            with trio.move_on_after(LOOKUP_SECONDS):
                await self._kad.refresh_routing_table()


def _require_key(key: bytes) -> None:
    if len(key) != len(KEY_PREFIX) + 32 or not key.startswith(KEY_PREFIX):
        raise NetworkUsageError("a DHT key is a sha2-256 multihash of 34 bytes: see capability_key")
