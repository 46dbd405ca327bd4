"""The dev chain beside the real node, over JSON-RPC: each imports what the other has made.

``./scripts/test --backend node --only node`` builds it and runs this. Without the node, one test is left: of the
blocks that it once made, which are committed.
"""

import json
import os
import random
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import websocket

from chain.devchain.block import encode_body
from chain.devchain.chain import DevChain
from chain.devchain.errors import RefusedError
from chain.devchain.metadata import EVENTS_KEY
from chain.devchain.scale import decode_compact
from tests.support.extrinsics import ALICE, BOB, UNIT, remark, sign, transfer
from tests.support.node import NodeError, NodeProcess, node_program
from tests.support.random_calls import RandomExtrinsics
from tests.support.rpc import AnsweredError, Client
from tests.support.runtime import runtime_path

EXTRINSICS = int(os.environ.get("AINUR_EXTRINSICS", "300"))
SEED = int(os.environ.get("AINUR_SEED", "0"))
PER_BLOCK = 6
VECTORS = Path(__file__).parents[2] / "vectors" / "node"
PRESETS = ("development", "ci")
RECORDED_BLOCKS = 40

pytestmark = [pytest.mark.integration, pytest.mark.chain, pytest.mark.timeout(0)]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not happen within a minute"
        time.sleep(0.05)


def refusal(chain: DevChain, extrinsic: bytes) -> int | None:
    """Submit an extrinsic; return the code with which it is refused."""
    try:
        chain.submit(extrinsic)
    except RefusedError as error:
        return error.code
    return None


def refusal_by_node(node: NodeProcess, extrinsic: bytes) -> int | None:
    """Submit an extrinsic to the node; return the code with which it is refused."""
    try:
        node("author_submitExtrinsic", "0x" + extrinsic.hex())
    except NodeError as error:
        return int(error.code)
    return None


