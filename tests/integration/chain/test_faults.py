"""Whatever is lost on the way, what was asked for is done once, and there is an end.

Each test moves one AINU to an account that had nothing, and then looks at that account: it has one AINU,
never none and never two.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

import attrs
import pytest
import trio

from chain.calls.frame import TransferKeepAlive
from chain.connection import Connection
from chain.errors import HistoryError, UnavailableError, UndecidedError
from chain.nonces import NonceLedger
from chain.signing import development_signer, signer_from_seed
from chain.submission import Submitter
from chain.units import Nonce
from market.identity import AccountId, ss58_from_account
from market.units import AINU, Planck
from tests.integration.chain.conftest import QUICK, QUICK_SUBMISSION, SLOWER, OpenBackend
from tests.support.backends import Backend, MemoryStore
from tests.support.node import IS_NODE, embedded_only
from tests.support.tcp_proxy import open_proxy

pytestmark = [pytest.mark.integration, pytest.mark.chain]

ALICE = development_signer("Alice")
TO = signer_from_seed(b"\x11" * 32).account
PAY = TransferKeepAlive(TO, Planck(AINU))
IMPATIENT = attrs.evolve(QUICK_SUBMISSION, whole=4.0 * SLOWER)


@asynccontextmanager
async def submitter(
    url: str, store: MemoryStore, **options: object
) -> AsyncIterator[tuple[Submitter, Connection]]:
    options.setdefault("patience", QUICK_SUBMISSION)
    async with Connection(url, patience=QUICK) as connection:
        yield Submitter(connection, store, **options), connection  # type: ignore[arg-type]  # by name


async def balance(backend: Backend, account: AccountId = TO) -> int:
    async with Connection(backend.url, patience=QUICK) as connection:
        return await connection.read(lambda session: session.free_balance(account))


async def until_pending(backend: Backend, count: int = 1) -> None:
    with trio.fail_after(30):
        while len(await backend.call("author_pendingExtrinsics")) < count:  # noqa: ASYNC110 (asked for)
            await trio.sleep(0.01)


async def until(condition: object) -> None:
    assert callable(condition)
    with trio.fail_after(30):
        while not condition():  # noqa: ASYNC110 (what is waited for is in another thread)
            await trio.sleep(0.01)


async def test_a_connection_cut_before_the_bytes_arrive_loses_nothing(
    backend: Backend, store: MemoryStore
) -> None:
    async with open_proxy(backend.url) as proxy, submitter(proxy.url, store) as (client, _):
        proxy.on("author_submitExtrinsic", "cut before")
        receipt = await client.submit("pay", PAY, ALICE)
        assert proxy.sprung
    assert receipt.attempt == 1
    assert await balance(backend) == AINU


async def test_a_connection_cut_after_the_bytes_arrived_and_before_the_answer_pays_once(
    backend: Backend, store: MemoryStore
) -> None:
    async with open_proxy(backend.url) as proxy, submitter(proxy.url, store) as (client, _):
        proxy.on("author_submitExtrinsic", "cut after")
        receipt = await client.submit("pay", PAY, ALICE)
        assert proxy.sprung
    assert receipt.attempt == 1
    assert await balance(backend) == AINU


async def test_a_connection_that_freezes_during_submission_is_given_up_and_pays_once(
    backend: Backend, store: MemoryStore
) -> None:
    async with open_proxy(backend.url) as proxy, submitter(proxy.url, store) as (client, _):
        proxy.on("author_submitExtrinsic", "freeze")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.submit, "pay", PAY, ALICE)
            await until(lambda: proxy.sprung)
            reached = proxy.accepted
            await until(lambda: proxy.accepted > reached)
            proxy.thaw()
    assert await balance(backend) == AINU


async def test_a_connection_lost_while_waiting_for_finality_pays_once(
    open_backend: OpenBackend, store: MemoryStore
) -> None:
    async with (
        open_backend(seal="manual", finality_lag=2) as backend,
        open_proxy(backend.url) as proxy,
        submitter(proxy.url, store) as (client, _),
    ):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.submit, "pay", PAY, ALICE)
            await until_pending(backend)
            for _ in range(3):
                proxy.cut()
                await backend.call("dev_newBlock")
        assert await balance(backend) == AINU
        assert store.saved[-1].attempt == 1


async def test_a_slow_network_pays_once(backend: Backend, store: MemoryStore) -> None:
    async with open_proxy(backend.url) as proxy, submitter(proxy.url, store) as (client, _):
        proxy.delay = 0.05
        await client.submit("pay", PAY, ALICE)
    assert await balance(backend) == AINU


async def test_in_a_block_is_not_believed_before_it_is_final(
    open_backend: OpenBackend, store: MemoryStore
) -> None:
    async with (
        open_backend(seal="manual", finality_lag=2) as backend,
        submitter(backend.url, store) as (client, _),
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(client.submit, "pay", PAY, ALICE)
        await until_pending(backend)
        await backend.call("dev_newBlock")
        await trio.sleep(0.3)
        assert store.saved[-1].place is None
        for _ in range(2):
            await backend.call("dev_newBlock")
    assert store.saved[-1].place is not None


async def test_a_reorganisation_that_undoes_the_payment_ends_with_one_payment(
    open_backend: OpenBackend, store: MemoryStore
) -> None:
    async with (
        open_backend(seal="manual", finality_lag=2) as backend,
        submitter(backend.url, store) as (client, _),
    ):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.submit, "pay", PAY, ALICE)
            await until_pending(backend)
            await backend.call("dev_newBlock")
            await backend.reorg(1)
            for _ in range(4):
                await backend.call("dev_newBlock")
        assert await balance(backend) == AINU


async def test_a_chain_that_restarts_without_its_pool_gets_the_same_bytes_again(
    open_backend: OpenBackend, store: MemoryStore
) -> None:
    async with (
        open_backend(seal="manual") as backend,
        submitter(backend.url, store) as (client, _),
    ):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.submit, "pay", PAY, ALICE)
            await until_pending(backend)
            await backend.restart()
            await until_pending(backend)
            await backend.call("dev_newBlock")
        assert await balance(backend) == AINU
        assert {each.raw for each in store.saved} == {store.saved[0].raw}


async def test_a_chain_that_restarts_after_it_paid_does_not_pay_again(
    open_backend: OpenBackend, store: MemoryStore
) -> None:
    async with (
        open_backend(seal="manual", finality_lag=2) as backend,
        submitter(backend.url, store) as (client, _),
    ):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.submit, "pay", PAY, ALICE)
            await until_pending(backend)
            await backend.call("dev_newBlock")
            await backend.stop()
            await trio.sleep(0.2)
            await backend.start()
            for _ in range(3):
                await backend.call("dev_newBlock")
        assert await balance(backend) == AINU


async def test_a_client_that_dies_is_succeeded_by_one_that_sends_the_same_bytes(
    open_backend: OpenBackend, store: MemoryStore
) -> None:
    async with open_backend(seal="manual") as backend:
        async with trio.open_nursery() as nursery, submitter(backend.url, store) as (client, _):
            nursery.start_soon(client.submit, "pay", PAY, ALICE)
            await until_pending(backend)
            nursery.cancel_scope.cancel()
        assert len(store.saved) == 1
        async with submitter(backend.url, store) as (client, _), trio.open_nursery() as nursery:
            nursery.start_soon(client.submit, "pay", PAY, ALICE)
            await trio.sleep(0.1)
            await backend.call("dev_newBlock")
        assert await balance(backend) == AINU
        assert store.saved[-1].attempt == 1
        assert store.saved[-1].place is not None


async def test_two_clients_of_one_account_lose_races_and_no_payments(backend: Backend) -> None:
    recipients = [signer_from_seed(bytes([n]) * 32).account for n in range(20, 28)]
    stores = [MemoryStore(), MemoryStore()]
    async with (
        submitter(backend.url, stores[0]) as (one, _),
        submitter(backend.url, stores[1]) as (two, _),
        trio.open_nursery() as nursery,
    ):
        for number, account in enumerate(recipients):
            client = (one, two)[number % 2]
            pay = TransferKeepAlive(account, Planck(AINU))
            nursery.start_soon(client.submit, f"pay {number}", pay, ALICE)
    assert [await balance(backend, account) for account in recipients] == [AINU] * 8


async def test_a_nonce_gap_is_filled_and_does_not_hold_up_the_payment(
    backend: Backend, store: MemoryStore
) -> None:
    nonces = NonceLedger()
    nonces.take(ALICE.account, Nonce(0))
    async with (
        submitter(backend.url, store, nonces=nonces) as (client, _),
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(client.submit, "pay", PAY, ALICE)
        await until(lambda: bool(store.saved))
        assert store.saved[0].nonce == 1
        nonces.release(ALICE.account, Nonce(0))  # refused before it left: now nobody uses it
    assert await balance(backend) == AINU
    assert store.saved[-1].attempt == 1
    address = ss58_from_account(ALICE.account)
    assert await backend.call("system_accountNextIndex", address) == 2


async def test_a_nonce_that_somebody_of_ours_holds_is_not_filled_and_there_is_an_end(
    backend: Backend, store: MemoryStore
) -> None:
    nonces = NonceLedger()
    nonces.take(ALICE.account, Nonce(0))
    # The library waits for ever for what is "future": here, patience runs out.
    async with submitter(backend.url, store, nonces=nonces, patience=IMPATIENT) as (client, _):
        with pytest.raises(UndecidedError, match="same key"):
            await client.submit("pay", PAY, ALICE)
    assert await balance(backend) == 0


async def test_an_era_that_ended_before_the_bytes_arrived_leads_to_new_bytes(
    backend: Backend, store: MemoryStore
) -> None:
    async with open_proxy(backend.url) as proxy, submitter(proxy.url, store) as (client, _):
        proxy.on("author_submitExtrinsic", "cut before")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.submit, "pay", PAY, ALICE)
            await until(lambda: proxy.sprung)
            proxy.refuse = True
            await backend.advance(5_000)
            proxy.refuse = False
    assert await balance(backend) == AINU
    assert store.saved[-1].attempt == 2
    assert store.saved[0].nonce == store.saved[-1].nonce == 0
    # The first bytes are worth nothing now, whoever kept them.
    with pytest.raises(AssertionError, match="1010"):
        await backend.call("author_submitExtrinsic", f"0x{store.saved[0].raw.hex()}")


async def test_a_payment_of_long_ago_is_found_block_by_block_and_not_repeated(
    backend: Backend, store: MemoryStore
) -> None:
    async with open_proxy(backend.url) as proxy, submitter(proxy.url, store) as (client, _):
        proxy.on("author_submitExtrinsic", "cut after")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.submit, "pay", PAY, ALICE)
            await until(lambda: proxy.sprung)
            proxy.refuse = True
            await backend.advance(300)
            proxy.refuse = False
    assert await balance(backend) == AINU
    assert store.saved[-1].attempt == 1


async def test_an_era_that_ended_after_the_payment_does_not_lead_to_a_second_one(
    backend: Backend, store: MemoryStore
) -> None:
    async with open_proxy(backend.url) as proxy, submitter(proxy.url, store) as (client, _):
        proxy.on("author_submitExtrinsic", "cut after")

        async def pay() -> None:
            # A node keeps every state, and the payment's events are found.
            forgotten = pytest.raises(HistoryError, match="was carried out in block")
            with nullcontext() if IS_NODE else forgotten:
                await client.submit("pay", PAY, ALICE)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(pay)
            await until(lambda: proxy.sprung)
            proxy.refuse = True
            await backend.advance(5_000)  # so far that the chain forgets the payment's events
            proxy.refuse = False
    assert await balance(backend) == AINU
    assert store.saved[-1].attempt == 1
    assert store.saved[-1].place is not None


async def test_a_chain_that_nobody_reaches_leaves_the_key_undecided_and_the_bytes_stored(
    backend: Backend, store: MemoryStore
) -> None:
    async with open_proxy(backend.url) as proxy:
        # With patience, so that it is signed and stored however slow this machine is; then it dies.
        async with submitter(proxy.url, store) as (client, _), trio.open_nursery() as nursery:
            proxy.on("author_submitExtrinsic", "cut before")
            nursery.start_soon(client.submit, "pay", PAY, ALICE)
            await until(lambda: proxy.sprung)
            proxy.refuse = True
            nursery.cancel_scope.cancel()
        assert len(store.saved) == 1
        # Without patience, and without a chain: nothing here has to be done in time.
        async with submitter(proxy.url, store, patience=IMPATIENT) as (client, _):
            with pytest.raises(UndecidedError, match="'pay' is not decided"):
                await client.submit("pay", PAY, ALICE)
        assert len(store.saved) == 1
        proxy.refuse = False
        async with submitter(proxy.url, store) as (client, _):
            receipt = await client.submit("pay", PAY, ALICE)
    assert receipt.attempt == 1
    assert {each.raw for each in store.saved} == {store.saved[0].raw}
    assert await balance(backend) == AINU


async def test_whether_anything_was_signed_is_told_apart_when_nobody_reaches_the_chain(
    backend: Backend, store: MemoryStore
) -> None:
    hasty = attrs.evolve(QUICK, read=0.1)
    async with open_proxy(backend.url) as proxy:
        proxy.refuse = True
        async with Connection(proxy.url, patience=hasty) as connection:
            client = Submitter(connection, store, patience=QUICK_SUBMISSION)
            with pytest.raises(UnavailableError):
                await client.submit("pay", PAY, ALICE)
        assert not store.saved
        proxy.refuse = False
        async with submitter(proxy.url, store) as (client, _):
            receipt = await client.submit("pay", PAY, ALICE)
        proxy.refuse = True
        async with Connection(proxy.url, patience=hasty) as connection:
            client = Submitter(connection, store, patience=QUICK_SUBMISSION)
            with pytest.raises(UndecidedError, match="the bytes are stored"):
                await client.submit("pay", PAY, ALICE)
        proxy.refuse = False
        async with submitter(proxy.url, store) as (client, _):
            assert await client.submit("pay", PAY, ALICE) == receipt
    assert await balance(backend) == AINU


async def test_what_is_signed_over_the_head_before_a_jump_is_carried_out_after_it(
    backend: Backend, store: MemoryStore
) -> None:
    async with submitter(backend.url, store) as (client, _):
        await client.submit("before", TransferKeepAlive(ALICE.account, Planck(AINU)), ALICE)
        await backend.advance(20)  # within the moment for which the client's head is good enough
        await client.submit("pay", PAY, ALICE)
    assert await balance(backend) == AINU


@embedded_only("a node's pool cannot be told to refuse")
async def test_a_full_pool_is_waited_for(backend: Backend, store: MemoryStore) -> None:
    await backend.call("dev_setFaults", {"refuse": 3})
    async with submitter(backend.url, store) as (client, _):
        receipt = await client.submit("pay", PAY, ALICE)
    assert receipt.attempt == 1
    assert await balance(backend) == AINU


async def test_bytes_of_another_chain_are_neither_sent_nor_signed_again(
    backend: Backend, store: MemoryStore
) -> None:
    async with submitter(backend.url, store) as (client, _):
        await client.submit("pay", PAY, ALICE)
        stored = store.saved[0]
        store.saved = [attrs.evolve(stored, genesis=type(stored.genesis)(bytes(32)))]
        with pytest.raises(HistoryError, match="stored for the chain"):
            await client.submit("pay", PAY, ALICE)
