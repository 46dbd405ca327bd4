"""What subscribers are told, and when."""

from collections.abc import Iterator

import pytest

from chain.devchain.hashing import storage_prefix
from chain.devchain.rpc.limits import Limits
from chain.devchain.rpc.sealer import MANUAL
from tests.support.extrinsics import ALICE, BOB, sign, transfer
from tests.support.node import embedded_only
from tests.support.rpc import AnsweredError, Client, Served, served

pytestmark = [pytest.mark.integration, pytest.mark.chain]
NUMBER = "0x" + storage_prefix("System", "Number").hex()
BOBS = "0x" + storage_prefix("System", "Account").hex()


@pytest.fixture
def node() -> Iterator[Served]:
    """A chain sealed by hand, with room for forks."""
    with served(seal=MANUAL, finality_lag=3, limits=Limits(subscriptions=8)) as found:
        found.build()
        yield found


def signed(node: Served, nonce: int, tip: int = 0) -> str:
    def make() -> bytes:
        return sign(node.chain, ALICE, transfer(node.chain, BOB, 10**12), nonce, tip=tip)

    return "0x" + node.run(make).hex()


def test_heads_begin_with_the_head_and_follow_it(node: Served, client: Client) -> None:
    heads = client.call("chain_subscribeNewHeads")
    assert client.heard(heads)["number"] == "0x1"
    hash_ = client.call("dev_newBlock")
    heard = client.heard(heads)
    assert heard == client.call("chain_getHeader", hash_)


def test_final_heads_lag_behind_and_none_is_left_out(client: Client) -> None:
    final = client.call("chain_subscribeFinalizedHeads")
    client.call("dev_newBlock", {"count": 6})
    assert [client.heard(final)["number"] for _ in range(5)] == ["0x0", "0x1", "0x2", "0x3", "0x4"]


def test_all_heads_tell_of_forks_and_new_heads_only_of_the_best(client: Client) -> None:
    every, new = client.call("chain_subscribeAllHeads"), client.call("chain_subscribeNewHeads")
    client.heard(every), client.heard(new)
    parent = client.call("chain_getBlockHash")
    client.call("engine_createBlock", True, False, None)
    fork = client.call("engine_createBlock", True, False, parent)
    assert not fork["aux"]["is_new_best"]
    assert [client.heard(every)["number"] for _ in range(2)] == ["0x2", "0x2"]
    client.call("engine_createBlock", True, False, fork["hash"])
    assert [client.heard(new)["number"] for _ in range(2)] == ["0x2", "0x3"]


@embedded_only("a node's head is the highest block")
def test_after_a_reorganisation_storage_is_told_as_the_new_head_has_it(client: Client) -> None:
    storage = client.call("state_subscribeStorage", [NUMBER])
    assert client.heard(storage)["changes"] == [[NUMBER, "0x01000000"]]
    client.call("dev_newBlock", {"count": 2})
    assert [client.heard(storage)["changes"][0][1][:4] for _ in range(2)] == ["0x02", "0x03"]
    client.call("dev_setHead", client.call("chain_getBlockHash", 2))
    assert client.heard(storage)["changes"] == [[NUMBER, "0x02000000"]]


@embedded_only("a node has no snapshots")
def test_a_snapshot_that_is_restored_is_told_to_subscribers(client: Client) -> None:
    storage, heads = (
        client.call("state_subscribeStorage", [NUMBER]),
        client.call("chain_subscribeNewHeads"),
    )
    snapshot = client.call("dev_snapshot")
    instance = client.call("dev_status")["instanceId"]
    client.call("dev_newBlock", {"count": 2})
    assert client.call("dev_restore", snapshot)["number"] == 1
    assert client.call("dev_status")["instanceId"] != instance
    assert client.call("state_getStorage", NUMBER) == "0x01000000"
    assert [client.heard(storage)["changes"][0][1][:4] for _ in range(4)] == [
        "0x01", "0x02", "0x03", "0x01"
    ]  # fmt: skip
    assert [client.heard(heads)["number"] for _ in range(4)] == ["0x1", "0x2", "0x3", "0x1"]
    assert client.call("dev_dropSnapshot", snapshot) is True
    assert client.call("dev_dropSnapshot", snapshot) is False


def test_a_transaction_is_watched_from_the_pool_to_finality(node: Served, client: Client) -> None:
    watch = client.call("author_submitAndWatchExtrinsic", signed(node, 0))
    assert client.heard(watch) == "ready"
    hash_ = client.call("dev_newBlock")
    assert client.heard(watch) == {"inBlock": hash_}
    client.call("dev_newBlock", {"count": 3})
    assert client.heard(watch) == {"finalized": hash_}
    assert client.call("author_unwatchExtrinsic", watch) is False  # it has ended by itself


def test_a_transaction_that_is_outbid_waits_or_is_retracted_is_told_so(
    node: Served, client: Client
) -> None:
    waits = client.call("author_submitAndWatchExtrinsic", signed(node, 1))
    assert client.heard(waits) == "future"
    outbid = client.call("author_submitAndWatchExtrinsic", signed(node, 0))
    assert client.heard(outbid) == "ready"
    assert client.heard(waits) == "ready"
    richer = client.call("author_submitAndWatchExtrinsic", signed(node, 0, tip=10**9))
    assert set(client.heard(outbid)) == {"usurped"}
    assert client.heard(richer) == "ready"
    parent = client.call("chain_getBlockHash")
    first = client.call("dev_newBlock")
    assert client.heard(richer) == {"inBlock": first}
    other = client.call("engine_createBlock", True, False, parent)["hash"]
    client.call("engine_createBlock", True, False, other)
    assert client.heard(richer) == {"retracted": first}


def test_the_runtimes_version_is_told_at_once(client: Client) -> None:
    version = client.call("state_subscribeRuntimeVersion")
    assert client.heard(version)["specName"] == "ainur"
    assert client.call("state_unsubscribeRuntimeVersion", version) is True


def test_a_subscription_that_was_ended_says_nothing_more(client: Client) -> None:
    heads = client.call("chain_subscribeNewHeads")
    client.heard(heads)
    assert client.call("state_unsubscribeStorage", heads) is False  # of another kind
    assert client.call("chain_unsubscribeNewHeads", heads) is True
    assert client.call("chain_unsubscribeNewHeads", heads) is False
    other = client.call("chain_subscribeNewHeads")
    client.call("dev_newBlock")
    assert client.heard(other)
    assert not [m for m in client._heard if m["params"]["subscription"] == heads]


@embedded_only("its limit is set for the test")
def test_one_subscription_too_many_is_refused(client: Client) -> None:
    held = [client.call("chain_subscribeNewHeads") for _ in range(8)]
    with pytest.raises(AnsweredError) as refused:
        client.call("chain_subscribeNewHeads")
    assert refused.value.code == -32006
    client.call("chain_unsubscribeNewHeads", held[0])
    client.call("chain_subscribeNewHeads")


@embedded_only("it looks into its feed")
def test_a_closed_connection_leaves_no_subscriptions_behind(node: Served, client: Client) -> None:
    followers = node.server.node.feed._followers["new"]
    with node.client() as other:
        other.call("chain_subscribeNewHeads")
        assert node.run(len, followers) == 1
    while client.call("dev_status")["connections"] > 1:
        pass
    assert node.run(len, followers) == 0
