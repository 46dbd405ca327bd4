"""Every method, and the errors that a node answers with."""

import hashlib
import json
from typing import Any

import pytest

from chain.devchain.hashing import blake2_256, storage_prefix
from chain.devchain.rpc.api import DEVELOPMENT, PUBLIC
from chain.devchain.rpc.sealer import MANUAL
from chain.devchain.scale import decode_compact
from tests.support.extrinsics import ALICE, BOB, sign, transfer
from tests.support.node import embedded_only
from tests.support.rpc import AnsweredError, Client, Served, served

pytestmark = [pytest.mark.integration, pytest.mark.chain]
NUMBER = "0x" + storage_prefix("System", "Number").hex()
ACCOUNTS = "0x" + storage_prefix("System", "Account").hex()
NOWHERE = "0x" + "11" * 32
NAMED_BETTER = embedded_only("JSON that is no request; a node says that it is no JSON")
STRICTER = embedded_only("a node overlooks this mistake")


def signed(node: Served, nonce: int = 0, planck: int = 10**12, **options: Any) -> str:
    def make() -> bytes:
        return sign(node.chain, ALICE, transfer(node.chain, BOB, planck), nonce, **options)

    return "0x" + node.run(make).hex()


def failure(client: Client, method: str, *params: Any) -> AnsweredError:
    with pytest.raises(AnsweredError) as found:
        client.call(method, *params)
    return found.value


@embedded_only("it looks into its table")
def test_the_whole_table_is_listed(client: Client) -> None:
    assert client.call("rpc_methods")["methods"] == DEVELOPMENT.names()


def test_nothing_is_served_under_a_name_that_a_node_does_not_know(client: Client) -> None:
    """Says something on the node alone: there the list is its own."""
    assert set(PUBLIC.names()) <= set(client.call("rpc_methods")["methods"])


@embedded_only("a node does not answer a call whose parameters it cannot read as a subscription's")
def test_what_is_listed_is_served(client: Client) -> None:
    listed = client.call("rpc_methods")["methods"]
    for method in listed:
        client.send({"jsonrpc": "2.0", "id": "x", "method": method, "params": {"": 0}})
        while (answer := client.receive()).get("id") != "x":
            pass
        assert answer.get("error", {}).get("code") != -32601, method


def test_an_unknown_method_is_not_found(client: Client) -> None:
    assert failure(client, "grandpa_roundState").code == -32601
    assert failure(client, "__class__").code == -32601


def test_the_node_names_itself_and_its_chain(client: Client) -> None:
    assert client.call("system_chainType") == "Development"
    assert client.call("system_health") == {
        "peers": 0, "isSyncing": False, "shouldHavePeers": False
    }  # fmt: skip
    assert client.call("system_properties")["ss58Format"] == 42
    assert client.call("system_syncState")["currentBlock"] == 1
    for method in ("system_chain", "system_name", "system_version"):
        assert isinstance(client.call(method), str)
    assert client.call("system_peers") == client.call("system_localListenAddresses") == []
    assert client.call("system_nodeRoles") == ["Authority"]


def test_headers_and_blocks_are_told_as_substrate_writes_them(node: Served, client: Client) -> None:
    block = node.chain.head
    header = client.call("chain_getHeader")
    assert header == {
        "parentHash": f"0x{block.parent.hex()}",
        "number": "0x1",
        "stateRoot": f"0x{block.state_root.hex()}",
        "extrinsicsRoot": f"0x{block.extrinsics_root.hex()}",
        "digest": {"logs": []},
    }
    hash_ = client.call("chain_getBlockHash")
    assert client.call("chain_getBlock", hash_)["block"]["header"] == header
    assert client.call("chain_getBlockHash", 1) == client.call("chain_getBlockHash", "0x1") == hash_
    assert client.call("chain_getBlockHash", [0, 1, 2])[1:] == [hash_, None]
    assert client.call("chain_getFinalizedHead") == hash_


def test_a_block_that_does_not_exist_is_null_and_its_state_an_error(client: Client) -> None:
    assert client.call("chain_getHeader", NOWHERE) is None
    assert client.call("chain_getBlock", NOWHERE) is None
    assert client.call("chain_getBlockHash", 7_000) is None
    for method in ("state_getStorage", "state_getKeys", "state_getPairs"):
        assert failure(client, method, NUMBER, NOWHERE).code == 4003


def test_storage_is_read_by_key_prefix_and_page(client: Client) -> None:
    assert client.call("state_getStorage", NUMBER) == "0x01000000"
    assert client.call("state_getStorageSize", NUMBER) == 4
    expected = blake2_256(bytes.fromhex("01000000")).hex()
    assert client.call("state_getStorageHash", NUMBER) == f"0x{expected}"
    assert client.call("state_getStorage", "0x00") is None
    everything = client.call("state_getKeys", ACCOUNTS)
    paged: list[str] = []
    while page := client.call("state_getKeysPaged", ACCOUNTS, 5, paged[-1] if paged else None):
        paged += page
    assert paged == everything == [key for key, _ in client.call("state_getPairs", ACCOUNTS)]
    [answer] = client.call("state_queryStorageAt", [NUMBER, "0x00", NUMBER])
    assert answer["changes"] == [[NUMBER, "0x01000000"], ["0x00", None]]


