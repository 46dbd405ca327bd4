"""What ``ainur bench client`` measures with is held to what happened; how fast it was, to nothing."""

import functools

import pytest
import trio

from chain.client import open_chain
from chain.stored import MemoryStore
from market.escrow.record import State
from node.bench import client
from node.bench.client_cuts import recovery
from node.bench.client_load import REQUESTERS as ACCOUNTS
from node.bench.client_load import Escrows, ForgetfulStore, Heads, latencies, percentiles, transfer
from node.bench.client_memory import memory
from node.bench.client_profile import cost
from tests.support.backends import Backend

pytestmark = [pytest.mark.integration, pytest.mark.chain]


async def test_every_escrow_that_is_counted_is_settled(backend: Backend) -> None:
    async with open_chain(backend.url, ForgetfulStore()) as chain:
        one = await Escrows(chain, 1, "one").pipelined(3)
        six = await Escrows(chain, 6, "six").pipelined(7)
        found = await chain.queries.escrows()
    assert [record.state for record in found.values()] == [State.RELEASED] * 10
    assert {record.requester for record in found.values()} == {a.account for a in ACCOUNTS}
    for rates, count in ((one, 3), (six, 7)):
        assert rates["escrows"] == count
        assert 0 < rates["whole_per_s"] < rates["settled_per_s"]


async def test_a_block_is_the_head_before_the_client_knows_it_final(backend: Backend) -> None:
    heads = await trio.to_thread.run_sync(Heads, backend.url)
    try:
        async with open_chain(backend.url, MemoryStore()) as chain:
            times = await latencies(chain, heads, 5, "single")
    finally:
        heads.close()
    assert 0 < times["in_block_ms"]["p50"] <= times["final_ms"]["p95"]


async def test_cuts_are_survived_and_memory_and_cost_are_measured(backend: Backend) -> None:
    recovered = await recovery(backend.url, 4)
    assert recovered["cuts"] > 0
    assert recovered["question_ms"]["p95"] > 0
    async with open_chain(backend.url, ForgetfulStore()) as chain:
        grown = await memory(chain, 40)
    assert grown["submissions"] == 40
    assert grown["last_mb"] > 0
    spent = await trio.to_thread.run_sync(functools.partial(cost, backend.url, 3))
    assert spent["requests"] > 3
    assert spent["ms"]["scalecodec"] > 0


async def test_the_forgetful_store_keeps_what_is_in_flight_alone(backend: Backend) -> None:
    store = ForgetfulStore()
    async with open_chain(backend.url, store) as chain:
        await chain.submit("key", transfer(0), ACCOUNTS[0])
    assert await store.load("key") is None


def test_a_backend_that_cannot_run_here_is_said_to_be_unavailable() -> None:
    report = {"backends": {"node": {"unavailable": "not built"}}, "goals": []}
    assert client.tables(report)[-1] == (
        "Not measured",
        ["backend", "why"],
        [["node", "not built"]],
    )
    assert client._goals(report["backends"], quick=False) == []  # type: ignore[arg-type]  # as reports are


def test_percentiles_are_those_of_the_values() -> None:
    assert percentiles([float(n) for n in range(101)]) == {"p50": 50.0, "p95": 95.0}
    assert percentiles([1.0]) == {}
