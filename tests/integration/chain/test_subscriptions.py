"""Following the finalised chain: nothing missed, nothing told twice."""

import pytest
import trio

from chain.calls.frame import TransferKeepAlive
from chain.client import open_chain
from chain.errors import HistoryError
from chain.events.balances import Transfer
from chain.session import BlockRef
from chain.signing import development_signer
from chain.subscriptions import FinalBlock, follow_finalized
from market.units import BlockNumber, Planck
from tests.integration.chain.conftest import QUICK, QUICK_SUBMISSION, OpenBackend
from tests.support.backends import Backend, MemoryStore
from tests.support.node import embedded_only
from tests.support.tcp_proxy import open_proxy

pytestmark = [pytest.mark.integration, pytest.mark.chain]

ALICE, BOB = development_signer("Alice"), development_signer("Bob")


async def told(url: str, start: int, count: int, last: BlockRef | None = None) -> list[FinalBlock]:
    found = []
    with trio.fail_after(60):
        async with follow_finalized(
            url, BlockNumber(start), patience=QUICK, quiet=0.2, last=last
        ) as blocks:
            async for final in blocks:
                found.append(final)
                if len(found) == count:
                    break
    return found


async def test_every_event_is_told_once_though_the_connection_is_cut_all_the_time(
    backend: Backend, store: MemoryStore
) -> None:
    amounts = [Planck(10**10 + number) for number in range(6)]
    seen: list[FinalBlock] = []
    async with open_proxy(backend.url) as proxy, trio.open_nursery() as nursery:

        async def follow() -> None:
            seen.extend(await told(proxy.url, 1, 7))

        nursery.start_soon(follow)
        async with open_chain(
            backend.url, store, patience=QUICK, submission_patience=QUICK_SUBMISSION
        ) as chain:
            for amount in amounts:
                proxy.cut()
                await chain.submit(f"pay {amount}", TransferKeepAlive(BOB.account, amount), ALICE)
    assert [final.block.number for final in seen] == list(range(1, 8))
    transfers = [
        each.event.amount
        for final in seen
        for each in final.events
        if isinstance(each.event, Transfer)
    ]
    assert transfers == amounts


@embedded_only("a node's subscriptions cannot be told to stall")
async def test_a_frozen_subscription_is_no_reason_to_miss_a_block(backend: Backend) -> None:
    await backend.call(
        "dev_setFaults",
        {"calls": [{"method": "chain_subscribe*", "action": "stall", "times": None}]},
    )
    await backend.call("dev_newBlock", {"count": 5})
    assert [final.block.number for final in await told(backend.url, 1, 6)] == [1, 2, 3, 4, 5, 6]


async def test_only_what_is_final_is_told(open_backend: OpenBackend) -> None:
    async with open_backend(seal="manual", finality_lag=2) as backend:
        await backend.call("dev_newBlock", {"count": 3})  # head 6, final 4
        found = await told(backend.url, 1, 4)
        assert [final.block.number for final in found] == [1, 2, 3, 4]
        with pytest.raises(trio.TooSlowError), trio.fail_after(1):
            await told(backend.url, 5, 1)


@embedded_only("a node makes every block")
async def test_heights_that_were_jumped_over_are_passed_over(backend: Backend) -> None:
    await backend.advance(300)
    found = await told(backend.url, 1, 2)
    assert [final.block.number for final in found] == [1, 301]


async def test_who_begins_after_the_last_block_is_told_the_rest(backend: Backend) -> None:
    await backend.call("dev_newBlock", {"count": 4})
    first = await told(backend.url, 1, 3)
    rest = await told(backend.url, 4, 2, last=first[-1].block)
    assert [final.block.number for final in first + rest] == [1, 2, 3, 4, 5]


async def test_a_chain_whose_past_was_changed_is_not_followed_on_in_silence(
    backend: Backend,
) -> None:
    gone = BlockRef(BlockNumber(1), "0x" + "ab" * 32)
    with pytest.raises(HistoryError, match="begin anew"):
        await told(backend.url, 2, 1, last=gone)