def test_a_page_is_no_longer_than_a_node_allows(client: Client) -> None:
    assert failure(client, "state_getKeysPaged", "0x", 1001).code == 4002


def test_storage_is_queried_over_a_range_of_blocks(node: Served, client: Client) -> None:
    first = client.call("chain_getBlockHash")
    for _ in range(2):
        node.build()
    last = client.call("chain_getBlockHash")
    answers = client.call("state_queryStorage", [NUMBER], first, last)
    assert [a["changes"] for a in answers] == [[[NUMBER, f"0x0{n}000000"]] for n in (1, 2, 3)]
    assert failure(client, "state_queryStorage", [NUMBER], last, first).code == 4001


def _find(nodes: dict[bytes, bytes], root: bytes, key: bytes) -> bytes | None:
    """Look a key up in a proof, sharing no code with what made it."""
    data, path = nodes[root], key.hex()
    while True:
        head = data[0]
        kinds = (
            (0x40, 0xC0, 6),
            (0x80, 0xC0, 6),
            (0xC0, 0xC0, 6),
            (0x20, 0xE0, 5),
            (0x10, 0xF0, 4),
        )
        kind, _, bits = next(k for k in kinds if head & k[1] == k[0])
        length, at = head & ((1 << bits) - 1), 1
        if length == (1 << bits) - 1:
            while True:
                length, at = length + data[at], at + 1
                if data[at - 1] != 255:
                    break
        size = (length + 1) // 2
        partial = data[at : at + size].hex()[length % 2 :]
        at += size
        if not path.startswith(partial):
            return None
        path = path[length:]
        children = 0
        if kind in (0x80, 0xC0, 0x10):
            children, at = int.from_bytes(data[at : at + 2], "little"), at + 2
        value = None
        if kind in (0x20, 0x10):
            value, at = nodes[data[at : at + 32]], at + 32
        elif kind in (0x40, 0xC0):
            size, at = decode_compact(data, at)
            value, at = data[at : at + size], at + size
        if not path:
            return value
        for digit in range(16):
            if children >> digit & 1:
                size, at = decode_compact(data, at)
                child, at = data[at : at + size], at + size
                if digit == int(path[0], 16):
                    break
        else:
            return None
        path = path[1:]
        data = nodes[child] if len(child) == 32 else child


def test_a_read_proof_leads_from_the_state_root_to_the_value(client: Client) -> None:
    keys = [NUMBER, "0x3a636f6465", NUMBER + "00", *client.call("state_getKeys", ACCOUNTS)[:3]]
    answer = client.call("state_getReadProof", keys)
    pieces = [bytes.fromhex(piece[2:]) for piece in answer["proof"]]
    nodes = {hashlib.blake2b(piece, digest_size=32).digest(): piece for piece in pieces}
    root = bytes.fromhex(client.call("chain_getHeader", answer["at"])["stateRoot"][2:])
    for key in keys:
        stored = client.call("state_getStorage", key)
        found = _find(nodes, root, bytes.fromhex(key[2:]))
        assert found == (None if stored is None else bytes.fromhex(stored[2:]))


def test_child_storage_is_read_by_its_prefixed_key(client: Client) -> None:
    child = "0x" + b":child_storage:default:x".hex()
    assert client.call("childstate_getStorage", child, "0x01") is None
    assert client.call("childstate_getKeysPaged", child, "0x", 10) == []
    assert client.call("childstate_getStorageEntries", child, ["0x01"]) == [None]
    assert failure(client, "childstate_getStorage", "0x01", "0x01").code == 4003


def test_runtime_calls_answer_or_say_why_not(client: Client) -> None:
    version = client.call("state_getRuntimeVersion")
    assert version["specName"] == "ainur"
    assert ["0xdf6acb689907609b", 5] in version["apis"]  # Core
    assert client.call("state_call", "Core_version", "0x")[2:].startswith(b"\x14ainur".hex())
    assert client.call("state_getMetadata").startswith("0x6d657461")
    unknown = failure(client, "state_call", "No_suchThing", "0x")
    assert (unknown.code, unknown.message[:14]) == (4003, "Client error: ")
    assert failure(client, "state_call", "Core_execute_block", "0x00").code == 4003


def test_fees_are_quoted_in_whole_and_in_parts(node: Served, client: Client) -> None:
    raw = signed(node)
    info = client.call("payment_queryInfo", raw)
    details = client.call("payment_queryFeeDetails", raw)["inclusionFee"]
    assert info["class"] == "normal"
    assert info["weight"]["ref_time"] > 0
    assert int(info["partialFee"]) == sum(int(part, 16) for part in details.values())
    assert failure(client, "payment_queryInfo", "0x00").code == 1


