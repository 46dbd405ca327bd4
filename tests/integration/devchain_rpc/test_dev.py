"""Time, sealing and faults on demand."""

import time
from typing import Any

import pytest
import websocket

from chain.devchain.rpc.sealer import MANUAL, Seal
from tests.support.extrinsics import ALICE, BOB, sign, transfer
from tests.support.node import embedded_only
from tests.support.rpc import PATIENCE, AnsweredError, Client, Served, served

pytestmark = [pytest.mark.integration, pytest.mark.chain]


def signed(node: Served, nonce: int) -> str:
    def make() -> bytes:
        return sign(node.chain, ALICE, transfer(node.chain, BOB, 10**12), nonce)

    return "0x" + node.run(make).hex()


def head(client: Client) -> int:
    return int(client.call("chain_getHeader")["number"], 16)


def failure(client: Client, method: str, *params: Any) -> AnsweredError:
    with pytest.raises(AnsweredError) as found:
        client.call(method, *params)
    return found.value


def test_blocks_are_made_by_number_and_up_to_a_number(client: Client) -> None:
    assert client.call("dev_newBlock") == client.call("chain_getBlockHash", 2)
    client.call("dev_newBlock", {"count": 3})
    assert head(client) == 5
    client.call("dev_newBlock", {"to": 9})
    assert head(client) == 9


@embedded_only("a node makes every block")
def test_a_block_is_made_at_a_height_of_ones_choice(client: Client) -> None:
    client.call("dev_newBlock", {"unsafeBlockHeight": 1_000})
    assert head(client) == 1_000
    assert failure(client, "dev_newBlock", {"unsafeBlockHeight": 1_000}).code == -32602


@embedded_only("a node makes every block")
def test_400_000_blocks_pass_in_one_step_and_the_chain_goes_on(
    node: Served, client: Client
) -> None:
    assert client.call("dev_advance", {"blocks": 400_000})["number"] == 400_001
    assert not client.call("dev_status")["importable"]
    watch = client.call("author_submitAndWatchExtrinsic", signed(node, 0))
    assert client.heard(watch) == "ready"
    assert set(client.heard(watch)) == {"inBlock"}
    assert head(client) == 400_002


def test_blocks_that_pass_one_by_one_leave_the_chain_importable(client: Client) -> None:
    before = client.call("dev_status")["time"]
    client.call("dev_advance", {"blocks": 50, "seconds": 100, "emptyBlocks": True})
    status = client.call("dev_status")
    assert head(client) == 51
    assert status["importable"]
    assert status["time"] >= before + 100_000


@embedded_only("a node's time is let pass with dev_advance alone")
def test_time_travels_to_a_date(client: Client) -> None:
    then = 4_000_000_000_000
    assert abs(client.call("dev_timeTravel", then) - then) < 60_000
    assert client.call("dev_timeTravel", "2200-01-01T00:00:00Z") >= 7_258_118_400_000
    assert failure(client, "dev_timeTravel", "tomorrow").code == -32602


@embedded_only("no storage of a node can be written by hand")
def test_storage_is_set_by_hand(client: Client) -> None:
    client.call("dev_setStorage", [["0x1234", "0x5678"]])
    assert client.call("state_getStorage", "0x1234") == "0x5678"
    client.call("dev_setStorage", [["0x1234", None]])
    assert client.call("state_getStorage", "0x1234") is None
    assert failure(client, "dev_setStorage", {"System": {}}).code == -32602


@embedded_only("a node is not reorganised at one call")
def test_a_reorganisation_does_not_pass_what_is_final(client: Client) -> None:
    client.call("dev_newBlock", {"count": 3})
    refused = failure(client, "dev_reorg", 2)
    assert refused.code == -32000
    assert "finality_lag" in refused.message


def test_engine_calls_make_and_finalise_blocks() -> None:
    with served(seal=MANUAL, finality_lag=100) as node, node.client() as client:
        assert failure(client, "engine_createBlock", False, False, None).code == 12_000
        block = client.call("engine_createBlock", True, False, None)["hash"]
        assert client.call("chain_getFinalizedHead") != block
        assert client.call("engine_finalizeBlock", block) is True
        assert client.call("chain_getFinalizedHead") == block
        last = client.call("engine_createBlock", True, True, None)["hash"]
        assert client.call("chain_getFinalizedHead") == last


