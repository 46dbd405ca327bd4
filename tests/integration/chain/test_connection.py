"""One thread, one session at a time, and every wait has an end."""

import functools
import subprocess
import sys
import threading
import time
from typing import Any

import attrs
import pytest
import trio
import trio_websocket

from chain.connection import Connection
from chain.errors import HistoryError, NodeError, UnavailableError, UsageError
from chain.library import CODING, load_metadata
from chain.queries import AGENTS, ESCROW
from chain.session import Session
from market.hashing import GenesisHash
from tests.integration.chain.conftest import QUICK
from tests.support.backends import Backend
from tests.support.tcp_proxy import open_proxy

pytestmark = [pytest.mark.integration, pytest.mark.chain]


async def test_no_two_calls_are_in_the_library_at_once(backend: Backend) -> None:
    inside, most = [], []

    def work(session: Session) -> None:
        inside.append(threading.get_ident())
        most.append(len(inside))
        session.head()
        time.sleep(0.01)
        inside.pop()

    async with (
        Connection(backend.url, patience=QUICK) as connection,
        trio.open_nursery() as nursery,
    ):
        for _ in range(8):
            nursery.start_soon(connection.call, work)
    assert most == [1] * 8


async def test_metadata_is_decoded_once_and_each_connection_has_types_of_its_own(
    backend: Backend,
) -> None:
    def loaded(session: Session) -> tuple[Any, Any]:
        session.head()
        assert session.read(ESCROW).millis_per_block > 0
        return session._interface.metadata, session._interface.runtime_config

    await trio.to_thread.run_sync(load_metadata, backend.url, QUICK.socket)
    async with (
        Connection(backend.url, patience=QUICK) as one,
        Connection(backend.url, patience=QUICK) as other,
    ):
        (metadata, types), (same, others) = await one.call(loaded), await other.call(loaded)
        assert metadata is same
        assert types is not others
        assert await one.call(loaded) == (metadata, types)


async def test_a_session_that_failed_is_never_used_again(backend: Backend) -> None:
    async with (
        open_proxy(backend.url) as proxy,
        Connection(proxy.url, patience=QUICK) as connection,
    ):
        await connection.call(Session.head)
        proxy.cut()
        with pytest.raises(UnavailableError):
            await connection.call(Session.head)
        await connection.call(Session.head)
        assert connection.sessions == 2


async def test_what_may_be_repeated_is_carried_through_cuts(backend: Backend) -> None:
    async with (
        open_proxy(backend.url) as proxy,
        Connection(proxy.url, patience=QUICK) as connection,
    ):
        for _ in range(3):
            proxy.on("chain_getHeader", "cut before")
            assert (await connection.read(Session.head)).number == 1


async def test_an_error_of_the_node_is_no_reason_to_connect_anew(backend: Backend) -> None:
    async with Connection(backend.url, patience=QUICK) as connection:
        with pytest.raises(NodeError) as error:
            await connection.call(lambda session: session.rpc("undreamt_of"))
        assert error.value.code == -32601
        await connection.call(Session.head)
        assert connection.sessions == 1


async def test_a_silent_node_is_given_up_and_the_next_call_goes_through(backend: Backend) -> None:
    impatient = attrs.evolve(QUICK, socket=30.0, call=3.0)
    async with (
        open_proxy(backend.url) as proxy,
        Connection(proxy.url, patience=impatient) as connection,
    ):
        await connection.call(Session.head)
        proxy.freeze()
        with pytest.raises(UnavailableError, match="in time"):
            await connection.call(Session.head)
        proxy.thaw()
        assert (await connection.read(Session.head)).number == 1


async def test_a_caller_that_is_cancelled_goes_at_once_and_harms_nobody(backend: Backend) -> None:
    entered, leave = threading.Event(), threading.Event()

    def hold(_session: Session) -> None:
        entered.set()
        leave.wait(30)

    async with Connection(backend.url, patience=QUICK) as connection:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.call, hold)
            await trio.to_thread.run_sync(entered.wait, 30)
            nursery.cancel_scope.cancel()
        leave.set()
        assert (await connection.call(Session.head)).number == 1
        assert connection.sessions == 1


async def test_another_chain_at_the_same_address_is_refused(backend: Backend) -> None:
    other = GenesisHash(bytes(32))
    async with Connection(backend.url, patience=QUICK, genesis=other) as connection:
        with pytest.raises(HistoryError, match="another chain"):
            await connection.read(Session.head)


async def test_a_closed_connection_says_so(backend: Backend) -> None:
    async with Connection(backend.url, patience=QUICK) as connection:
        await connection.call(Session.head)
    with pytest.raises(UnavailableError, match="closed"):
        await connection.read(Session.head)


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="ws://"):
        Connection("localhost:9944")


def test_importing_the_client_loads_nothing_that_talks_to_a_chain() -> None:
    code = """
import sys
import chain.client, chain.contract
found = [m for m in ("substrateinterface", "scalecodec", "websocket", "wasmtime") if m in sys.modules]
assert not found, found
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


@pytest.mark.parametrize("answer", [b"no JSON", b"\xff\xfe"])
async def test_a_node_that_answers_no_json_is_taken_for_none(answer: bytes) -> None:
    async def talk(request: trio_websocket.WebSocketRequest) -> None:
        socket = await request.accept()
        await socket.get_message()
        # Past the library of the test, which would not send what is no text.
        frame = bytes([0x81, len(answer)]) + answer
        await socket._stream.send_all(frame)
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        serve = functools.partial(trio_websocket.serve_websocket, talk, "127.0.0.1", 0, None)
        server = await nursery.start(serve)
        async with Connection(f"ws://127.0.0.1:{server.port}", patience=QUICK) as connection:
            with pytest.raises(UnavailableError, match="no JSON came"):
                await connection.call(Session.head)
        nursery.cancel_scope.cancel()


async def test_who_uses_the_types_of_the_library_has_them_to_itself(backend: Backend) -> None:
    """They are classes that all connections of a process share, with the last user's runtime in them."""
    is_done = trio.Event()

    async def read(connection: Connection) -> None:
        assert await connection.read(lambda session: session.entries(AGENTS))
        is_done.set()

    async with (
        Connection(backend.url, patience=QUICK) as old,
        Connection(backend.url, patience=QUICK) as new,
    ):
        await old.call(Session.head)
        for connection in (old, new):
            async with trio.open_nursery() as nursery:
                # This thread loads a runtime, as far as the others can tell.
                with CODING:
                    nursery.start_soon(read, connection)
                    with trio.move_on_after(0.5):
                        await is_done.wait()
                    assert not is_done.is_set()
            assert is_done.is_set()
            is_done = trio.Event()
