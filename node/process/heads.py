"""What time it is: the finalised head of a chain, and whose key counts on it; or, without one, the clock.

Without a chain the network has no registry and no blocks. Then each account signs with its own key, and
blocks of six seconds are counted by the machine's clock, taken once at the start, so that setting the clock
later changes nothing. All nodes of such a network need clocks that agree within two blocks.
"""

import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, Protocol

import trio

from chain.client import Chain, open_chain
from chain.connection import Patience
from chain.errors import ChainError
from chain.stored import MemoryStore
from market.hashing import GenesisHash, digest
from market.identity import AccountId, PublicKey
from market.units import BlockNumber
from node.trade.operators import Operators
from routing.moment import Millis, Moment

__all__ = ["ChainHead", "ClockHead", "Head", "open_head"]

_LOG: Final = logging.getLogger("ainur.node")

BLOCK_SECONDS: Final = 6.0
LOOK_SECONDS: Final = 0.5
"""Between two looks at the chain's finalised head."""
AGENTS_SECONDS: Final = 30.0
"""Between two readings of the whole registry, where no event says that it changed."""
PATIENCE: Final = Patience(read=10.0)
"""A node that cannot reach its chain says so soon, at its start; later it goes on asking."""
NO_CHAIN: Final = GenesisHash(digest("network", b"without a chain"))

Rotated = Callable[[AccountId], None]


class Head(Protocol):
    """Port: the time, and whose key counts. Also a :class:`market.envelope.KeyDirectory`."""

    genesis: GenesisHash
    is_dev_chain: bool
    chain_url: str | None
    block_millis: int
    """Time that surely passes with a block; 0 where that is not known."""
    keys: Operators | None
    """The key directory of the chain; None without one."""

    def now(self) -> Moment:
        """Return the time."""
        ...

    def operator_key(self, account: AccountId, at: BlockNumber) -> PublicKey | None:
        """Return the key that signs for an account at a block."""
        ...

    def is_current(self) -> bool:
        """Return whether the head is one that was seen lately."""
        ...

    def on_rotated(self, hook: Rotated) -> None:
        """Call this with each account whose record in the registry changed."""
        ...


def monotonic() -> Millis:
    """Return the machine's steady clock, milliseconds."""
    return Millis(time.monotonic_ns() // 1_000_000)


class ClockHead:
    """No chain: blocks by the clock."""

    genesis = NO_CHAIN
    is_dev_chain = False
    chain_url: str | None = None
    keys: Operators | None = None
    block_millis = int(BLOCK_SECONDS * 1000)

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> Moment:
        """Return the time."""
        millis = monotonic()
        return Moment(BlockNumber(int((millis / 1000 + self._offset) / BLOCK_SECONDS)), millis)

    def operator_key(self, account: AccountId, at: BlockNumber) -> PublicKey | None:  # noqa: ARG002  # the port's signature
        """Return the account's own key: nobody rotates without a registry."""
        return PublicKey(account)

    def is_current(self) -> bool:
        """Return True: a clock has no connection to lose."""
        return True

    def on_rotated(self, hook: Rotated) -> None:
        """Do nothing: nobody rotates."""


class ChainHead:
    """The finalised chain, followed; its registry, kept."""

    block_millis = 0  # it may be sealed on demand

    def __init__(
        self,
        chain: Chain,
        url: str,
        genesis: GenesisHash,
        number: BlockNumber,
        *,
        is_dev_chain: bool,
    ) -> None:
        self._chain = chain
        self.genesis, self.is_dev_chain = genesis, is_dev_chain
        self.chain_url: str | None = url
        self._number = number
        self._seen = monotonic()
        self.keys: Operators | None
        self.keys = self._keys = Operators(chain)
        self._read_at = -AGENTS_SECONDS
        self._hooks: list[Rotated] = []

    def now(self) -> Moment:
        """Return the last finalised block that was seen, and the machine's clock."""
        return Moment(self._number, monotonic())

    def operator_key(self, account: AccountId, at: BlockNumber) -> PublicKey | None:
        """Return the key that signs for an account at a block; its own where it is not registered."""
        return self._keys.operator_key(account, at) or self._keys.last_key(account, at)

    def is_current(self) -> bool:
        """Return whether the chain has answered within the last ten seconds."""
        return monotonic() - self._seen < 10_000

    def on_rotated(self, hook: Rotated) -> None:
        """Call this with each account whose record changed."""
        self._hooks.append(hook)

    async def read_agents(self) -> None:
        """Read the registry.

        Raises:
            ChainError: the chain does not answer.
        """
        changed = await self._keys.read_all()
        self._read_at = trio.current_time()
        for account in sorted(changed):
            for hook in self._hooks:
                hook(account)

    async def run(self) -> None:
        """Follow the head and the registry until cancelled; a chain that is away is waited for."""
        away = False
        while True:
            try:
                final = await self._chain.finalized()
                moved, self._number = final.number != self._number, final.number
                self._seen = monotonic()
                if moved or trio.current_time() - self._read_at > AGENTS_SECONDS:
                    await self.read_agents()
                if away:
                    _LOG.info("the chain at %s answers again", self.chain_url)
                away = False
            except ChainError as error:
                if not away:
                    _LOG.warning("the chain at %s does not answer: %s", self.chain_url, error)
                away = True
            await trio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def open_head(url: str | None) -> AsyncIterator[Head]:
    """Return the chain's head, followed while the block runs, or the clock's where there is no chain.

    Raises:
        ChainError: the chain does not answer.
    """
    if url is None:
        yield ClockHead()
        return
    async with open_chain(url, MemoryStore(), patience=PATIENCE) as chain:
        final = await chain.finalized()
        head = ChainHead(
            chain, url, await chain.genesis(), final.number, is_dev_chain=await chain.is_development()
        )  # fmt: skip
        await head.read_agents()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(head.run)
            yield head
            nursery.cancel_scope.cancel()
