"""Whose key signs at which block, on the real runtime."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chain.client import Chain, open_chain
from chain.signing import signer_from_identity
from chain.stored import MemoryStore
from market.identity import AccountId, Identity, PublicKey
from market.units import BlockNumber
from node.keystore.development import development_seed
from node.keystore.rotation import register_agent, rotate_operator
from node.trade.operators import Operators
from tests.support.backends import Embedded, open_embedded
from tests.support.runtime import runtime_path

pytestmark = [pytest.mark.integration, pytest.mark.chain]

DAVE = Identity.from_seed(development_seed("Dave"))
NEW = Identity.from_seed(bytes([1]) * 32)


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[Embedded]:
    async with open_embedded(runtime_path(), tmp_path / "chain") as running:
        yield running


async def key_at(keys: Operators, block: int) -> PublicKey | None:
    await keys.prepare(DAVE.account, BlockNumber(block))
    return keys.operator_key(DAVE.account, BlockNumber(block))


async def told(chain: Chain, keys: Operators, first: int, last: int) -> None:
    async with chain.follow(BlockNumber(first)) as blocks:
        async for final in blocks:
            keys.on_events(final.events)
            if final.block.number >= last:
                return


async def test_each_block_has_its_own_key_whenever_it_is_asked_about(backend: Embedded) -> None:
    dave = signer_from_identity(DAVE)
    async with open_chain(backend.url, MemoryStore()) as chain:
        followed = Operators(chain)
        start = (await chain.finalized()).number
        assert await key_at(followed, start) == DAVE.key  # nobody's agent: the account's own
        await register_agent(chain, dave, None)
        rotation = await rotate_operator(chain, DAVE.account, NEW, dave)
        scheduled = (await chain.finalized()).number
        await told(chain, followed, start, scheduled)
        await backend.advance(rotation.effective_at - scheduled + 2)
        end = (await chain.finalized()).number
        await told(chain, followed, scheduled + 1, end)
        for keys in (followed, Operators(chain)):
            for block in (end, scheduled, start):
                is_new = block >= rotation.effective_at
                assert await key_at(keys, block) == (NEW.key if is_new else DAVE.key), block


async def test_what_nobody_prepared_is_not_believed(backend: Embedded) -> None:
    async with open_chain(backend.url, MemoryStore()) as chain:
        keys = Operators(chain)
        assert keys.operator_key(AccountId(b"x" * 32), BlockNumber(1)) is None
        await keys.prepare(DAVE.account, BlockNumber(10**6))  # ahead of every head
        assert keys.operator_key(DAVE.account, BlockNumber(10**6)) == DAVE.key
