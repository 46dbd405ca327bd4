"""The two networks that are measured: ours, and the library with the settings it comes with."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final, Protocol

import trio
from libp2p import new_host
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.custom_types import TProtocol
from libp2p.kad_dht.kad_dht import DHTMode, KadDHT
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.pubsub.gossipsub import GossipSub
from libp2p.pubsub.pubsub import Pubsub
from libp2p.request_response import RequestContext, RequestResponse
from libp2p.tools.anyio_service import background_trio_service
from multiaddr import Multiaddr

from market.identity import PeerId
from node.p2p.config import NetworkConfig
from node.p2p.gossip import Verdict
from node.p2p.network import Network, open_network

__all__ = ["INVALID", "SUBJECTS", "Subject"]

ECHO: Final = "/ainur/bench/echo/1.0.0"
TOPIC: Final = "/ainur/v1/cfp/0"
LISTEN: Final = "/ip4/127.0.0.1/tcp/0"
DEGREE, DEGREE_LOW, DEGREE_HIGH = 6, 4, 12
"""Stock has no defaults for these; they are what its examples and the specification say."""

INVALID: Final = b"invalid"

Heard = Callable[[bytes], None]


class Subject(Protocol):
    """What is done with either."""

    peer: str
    address: str

    async def connect(self, address: str) -> None:
        """Dial a peer."""
        ...

    async def ask(self, peer: str, data: bytes) -> bytes:
        """Have a peer echo some bytes."""
        ...

    async def subscribe(self, heard: Heard) -> None:
        """Call something with each message of others."""
        ...

    async def publish(self, data: bytes) -> None:
        """Send a message to everybody."""
        ...

    async def provide(self, key: bytes) -> None:
        """Say that this node provides a key."""
        ...

    async def find(self, key: bytes) -> set[str]:
        """Return who provides a key."""
        ...


def _judge(peer: PeerId, data: bytes) -> Verdict:  # noqa: ARG001
    return Verdict.REJECT if data == INVALID else Verdict.ACCEPT


class _Ours:
    def __init__(self, network: Network, nursery: trio.Nursery) -> None:
        self._network = network
        self._nursery = nursery
        self.peer: str = network.peer_id
        self.address = network.multiaddrs[0]

        async def echo(peer: PeerId, data: bytes) -> bytes:  # noqa: ARG001
            return data

        network.serve(ECHO, echo)

    async def connect(self, address: str) -> None:
        await self._network.connect(address)

    async def ask(self, peer: str, data: bytes) -> bytes:
        return await self._network.request(PeerId(peer), ECHO, data, 30.0)

    async def subscribe(self, heard: Heard) -> None:
        channel = await self._network.subscribe(TOPIC, _judge)

        async def listen() -> None:
            async for _, data in channel:
                heard(data)

        self._nursery.start_soon(listen)

    async def publish(self, data: bytes) -> None:
        await self._network.publish(TOPIC, data)

    async def provide(self, key: bytes) -> None:
        await self._network.provide(key)

    async def find(self, key: bytes) -> set[str]:
        return {found.peer for found in await self._network.find_providers(key)}


@asynccontextmanager
async def _open_ours(seed: bytes) -> AsyncIterator[Subject]:
    async with (
        open_network(NetworkConfig(listen=(LISTEN,)), seed) as network,
        trio.open_nursery() as nursery,
    ):
        yield _Ours(network, nursery)
        nursery.cancel_scope.cancel()


class _Bytes:
    """A codec that does nothing."""

    def encode_request(self, request: bytes) -> bytes:
        return request

    decode_request = encode_response = decode_response = encode_request


class _Stock:
    def __init__(self, host: Any, pubsub: Pubsub, dht: KadDHT, nursery: trio.Nursery) -> None:
        self._host, self._pubsub, self._dht, self._nursery = host, pubsub, dht, nursery
        self._requests = RequestResponse(host)
        self.peer = host.get_id().to_base58()
        self.address = str(host.get_addrs()[0])

        async def echo(data: bytes, context: RequestContext) -> bytes:  # noqa: ARG001
            return data

        self._requests.set_handler(TProtocol(ECHO), echo, _Bytes())

    async def connect(self, address: str) -> None:
        info = info_from_p2p_addr(Multiaddr(address))
        await self._host.connect(info)
        await self._dht.routing_table.add_peer(info)

    async def ask(self, peer: str, data: bytes) -> bytes:
        from libp2p.peer.id import ID

        answer: bytes = await self._requests.send_request(
            ID.from_base58(peer), [TProtocol(ECHO)], data, _Bytes()
        )
        return answer

    async def subscribe(self, heard: Heard) -> None:
        subscription = await self._pubsub.subscribe(TOPIC)

        async def listen() -> None:
            while True:
                message = await subscription.get()
                if message.from_id != self._host.get_id().to_bytes():
                    heard(message.data)

        self._nursery.start_soon(listen)

    async def publish(self, data: bytes) -> None:
        await self._pubsub.publish(TOPIC, data)

    async def provide(self, key: bytes) -> None:
        await self._dht.provide(key.hex())

    async def find(self, key: bytes) -> set[str]:
        return {found.peer_id.to_base58() for found in await self._dht.find_providers(key.hex())}


@asynccontextmanager
async def _open_stock(seed: bytes) -> AsyncIterator[Subject]:
    host = new_host(key_pair=create_new_key_pair(seed))
    async with host.run([Multiaddr(LISTEN)]):
        router = GossipSub([TProtocol("/meshsub/1.1.0")], DEGREE, DEGREE_LOW, DEGREE_HIGH)
        pubsub, dht = Pubsub(host, router), KadDHT(host, DHTMode.SERVER)
        async with (
            background_trio_service(pubsub),
            background_trio_service(router),
            background_trio_service(dht),
            trio.open_nursery() as nursery,
        ):
            await pubsub.wait_until_ready()
            yield _Stock(host, pubsub, dht, nursery)
            nursery.cancel_scope.cancel()
        await host.close()


SUBJECTS: dict[str, Callable[[bytes], AbstractAsyncContextManager[Subject]]] = {
    "ours": _open_ours,
    "stock": _open_stock,
}