def test_a_block_is_made_at_once_when_a_transaction_comes(node: Served, client: Client) -> None:
    watch = client.call("author_submitAndWatchExtrinsic", signed(node, 0))
    assert [client.heard(watch) for _ in range(1)] == ["ready"]
    assert set(client.heard(watch)) == {"inBlock"}
    assert set(client.heard(watch)) == {"finalized"}


def test_blocks_come_by_interval_empty_or_not() -> None:
    with served(seal=Seal("interval", 0.02)) as node, node.client() as client:
        heads = client.call("chain_subscribeNewHeads")
        numbers = [int(client.heard(heads)["number"], 16) for _ in range(10)]
        assert numbers == list(range(numbers[0], numbers[0] + 10))


@embedded_only("a node seals as it was started")
def test_the_way_of_sealing_is_changed_while_the_chain_runs(node: Served, client: Client) -> None:
    client.call("dev_setBlockBuildMode", "Manual")
    watch = client.call("author_submitAndWatchExtrinsic", signed(node, 0))
    assert client.heard(watch) == "ready"
    assert client.call("dev_status")["seal"] == "manual"
    assert head(client) == 1
    client.call("dev_setBlockBuildMode", "Instant")
    assert set(client.heard(watch)) == {"inBlock"}
    client.call("dev_setBlockBuildMode", 0.02)
    heads = client.call("chain_subscribeNewHeads")
    assert [client.heard(heads) for _ in range(3)]
    assert failure(client, "dev_setBlockBuildMode", "sometimes").code == -32602


@embedded_only("a node has no faults on demand")
def test_a_stalled_chain_takes_transactions_and_makes_no_block(
    node: Served, client: Client
) -> None:
    client.call("dev_setFaults", {"stall": True})
    watch = client.call("author_submitAndWatchExtrinsic", signed(node, 0))
    assert client.heard(watch) == "ready"
    assert failure(client, "dev_newBlock").code == -32000
    assert head(client) == 1
    client.call("dev_setFaults", {})
    assert set(client.heard(watch)) == {"inBlock"}


@embedded_only("a node has no faults on demand")
def test_transactions_are_refused_as_often_as_asked(node: Served, client: Client) -> None:
    client.call("dev_setFaults", {"refuse": 1})
    assert failure(client, "author_submitExtrinsic", signed(node, 0)).code == 1016
    assert client.call("author_submitExtrinsic", signed(node, 0))


@embedded_only("a node has no faults on demand")
@pytest.mark.parametrize(("action", "arrives"), [("drop-before", False), ("drop-after", True)])
def test_a_connection_is_dropped_before_or_after_the_call(
    node: Served, client: Client, action: str, arrives: bool
) -> None:
    rule = {"method": "author_*", "action": action}
    client.call("dev_setFaults", {"calls": [rule]})
    with node.client() as other, pytest.raises((websocket.WebSocketException, OSError)):
        other.call("author_submitExtrinsic", signed(node, 0))
    give_up = time.monotonic() + PATIENCE
    while arrives and head(client) < 2:
        assert time.monotonic() < give_up
    assert head(client) == (2 if arrives else 1)
    assert client.call("dev_status")["faults"]["calls"] == []


@embedded_only("a node has no faults on demand")
def test_calls_are_refused_delayed_and_stalled(node: Served, client: Client) -> None:
    rules = [
        {"method": "system_chain", "action": "refuse"},
        {"method": "system_name", "action": "delay", "millis": 50, "times": None},
        {"method": "system_health", "action": "stall"},
    ]
    assert client.call("dev_setFaults", {"calls": rules})["calls"][0]["times"] == 1
    assert failure(client, "system_chain").code == -32000
    assert client.call("system_chain")
    start = time.monotonic()
    client.call("system_name")
    assert time.monotonic() - start >= 0.05  # a lower bound: it waited
    with node.client() as other:
        other.socket.settimeout(0.2)
        with pytest.raises(websocket.WebSocketTimeoutException):
            other.call("system_health")
    assert client.call("system_health")
