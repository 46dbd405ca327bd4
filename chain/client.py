"""The chain, as the rest of the program sees it: ask, submit, follow.

::

    async with open_chain("ws://127.0.0.1:9944", store) as chain:
        standing = await chain.queries.standing(account)
        receipt = await chain.submit("escrow 7: release", escrow.Release(EscrowId(7)), signer)

Importing this costs nothing heavy: substrate-interface is loaded by the thread that first connects.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import attrs

from chain.calls import Call
from chain.connection import Connection, Patience
from chain.errors import HistoryError
from chain.looks import Look, TaskName, look_at, read_account_facts, read_open
from chain.posted import Posted, read_remarks
from chain.queries import Queries
from chain.session import BlockRef, Session
from chain.signing import Signer
from chain.stored import Store
from chain.submission import Receipt, SubmissionPatience, Submitter
from chain.subscriptions import FinalBlock, follow_finalized
from market.auction.facts import AccountFacts
from market.hashing import GenesisHash
from market.identity import AccountId
from market.settlement.effects import Found
from market.units import BlockNumber, Planck

__all__ = ["Chain", "open_chain"]


@attrs.frozen
class Chain:
    """A chain that is connected to; see :func:`open_chain`."""

    _connection: Connection
    _submitter: Submitter
    queries: Queries

    async def submit(self, key: str, call: Call, signer: Signer) -> Receipt:
        """Have a call carried out once; see :meth:`chain.submission.Submitter.submit`."""
        return await self._submitter.submit(key, call, signer)

    async def genesis(self) -> GenesisHash:
        """Return the hash of block 0, which offers are bound to."""
        return await self._connection.read(lambda session: session.genesis)

    async def is_development(self) -> bool:
        """Return whether the chain says of itself that it is for development: well-known keys may sign there."""
        kind = await self._connection.read(lambda session: session.rpc("system_chainType"))
        return bool(kind == "Development")

    async def finalized(self) -> BlockRef:
        """Return the last finalised block."""
        return await self._connection.read(Session.finalized)

    async def free_balance(self, account: AccountId, block: str | None = None) -> Planck:
        """Return what an account may spend, holds not counted, at a block; the finalised one if None."""
        return Planck(await self._connection.read(lambda s: s.free_balance(account, block)))

    async def existential_deposit(self) -> Planck:
        """Return what has to stay in an account."""
        found = await self._connection.read(lambda s: s.constant("Balances", "ExistentialDeposit"))
        return Planck(found)

    async def millis_per_block(self) -> float | None:
        """Return how long the last blocks took; None where there are too few."""
        return await self._connection.read(lambda s: s.millis_per_block(s.finalized()))

    async def block_at(self, number: BlockNumber) -> BlockRef:
        """Return the block of a height.

        Raises:
            HistoryError: there is none.
        """
        [hash_] = await self._connection.read(lambda session: session.block_hashes([number]))
        if hash_ is None:
            raise HistoryError(
                f"there is no block {number}: a jump left it out, or it is yet to come"
            )
        return BlockRef(number, hash_)

    async def look(self, block: str, account: AccountId, tasks: Iterable[TaskName]) -> Look:
        """Return what a block has for some tasks, and the epoch of an account's offers."""
        names = tuple(tasks)
        return await self._connection.read(lambda s: look_at(s, block, account, names))

    async def open_escrows(self, block: str, account: AccountId) -> list[Found]:
        """Return the escrows of an account that have not ended, on either side."""
        return await self._connection.read(lambda s: read_open(s, block, account))

    async def account_facts(
        self, block: BlockRef, accounts: Iterable[AccountId]
    ) -> tuple[AccountFacts, ...]:
        """Return what an auction asks about accounts at its facts block."""
        asked = tuple(accounts)
        return await self._connection.read(
            lambda s: read_account_facts(s, block.hash, block.number, asked)
        )

    async def remarks(self, first: BlockNumber, last: BlockNumber) -> list[Posted]:
        """Return what was posted by ``remark_with_event`` in blocks of the best chain, both ends included.

        Raises:
            HistoryError: the node keeps one of the blocks no more.
        """
        return await self._connection.read(lambda session: read_remarks(session, first, last))

    def follow(
        self, start: BlockNumber, *, last: BlockRef | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[FinalBlock]]:
        """Follow the finalised chain; see :func:`chain.subscriptions.follow_finalized`."""
        connection = self._connection
        return follow_finalized(connection.url, start, patience=connection.patience, last=last)


@asynccontextmanager
async def open_chain(
    url: str,
    store: Store,
    *,
    genesis: GenesisHash | None = None,
    patience: Patience | None = None,
    submission_patience: SubmissionPatience | None = None,
) -> AsyncIterator[Chain]:
    """Connect to a chain.

    Args:
        url: such as ``ws://127.0.0.1:9944``.
        store: keeps what was signed; see :class:`chain.stored.Store`.
        genesis: refuse any other chain.
    """
    async with Connection(url, patience=patience, genesis=genesis) as connection:
        submitter = Submitter(connection, store, patience=submission_patience)
        yield Chain(connection, submitter, Queries(connection.read))
