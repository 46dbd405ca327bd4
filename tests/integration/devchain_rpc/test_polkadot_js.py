"""polkadot.js and Python see the same chain: every pallet, call, event, constant and storage item.

The other half is tests/polkadotjs/contract.js; the part ``polkadotjs`` of scripts/test installs what it needs.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from substrateinterface import SubstrateInterface

from chain.devchain.scale import encode_compact
from tests.support.node import IS_NODE
from tests.support.rpc import Served, served

pytestmark = [pytest.mark.integration, pytest.mark.chain]
FOLDER = Path(__file__).parents[2] / "polkadotjs"
PATIENCE = 100
UNIT = 10**12


def is_newer(name: str) -> bool:
    """Whether a method is one of those that a node serves and polkadot.js does not yet know."""
    return IS_NODE and ("_v1_" in name or name == "author_rotateKeysWithOwner")


@pytest.fixture(scope="module")
def node() -> Iterator[Served]:
    if shutil.which("node") is None:
        pytest.skip("no Node on PATH: install Node 18 or newer")
    if not (FOLDER / "node_modules" / "@polkadot" / "api").is_dir():
        pytest.skip("polkadot.js is not installed: run `npm ci` in tests/polkadotjs")
    with served() as found:
        yield found


@pytest.fixture(scope="module")
def seen(node: Served) -> Any:
    """What polkadot.js saw."""
    done = subprocess.run(
        ["node", str(FOLDER / "contract.js"), node.url],
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def substrate(node: Served) -> Iterator[SubstrateInterface]:
    with SubstrateInterface(url=node.url) as found:
        yield found


def alike(name: str) -> str:
    """Return a name without its case: polkadot.js turns ``transfer_all`` into ``transferAll``."""
    return name.replace("_", "").lower()


def test_both_read_the_same_pallets_calls_events_errors_and_constants(
    node: Served, seen: Any
) -> None:
    pallets = node.run(lambda: node.chain.metadata().describe())
    assert [p["name"] for p in seen["pallets"]] == [p.name for p in pallets]
    for theirs, ours in zip(seen["pallets"], pallets, strict=True):
        assert theirs["index"] == ours.index
        for kind in ("calls", "events", "errors"):
            assert theirs[kind] == [
                {"name": v.name, "index": v.index, "fields": [f.name for f in v.fields]}
                for v in getattr(ours, kind)
            ], (ours.name, kind)
        assert theirs["constants"] == [c.name for c in ours.constants]
        names = [
            i.name for i in ours.storage if not i.name.startswith(":")
        ]  # no storage of its own
        assert theirs["storage"] == names


def as_arguments(call: Any) -> Any:
    """Turn a call as scalecodec decodes it into one as it takes it, calls inside of it as well."""
    if not isinstance(call, dict) or "call_index" not in call:
        return call
    return {
        "call_module": call["call_module"],
        "call_function": call["call_function"],
        "call_args": {each["name"]: as_arguments(each["value"]) for each in call["call_args"]},
    }


def test_every_call_has_the_same_bytes_in_both(
    node: Served, seen: Any, substrate: SubstrateInterface
) -> None:
    metadata = node.run(node.chain.metadata)
    wanted = {f"{alike(p.name)}.{alike(c.name)}" for p in metadata.describe() for c in p.calls}
    assert {alike(name) for name in seen["calls"]} == wanted
    for name, call in seen["calls"].items():
        assert call.get("same"), (name, call)
        assert alike(call["name"]) == alike(name)
        data = metadata._bytes_class(call["encoded"])
        scale = metadata._config.create_scale_object("Call", data=data, metadata=metadata._metadata)
        scale.decode()
        assert alike(f"{scale.value['call_module']}.{scale.value['call_function']}") == alike(name)
        arguments = as_arguments(scale.value)["call_args"]
        try:
            again = substrate.compose_call(
                scale.value["call_module"], scale.value["call_function"], arguments
            )
        except ValueError as error:
            # scalecodec decodes a list inside a newtype as the list, and then cannot encode an empty one.
            if "Element count of value (0)" not in str(error):
                raise
            continue
        assert again.data.to_hex() == call["encoded"], name


def test_every_event_has_the_same_bytes_in_both(node: Served, seen: Any) -> None:
    metadata = node.run(node.chain.metadata)
    wanted = {f"{p.name}.{e.name}" for p in metadata.describe() for e in p.events}
    assert set(seen["events"]) == wanted
    for name, event in seen["events"].items():
        if event.get("impossible"):  # it carries a type without values: it can never be emitted
            continue
        record = bytes([0]) + bytes(4) + bytes.fromhex(event["encoded"][2:]) + bytes([0])
        [decoded] = metadata.decode_events(encode_compact(1) + record)
        assert f"{decoded.pallet}.{decoded.name}" == name
        assert alike(event["name"]) == alike(name)


def test_both_read_the_same_blocks_and_events(node: Served, seen: Any) -> None:
    head = node.chain.head
    assert seen["head"] == {"number": head.number, "hash": f"0x{head.hash.hex()}"}
    for number, theirs in seen["blocks"].items():
        block = node.run(node.chain.block, int(number))
        assert theirs["hash"] == f"0x{block.hash.hex()}"
        assert len(theirs["extrinsics"]) == len(block.extrinsics)
        events = node.run(node.chain.events, block.hash)
        assert [
            (alike(e["pallet"]), alike(e["name"]), e["extrinsic"]) for e in theirs["events"]
        ] == [(alike(e.pallet), alike(e.name), e.extrinsic) for e in events]


def test_both_count_the_same_entries_in_every_map(node: Served, seen: Any) -> None:
    metadata = node.run(node.chain.metadata)
    read = {alike(name): entries for name, entries in seen["storage"].items()}
    for pallet in metadata.describe():
        for item in pallet.storage:
            if item.hashers and not item.name.startswith(":"):
                prefix = metadata.storage_key(pallet.name, item.name)
                ours = len(node.run(node.chain.keys, prefix, None, 100_000))
                assert read[alike(f"{pallet.name}.{item.name}")] == ours, (pallet.name, item.name)
    assert seen["keys"] == seen["storage"]["System.Account"]
    assert seen["proof"] > 0


def test_what_it_sent_arrived_and_what_failed_is_named(node: Served, seen: Any) -> None:
    sent = seen["sent"]
    for name in ("transfer", "batch", "failed"):
        assert sent[name]["statuses"][-1] == "Finalized"
    assert sent["transfer"]["error"] is None
    assert sent["transfer"]["events"].count("balances.Transfer") == 1
    assert sent["batch"]["events"].count("balances.Transfer") == 2
    assert "system.ExtrinsicFailed" in sent["failed"]["events"]
    assert sent["failed"]["error"] == '{"arithmetic":"Underflow"}'
    assert sent["refused"].startswith("1010: Invalid Transaction: Inability to pay some fees")
    assert seen["nonce"] == 3
    assert int(seen["quoted"]) > 0


def test_its_subscriptions_heard_of_it(node: Served, seen: Any) -> None:
    heard = seen["heard"]
    hashes = {block["hash"] for block in seen["blocks"].values()}
    assert heard["head"] in hashes
    assert heard["final"] >= 2
    assert int(heard["balance"]) in (UNIT, 3 * UNIT)
    assert "balances.Transfer" in heard["events"]


def test_it_finds_nothing_to_warn_of_but_our_own_methods_and_the_refusal(
    node: Served, seen: Any
) -> None:
    for warning in seen["warnings"]:
        if "RPC methods not decorated" in warning:
            names = warning.split("decorated: ")[1].split(", ")
            assert all(name.startswith("dev_") for name in names if not is_newer(name))
        else:
            assert "1010: Invalid Transaction" in warning
    assert seen["genesis"] == f"0x{node.chain.genesis.hash.hex()}"
    assert seen["version"]["specName"] == "ainur"
    assert "author_submitAndWatchExtrinsic" in seen["methods"]
