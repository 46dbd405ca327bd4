"""Whole nodes' markets for tests: real sockets, a real dev chain, real agents, in this process."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import trio

from chain.calls import registry, reputation
from chain.calls.frame import TransferKeepAlive
from chain.client import Chain, open_chain
from chain.signing import development_signer, signer_from_identity
from chain.units import Roles
from market.hashing import Hash
from market.identity import AccountId, Identity, PeerId, PublicKey
from market.units import AINU, Planck
from node.database import Database
from node.journal import Submissions
from node.keystore.development import development_seed
from node.p2p.config import NetworkConfig
from node.p2p.network import Network, open_network
from node.requester import Terms
from node.trade.calls import Windows
from node.trading import Parts, Trading, open_trading
from tests.support.backends import Embedded, MemoryStore, open_embedded
from tests.support.networks import seed_of
from tests.support.runtime import runtime_path

__all__ = ["Announcements", "Market", "Node", "open_market", "tasks_events"]

BLOCK = 0.25
ZERO = Hash(bytes(32))
TERMS = Terms(windows=Windows(commit=8, reveal=8, accept=8), drift=100.0)
"""Windows for a busy machine; they end early once everybody has answered."""


class Announcements:
    """What everybody has announced, known to all at once."""

    def __init__(self) -> None:
        self.peers: dict[AccountId, PeerId] = {}
        self.offers: dict[AccountId, frozenset[tuple[str, int]]] = {}

    def peer_of(self, account: AccountId) -> PeerId | None:
        return self.peers.get(account)

    def pick(self, capability: str, version: int) -> frozenset[AccountId]:
        wanted = (capability, version)
        return frozenset(who for who, offers in self.offers.items() if wanted in offers)


@attrs.define
class Node:
    """A node's market and what it stands on."""

    name: str
    identity: Identity
    chain: Chain
    network: Network
    trading: Trading


class Market:
    """A chain and who trades on it."""

    def __init__(self, url: str, folder: Path, chain: Embedded | None = None) -> None:
        self.url, self.folder = url, folder
        self._chain = chain
        self.announced = Announcements()
        self._networks: dict[str, Network] = {}

    @property
    def chain(self) -> Embedded:
        """The chain, where it is this test's own."""
        assert self._chain is not None
        return self._chain

    async def register(
        self,
        *identities: Identity,
        bond: int = 0,
        funds: int = 1_000 * AINU,
        cold: AccountId | None = None,
    ) -> None:
        """Fund and register accounts, and bond for them, all at once."""
        async with open_chain(self.url, MemoryStore()) as chain, trio.open_nursery() as nursery:

            async def one(identity: Identity) -> None:
                name, signer = identity.peer, signer_from_identity(identity)
                to = TransferKeepAlive(identity.account, Planck(funds + bond))
                await chain.submit(f"fund {name}", to, development_signer("Alice"))
                call = registry.Register(cold, None, ZERO, ZERO, Roles.NONE)
                await chain.submit(f"register {name}", call, signer)
                if bond:
                    await chain.submit(f"bond {name}", reputation.Bond(Planck(bond)), signer)

            for identity in identities:
                nursery.start_soon(one, identity)

    async def fund(self, account: AccountId, amount: int) -> None:
        """Give an account money."""
        async with open_chain(self.url, MemoryStore()) as chain:
            to = TransferKeepAlive(account, Planck(amount))
            await chain.submit(f"fund {account.hex()}", to, development_signer("Alice"))

    @asynccontextmanager
    async def node(
        self,
        name: str,
        *,
        agents: Mapping[str, Any] | None = None,
        identity: Identity | None = None,
        terms: Terms = TERMS,
        signing: Callable[[PublicKey | None], Identity] | None = None,
        **options: Any,
    ) -> AsyncIterator[Node]:
        """Run a node; one of the same name goes on where the last one stopped."""
        identity = identity or identity_of(name)
        folder = self.folder / name
        database = Database.open(folder / "node.sqlite")
        async with AsyncExitStack() as stack:
            stack.callback(database.close)
            chain = await stack.enter_async_context(open_chain(self.url, Submissions(database)))
            network = await stack.enter_async_context(
                open_network(
                    NetworkConfig(), seed_of(name) if name not in DEV else development_seed(name)
                )
            )
            for other in self._networks.values():
                await network.connect(other.multiaddrs[0])
            self._networks[name] = network
            stack.callback(self._networks.pop, name)
            self.announced.peers[identity.account] = network.peer_id
            offers = {(n, a.offer.version) for n, a in (agents or {}).items()}
            self.announced.offers[identity.account] = frozenset(offers)
            stack.callback(self.announced.offers.pop, identity.account)
            parts = Parts(
                folder=folder,
                identity=identity,
                chain=chain,
                database=database,
                network=network,
                announced=self.announced,
                signing=signing,
            )
            trading = await stack.enter_async_context(
                open_trading(parts, agents=agents, terms=terms, **options)
            )
            yield Node(name, identity, chain, network, trading)


DEV = ("Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie")


def identity_of(name: str) -> Identity:
    """Return who a node is: a development account, or one of the test's own."""
    return Identity.from_seed(development_seed(name) if name in DEV else seed_of(name))


@asynccontextmanager
async def open_market(
    folder: Path, *, seal: str = "0.25", preset: str = "testnet"
) -> AsyncIterator[Market]:
    """Run a chain that seals by interval, with finality two blocks behind."""
    where = folder / "chain"
    async with open_embedded(
        runtime_path(), where, seal=seal, finality_lag=2, preset=preset
    ) as chain:
        yield Market(chain.url, folder, chain)


async def tasks_events(trading: Trading, task: bytes, until: str) -> list[str]:
    """Return the kinds of a task's events up to one of a kind."""
    kinds = []
    async for event in trading.life.stream(task):
        kinds.append(event.kind)
        if event.kind == until:
            return kinds
    raise AssertionError(f"the stream ended after {kinds}")
