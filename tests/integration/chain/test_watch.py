"""What many wait for is asked once, and what never changes is not asked again."""

from collections import Counter
from typing import Any

import attrs
import pytest
import trio

from chain.calls.frame import Remark, TransferKeepAlive
from chain.client import open_chain
from chain.connection import Connection
from chain.library import _quiet_class
from chain.session import Session
from chain.signing import development_signer, signer_from_seed
from market.units import AINU, Planck
from tests.integration.chain.conftest import QUICK, QUICK_SUBMISSION
from tests.support.backends import Backend, MemoryStore
from tests.support.tcp_proxy import open_proxy

pytestmark = [pytest.mark.integration, pytest.mark.chain]

ALICE, BOB = development_signer("Alice"), development_signer("Bob")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[str, str]]:
    """What the library's connections ask of the node: method and arguments."""
    found: Counter[tuple[str, str]] = Counter()
    quiet = _quiet_class()
    original = quiet.rpc_request

    def counted(self: Any, method: str, params: Any, result_handler: Any = None) -> Any:
        found[method, str(params)] += 1
        return original(self, method, params, result_handler)

    monkeypatch.setattr(quiet, "rpc_request", counted)
    return found


async def test_a_block_is_read_once_however_many_look_for_theirs_in_it(
    backend: Backend, store: MemoryStore, asked: Counter[tuple[str, str]]
) -> None:
    async with open_chain(
        backend.url, store, patience=QUICK, submission_patience=QUICK_SUBMISSION
    ) as chain:
        await chain.submit("first", Remark(b""), ALICE)
        asked.clear()
        async with trio.open_nursery() as nursery:
            for number in range(12):
                for signer in (ALICE, BOB):
                    key = f"{signer.account.hex()} {number}"
                    nursery.start_soon(chain.submit, key, Remark(b""), signer)
    once = {"chain_getBlock", "chain_getHeader", "state_getRuntimeVersion", "state_getStorage"}
    repeated = {
        what: times for what, times in asked.items()
        # The version at the head, which may change, is asked for at every signature, and without arguments.
        if what[0] in once and what[1] not in ("[]", "None") and times > 1
    }  # fmt: skip
    assert repeated == {}
    assert sum(times for (method, _), times in asked.items() if method == "state_getMetadata") == 0


async def test_a_runtime_is_decoded_once_though_its_connection_is_cut(
    backend: Backend, asked: Counter[tuple[str, str]]
) -> None:
    async with (
        open_proxy(backend.url) as proxy,
        Connection(proxy.url, patience=QUICK) as connection,
    ):
        for _ in range(3):
            assert await connection.read(lambda session: session.free_balance(ALICE.account)) > 0
            proxy.cut()
        assert connection.sessions == 3
    assert sum(times for (method, _), times in asked.items() if method == "state_getMetadata") == 1


async def test_a_connection_that_is_cut_while_it_loads_the_runtime_hands_nothing_half_on(
    backend: Backend,
) -> None:
    async with (
        open_proxy(backend.url) as proxy,
        Connection(proxy.url, patience=QUICK) as connection,
    ):
        proxy.on("state_getMetadata", "cut after")
        assert await connection.read(lambda session: session.free_balance(ALICE.account)) > 0
        assert proxy.sprung
        assert await connection.read(Session.finalized)


async def test_what_is_taken_up_again_is_found_though_the_head_was_looked_through_before(
    backend: Backend, store: MemoryStore
) -> None:
    to = signer_from_seed(b"\x12" * 32).account
    async with open_chain(
        backend.url, store, patience=QUICK, submission_patience=QUICK_SUBMISSION
    ) as chain:
        await chain.submit("before", Remark(b""), ALICE)
        done = await chain.submit("pay", TransferKeepAlive(to, Planck(AINU)), ALICE)
        # As after a crash between the payment and the note of where it is. No block comes any more.
        store.saved = [attrs.evolve(each, place=None) for each in store.saved]
        with trio.fail_after(30):
            again = await chain.submit("pay", TransferKeepAlive(to, Planck(AINU)), ALICE)
    assert again == done
