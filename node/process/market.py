"""A node's market: what it sells and buys, on a chain; nothing where there is no chain."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import attrs

from chain.client import open_chain
from chain.signing import signer_from_identity
from market.identity import AccountId, PeerId
from market.messages.fields import MAX_BIDDERS
from node.checks.programs import CheckPrograms
from node.database import Database
from node.directory.service import DirectoryService
from node.executor.limits import Grants, Limits
from node.executor.running import RunningAgent
from node.journal import Submissions
from node.p2p.network import Network
from node.process.datadir import DataDir
from node.process.heads import Head
from node.process.keys import NodeKeys
from node.requester import Terms
from node.trading import Parts, Trading, open_trading
from routing.directory.query import MAX_RESULTS, ByName, Filter

__all__ = ["open_market"]


@attrs.define
class _Announced:
    """The node's directory, as the market asks it: everybody who offers a capability hears a call for it."""

    _service: DirectoryService
    _head: Head
    _network: Network

    def peer_of(self, account: AccountId) -> PeerId | None:
        """Return where an account has announced itself, and let the network know how to reach it."""
        entry = self._service.directory.get(account, self._head.now())
        if entry is None:
            return None
        if not self._network.is_connected(entry.peer):
            self._network.learn(entry.peer, entry.addresses)
        return entry.peer

    def pick(self, capability: str, version: int) -> frozenset[AccountId]:
        """Return everybody who offers it, up to as many as an auction takes."""
        query = ByName(
            capability, filter=Filter(version=version), limit=min(MAX_BIDDERS, MAX_RESULTS)
        )
        found = self._service.directory.find(query, self._head.now())
        return frozenset(match.entry.account for match in found)


@asynccontextmanager
async def open_market(
    folder: DataDir,
    keys: NodeKeys,
    head: Head,
    network: Network,
    service: DirectoryService,
    *,
    agents: dict[str, RunningAgent],
    slots: int,
    terms: Terms,
    grants: Grants,
) -> AsyncIterator[Trading | None]:
    """Trade while the block runs; None where there is no chain.

    Raises:
        DatabaseError: another process has the folder, or the disk has failed.
        ChainError: the chain does not answer.
    """
    if head.chain_url is None:
        yield None
        return
    async with AsyncExitStack() as stack:
        database = Database.open(folder.path / "node.sqlite")
        stack.callback(database.close)
        store = Submissions(database)
        chain = await stack.enter_async_context(
            open_chain(head.chain_url, store, genesis=head.genesis)
        )
        parts = Parts(
            folder=folder.path,
            identity=keys.operator,
            chain=chain,
            database=database,
            network=network,
            announced=_Announced(service, head, network),
            account=signer_from_identity(keys.own),
            keys=head.keys,
            signing=keys.signing,
        )
        trading = await stack.enter_async_context(
            open_trading(
                parts,
                agents=agents,
                slots=slots,
                terms=terms,
                programs=CheckPrograms(Limits(), grants),
            )
        )
        yield trading