def test_refusals_carry_the_nodes_codes() -> None:
    with served(seal=MANUAL) as node, node.client() as client:
        node.build()
        refusals_carry_the_nodes_codes(node, client)


def refusals_carry_the_nodes_codes(node: Served, client: Client) -> None:
    raw = signed(node)
    hash_ = client.call("author_submitExtrinsic", raw)
    assert client.call("author_pendingExtrinsics") == [raw]
    assert failure(client, "author_submitExtrinsic", raw).code == 1013
    other = signed(node, planck=10**12 + 1)
    assert failure(client, "author_submitExtrinsic", other).code == 1014
    foreign = failure(client, "author_submitExtrinsic", signed(node, 1, genesis=bytes(32)))
    assert (foreign.code, foreign.message) == (1010, "Invalid Transaction")
    assert foreign.data == "Transaction has a bad signature"
    assert failure(client, "author_submitExtrinsic", "0x0400").code in (1002, 1010)
    assert client.call("author_removeExtrinsic", [{"hash": hash_}]) == [hash_]
    assert client.call("author_pendingExtrinsics") == []


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("state_getStorage", []),
        ("state_getStorage", [17]),
        ("state_getStorage", ["0xzz"]),
        ("state_getStorage", ["0x00", "0x00"]),
        ("state_getStorage", {"nokey": 1}),
        pytest.param("state_getStorage", ["0x00", None, 1], marks=STRICTER),
        ("state_getStorage", "0x00"),
        ("chain_getBlockHash", [-1]),
        ("chain_getBlockHash", [{}]),
        pytest.param("state_queryStorageAt", [["0x0"]], marks=STRICTER),
        ("system_accountNextIndex", ["5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ"]),
        pytest.param("state_unsubscribeStorage", [], marks=STRICTER),
        ("dev_newBlock", [{"nothing": 1}]),
        ("dev_advance", [{"blocks": -1}]),
        pytest.param(
            "dev_setFaults",
            [{"calls": [{"action": "explode"}]}],
            marks=embedded_only("a node has no faults on demand"),
        ),
    ],
)
def test_wrong_parameters_are_refused_with_a_reason(
    client: Client, method: str, params: Any
) -> None:
    client.send({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    error = client.receive()["error"]
    assert (error["code"], error["message"]) == (-32602, "Invalid params")
    assert error["data"]


def test_parameters_can_be_given_by_name(client: Client) -> None:
    client.send(
        {"jsonrpc": "2.0", "id": 1, "method": "state_getStorage", "params": {"key": NUMBER}}
    )
    assert client.receive()["result"] == "0x01000000"


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("", -32700),
        ("{", -32700),
        ("\x00", -32700),
        ("[" * 100_000, -32700),
        ('{"a":' * 100_000, -32700),
        ("[]", -32600),
        pytest.param("1", -32600, marks=NAMED_BETTER),
        pytest.param("null", -32600, marks=NAMED_BETTER),
        ('{"id":1}', -32600),
        ('{"jsonrpc":"1.0","id":1,"method":"system_chain"}', -32600),
        ('{"jsonrpc":"2.0","id":1,"method":7}', -32600),
        pytest.param(
            '{"jsonrpc":"2.0","id":{},"method":"system_chain"}',
            -32600,
            marks=embedded_only("a node takes it for a notification"),
        ),
    ],
)
def test_a_frame_that_is_no_call_is_refused_and_the_next_one_served(
    client: Client, frame: str, code: int
) -> None:
    client.socket.send(frame)
    assert client.receive()["error"]["code"] == code
    assert client.call("system_chainType") == "Development"


def test_a_batch_is_answered_in_order_and_notifications_not_at_all(client: Client) -> None:
    def call(method: str, **more: Any) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "method": method, **more}

    client.send([call("system_chainType", id="a"), call("system_chain"), 5, call("nope", id=2)])
    first, second, third = client.receive()
    assert (first["id"], first["result"]) == ("a", "Development")
    assert (second["id"], second["error"]["code"]) == (None, -32600)
    assert (third["id"], third["error"]["code"]) == (2, -32601)
    client.send([call("system_chain")])  # nothing to answer
    client.send([call("system_chain", id=n) for n in range(1025)])
    assert client.receive()["error"]["code"] == -32010


def test_binary_frames_are_read_as_well(client: Client) -> None:
    frame = {"jsonrpc": "2.0", "id": 1, "method": "system_chainType"}
    client.socket.send_binary(json.dumps(frame).encode())
    assert client.receive()["result"] == "Development"


def test_web_pages_are_not_offered_what_changes_the_chain() -> None:
    dangerous = set(DEVELOPMENT.names()) - set(PUBLIC.names())
    assert {name.split("_")[0] for name in dangerous} == {"dev", "engine"}