@pytest.fixture
def start(devchain_runtime: Path) -> Any:
    """Start nodes; they are stopped at the end of their block."""
    node_program()  # skips where there is none
    return lambda *flags: NodeProcess(devchain_runtime, *flags)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_nodes_blocks_import_into_the_dev_chain(
    start: Any, open_chain: Any, preset: str
) -> None:
    chain = open_chain(preset=preset)
    drawn = RandomExtrinsics(chain, random.Random(SEED))
    with start("--preset", preset, "--seal", "manual") as node:
        assert node.genesis == "0x" + chain.genesis.hash.hex()
        included = 0
        for _ in range(EXTRINSICS // PER_BLOCK):
            for extrinsic in drawn.block(PER_BLOCK):
                assert refusal_by_node(node, extrinsic) == refusal(chain, extrinsic)
            made = node("engine_createBlock", True, True, None)["hash"]
            header, extrinsics = node.block(made)
            block = chain.import_block(header, extrinsics)
            included_now = {"0x" + each.hex() for each in extrinsics}
            # A node's pool lets them go a moment after the block.
            until(lambda gone=included_now: gone.isdisjoint(node("author_pendingExtrinsics")))
            assert made == "0x" + block.hash.hex()
            events = node("state_getStorage", "0x" + EVENTS_KEY.hex(), made)
            assert events == "0x" + (chain.storage(EVENTS_KEY) or b"").hex()
            included += len(extrinsics) - 1
        assert included > EXTRINSICS // 4


@pytest.mark.parametrize("preset", PRESETS)
def test_the_dev_chains_blocks_import_into_the_node(
    start: Any, open_chain: Any, preset: str
) -> None:
    chain: DevChain = open_chain(preset=preset, salt=b"salt")
    drawn = RandomExtrinsics(chain, random.Random(SEED + 1))
    with start("--preset", preset, "--seal", "manual", "--salt", "0x" + b"salt".hex()) as node:
        assert node.genesis == "0x" + chain.genesis.hash.hex()
        for _ in range(EXTRINSICS // PER_BLOCK):
            for extrinsic in drawn.block(PER_BLOCK):
                with suppress(RefusedError):
                    chain.submit(extrinsic)
            block = chain.build()
            encoded = block.header + encode_body(block.extrinsics)
            assert node("dev_importBlock", "0x" + encoded.hex()) == "0x" + block.hash.hex()
            events = node("state_getStorage", "0x" + EVENTS_KEY.hex())
            assert events == "0x" + (chain.storage(EVENTS_KEY) or b"").hex()
        assert int(node("chain_getHeader")["number"], 16) == chain.head.number
        spoiled = bytearray(chain.build().header)
        spoiled[40] ^= 1
        with pytest.raises(NodeError, match="refused"):
            node(
                "dev_importBlock",
                "0x" + (bytes(spoiled) + encode_body(chain.head.extrinsics)).hex(),
            )


def test_instant_seal_makes_a_final_block_for_each_burst(start: Any, open_chain: Any) -> None:
    chain = open_chain()
    with start("--seal", "instant") as node:
        for nonce in range(20):
            extrinsic = sign(chain, ALICE, transfer(chain, BOB, UNIT), nonce)
            node("author_submitExtrinsic", "0x" + extrinsic.hex())
        account = "0x" + ALICE.public.hex()
        nonce_of = "AccountNonceApi_account_nonce"
        until(lambda: node("state_call", nonce_of, account) == "0x14000000")
        until(lambda: node("author_pendingExtrinsics") == [])  # the pool follows the block
        head = node("chain_getHeader")
        assert 1 <= int(head["number"], 16) <= 20
        finalized = node("chain_getFinalizedHead")
        assert node("chain_getHeader", finalized) == head


def test_interval_seal_makes_empty_blocks_and_finality_lags(start: Any) -> None:
    with start("--seal", "50", "--finality-lag", "2") as node:
        until(lambda: int(node("chain_getHeader")["number"], 16) > 5)
        final = int(node("chain_getHeader", node("chain_getFinalizedHead"))["number"], 16)
        assert 0 < final <= int(node("chain_getHeader")["number"], 16) - 2


def test_a_chain_on_disk_goes_on(start: Any, open_chain: Any, tmp_path: Path) -> None:
    chain = open_chain()
    flags = ("--seal", "manual", "--base-path", str(tmp_path))
    with start(*flags) as node:
        node("author_submitExtrinsic", "0x" + sign(chain, ALICE, remark(chain), 0).hex())
        made = node("engine_createBlock", False, True, None)["hash"]
    with start(*flags) as node:
        assert node("chain_getBlockHash", 1) == made
        number, _ = decode_compact(node.block(made)[0], 32)
        assert number == 1


def test_another_genesis_in_the_same_folder_is_refused(start: Any, tmp_path: Path) -> None:
    with start("--salt=0x01", f"--base-path={tmp_path}"):
        pass
    with pytest.raises(pytest.fail.Exception, match="ended at once, with status 1"):
        start("--salt=0x02", f"--base-path={tmp_path}")


def test_blocks_made_within_a_millisecond_and_after_a_leap_of_time_bear_later_times(
    start: Any, open_chain: Any
) -> None:
    chain = open_chain()
    with start("--seal=manual") as node:
        before = node("dev_status")["time"]
        made = [node("dev_advance", {"blocks": 10, "seconds": 3600})["hash"]]
        assert node("dev_status")["time"] >= before + 3_600_000
        made.append(node("dev_newBlock", {"to": 30}))
        times = []
        for number in range(1, 31):
            hash_ = node("chain_getBlockHash", number)
            chain.import_block(*node.block(hash_))
            times.append(chain.query("Timestamp", "Now"))
        assert hash_ == made[1] == "0x" + chain.head.hash.hex()
        assert times == sorted(set(times))
        assert times[9] - times[0] >= 3_200_000


def test_web_pages_are_let_in_as_the_embedded_chain_lets_them_in(start: Any) -> None:
    with start() as node:
        for origin in ("https://evil.example", "null"):
            with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
                Client(node.url, suppress_origin=False, origin=origin)
        with Client(node.url, suppress_origin=False, origin="https://polkadot.js.org") as apps:
            assert apps.call("system_chainType") == "Development"
            for method in ("dev_newBlock", "dev_status", "author_rotateKeys"):
                with pytest.raises(AnsweredError, match="unsafe"):
                    apps.call(method)
            with pytest.raises(AnsweredError, match="unsafe"):
                apps.call("engine_createBlock", True, True)
        with Client(node.url, suppress_origin=False, origin="http://localhost:3000") as ours:
            ours.call("dev_newBlock")
            ours.call("engine_createBlock", True, True)
        assert node("chain_getHeader")["number"] == "0x2"


def test_the_nodes_that_lose_their_parent_end(start: Any) -> None:
    node = start()
    assert node._process.stdin is not None
    node._process.stdin.close()
    assert node._process.wait(60) == 0
    node.stop()


# -- blocks that a node made, kept for those who have no node ----------------------------------------------------


@pytest.mark.skipif("UPDATE_VECTORS" not in os.environ, reason="writes what the next test reads")
@pytest.mark.parametrize("preset", PRESETS)
def test_write_the_blocks_of_a_node(start: Any, open_chain: Any, preset: str) -> None:
    chain: DevChain = open_chain(preset=preset, salt=b"recorded")
    drawn = RandomExtrinsics(chain, random.Random(SEED + 2))
    blocks = []
    salt = "0x" + b"recorded".hex()
    with start("--preset", preset, "--seal", "manual", "--salt", salt) as node:
        for _ in range(RECORDED_BLOCKS):
            for extrinsic in drawn.block(PER_BLOCK):
                with suppress(NodeError):
                    node("author_submitExtrinsic", "0x" + extrinsic.hex())
            hash_ = node("engine_createBlock", True, True, None)["hash"]
            header, extrinsics = node.block(hash_)
            chain.import_block(header, extrinsics)
            blocks.append(
                {
                    "hash": hash_,
                    "header": "0x" + header.hex(),
                    "extrinsics": ["0x" + each.hex() for each in extrinsics],
                    "events": node("state_getStorage", "0x" + EVENTS_KEY.hex(), hash_),
                }
            )
    VECTORS.mkdir(exist_ok=True)
    lines = [{"preset": preset, "salt": salt, "genesis": node.genesis}, *blocks]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (VECTORS / f"{preset}.jsonl").write_text(text)
    # With what made them: they stay good when the runtime changes.
    shutil.copyfile(runtime_path(), VECTORS / "runtime.wasm")


@pytest.mark.parametrize("preset", PRESETS)
def test_blocks_that_a_node_made_are_executed_with_equal_state_and_events(preset: str) -> None:
    lines = (VECTORS / f"{preset}.jsonl").read_text().splitlines()
    first, *blocks = map(json.loads, lines)
    assert len(blocks) == RECORDED_BLOCKS
    included = 0
    salt = bytes.fromhex(first["salt"][2:])
    with DevChain.open(VECTORS / "runtime.wasm", preset=preset, salt=salt) as chain:
        assert "0x" + chain.genesis.hash.hex() == first["genesis"]
        for told in blocks:
            extrinsics = [bytes.fromhex(each[2:]) for each in told["extrinsics"]]
            block = chain.import_block(bytes.fromhex(told["header"][2:]), extrinsics)
            assert "0x" + block.hash.hex() == told["hash"]
            assert "0x" + (chain.storage(EVENTS_KEY) or b"").hex() == told["events"]
            included += len(extrinsics) - 1
    assert included > RECORDED_BLOCKS
