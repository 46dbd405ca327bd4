"""The finalised head that a node goes by, and whose key counts at it."""

import pytest
import trio

from chain.client import open_chain
from chain.signing import signer_from_identity
from chain.stored import MemoryStore
from market.identity import AccountId, Identity
from market.units import BlockNumber
from node.keystore.development import development_seed
from node.keystore.rotation import register_agent, rotate_operator
from node.process.heads import open_head
from tests.integration.chain.conftest import QUICK, QUICK_SUBMISSION
from tests.support.backends import Backend
from tests.support.networks import eventually

pytestmark = [pytest.mark.integration, pytest.mark.chain]

DAVE = Identity.from_seed(development_seed("Dave"))
NEW = Identity.from_seed(b"\1" * 32)


async def test_the_head_and_the_operator_key_follow_the_chain(backend: Backend) -> None:
    rotated: list[AccountId] = []
    async with (
        open_head(backend.url) as head,
        open_chain(
            backend.url, MemoryStore(), patience=QUICK, submission_patience=QUICK_SUBMISSION
        ) as chain,
    ):
        head.on_rotated(rotated.append)
        assert head.is_dev_chain
        assert head.genesis == await chain.genesis()
        assert head.operator_key(DAVE.account, BlockNumber(0)) == DAVE.key
        dave = signer_from_identity(DAVE)
        await register_agent(chain, dave, None)
        done = await rotate_operator(chain, DAVE.account, NEW, dave)
        await eventually(lambda: head.operator_key(DAVE.account, done.effective_at) == NEW.key)
        assert head.operator_key(DAVE.account, BlockNumber(done.effective_at - 1)) == DAVE.key
        rotated.clear()
        await backend.advance(done.effective_at - done.now)
        await eventually(lambda: head.now().block >= done.effective_at)
        await eventually(lambda: DAVE.account in rotated)
        assert head.is_current()


async def test_a_chain_that_is_away_is_waited_for(backend: Backend) -> None:
    async with open_head(backend.url) as head:
        before = head.now().block
        await backend.stop()
        await trio.sleep(1)
        assert head.now().block == before
        await backend.start()
        await backend.advance(5)
        await eventually(lambda: head.now().block > before and head.is_current())
