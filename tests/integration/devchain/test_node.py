"""The dev chain beside the real node, over JSON-RPC: each imports what the other has made.

``scripts/build-node COMMAND`` builds it and runs a command with its path in ``AINUR_NODE``.
"""

import json
import os
import random
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from chain.devchain.block import encode_body, encode_header
from chain.devchain.chain import DevChain
from chain.devchain.errors import RefusedError
from chain.devchain.metadata import EVENTS_KEY
from chain.devchain.scale import decode_compact
from tests.support.extrinsics import ALICE, BOB, UNIT, remark, sign, transfer
from tests.support.random_calls import RandomExtrinsics

VARIABLE = "AINUR_NODE"
EXTRINSICS = int(os.environ.get("AINUR_EXTRINSICS", "300"))
SEED = int(os.environ.get("AINUR_SEED", "0"))

pytestmark = [pytest.mark.integration, pytest.mark.chain, pytest.mark.timeout(0)]


class Node:
    """A running node, as JSON-RPC over HTTP sees it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the node ended at once"
        ready = json.loads(line)
        self.genesis: str = ready["genesis"]
        self.port = int(ready["listening"][0].split("/tcp/")[1].split("/")[0])

    def __call__(self, method: str, *params: Any) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}",
            json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            body = json.load(answer)
        if "error" in body:
            raise RuntimeError(f"{method}: {body['error']}")
        return body["result"]

    def block(self, hash_: str) -> tuple[bytes, list[bytes]]:
        """Return a block's encoded header and its extrinsics."""
        block = self("chain_getBlock", hash_)["block"]
        header = block["header"]
        parent, state, extrinsics = (
            bytes.fromhex(header[name][2:])
            for name in ("parentHash", "stateRoot", "extrinsicsRoot")
        )
        logs = [bytes.fromhex(log[2:]) for log in header["digest"]["logs"]]
        encoded = encode_header(parent, int(header["number"], 16), state, extrinsics, logs)
        return encoded, [bytes.fromhex(extrinsic[2:]) for extrinsic in block["extrinsics"]]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not happen within a minute"
        time.sleep(0.05)


@pytest.fixture
def start(devchain_runtime: Path) -> Any:
    """Start nodes; they are stopped at the end of their block."""
    program = os.environ.get(VARIABLE)
    if not program:
        pytest.skip(
            "no node; run scripts/build-node .venv/bin/pytest tests/integration/devchain/test_node.py"
        )

    @contextmanager
    def started(*flags: str) -> Iterator[Node]:
        command = [program, "--runtime", devchain_runtime, "--rpc-port", "0", *flags]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        try:
            yield Node(process)
        finally:
            process.terminate()
            process.wait(timeout=30)
            assert process.stdout is not None
            process.stdout.close()

    return started


@pytest.mark.parametrize("preset", ["development", "ci"])
def test_the_nodes_blocks_import_into_the_dev_chain(
    start: Any, open_chain: Any, preset: str
) -> None:
    chain = open_chain(preset=preset)
    drawn = RandomExtrinsics(chain, random.Random(SEED))
    with start("--preset", preset, "--seal", "manual") as node:
        assert node.genesis == "0x" + chain.genesis.hash.hex()
        included = 0
        for _ in range(EXTRINSICS // 6):
            for extrinsic in drawn.block(6):
                try:
                    chain.submit(extrinsic)
                except RefusedError:
                    with pytest.raises(RuntimeError):
                        node("author_submitExtrinsic", "0x" + extrinsic.hex())
                else:
                    node("author_submitExtrinsic", "0x" + extrinsic.hex())
            made = node("engine_createBlock", True, True, None)["hash"]
            header, extrinsics = node.block(made)
            block = chain.import_block(header, extrinsics)
            assert made == "0x" + block.hash.hex()
            events = node("state_getStorage", "0x" + EVENTS_KEY.hex(), made)
            assert events == "0x" + (chain.storage(EVENTS_KEY) or b"").hex()
            included += len(extrinsics) - 1
        assert included > EXTRINSICS // 4


@pytest.mark.parametrize("preset", ["development", "ci"])
def test_the_dev_chains_blocks_import_into_the_node(
    start: Any, open_chain: Any, preset: str
) -> None:
    chain: DevChain = open_chain(preset=preset, salt=b"salt")
    drawn = RandomExtrinsics(chain, random.Random(SEED + 1))
    with start("--preset", preset, "--seal", "manual", "--salt", "0x" + b"salt".hex()) as node:
        assert node.genesis == "0x" + chain.genesis.hash.hex()
        for _ in range(EXTRINSICS // 6):
            for extrinsic in drawn.block(6):
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
        with pytest.raises(RuntimeError, match="refused"):
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
        assert node("author_pendingExtrinsics") == []
        head = node("chain_getHeader")
        assert 1 <= int(head["number"], 16) <= 20
        finalized = node("chain_getFinalizedHead")
        assert node("chain_getHeader", finalized) == head


def test_interval_seal_makes_empty_blocks_and_finality_lags(start: Any) -> None:
    with start("--seal", "50", "--finality-lag", "2") as node:
        until(lambda: int(node("chain_getHeader")["number"], 16) > 5)
        final = int(node("chain_getHeader", node("chain_getFinalizedHead"))["number"], 16)
        assert final > 0
        assert final <= int(node("chain_getHeader")["number"], 16) - 2


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


def test_substrate_interface_talks_to_it(start: Any) -> None:
    substrateinterface = pytest.importorskip("substrateinterface")
    with start("--seal", "instant") as node:
        client = substrateinterface.SubstrateInterface(url=f"ws://127.0.0.1:{node.port}")
        try:
            alice = substrateinterface.Keypair.create_from_uri("//Alice")
            call = client.compose_call("System", "remark", {"remark": b"hello"})
            signed = client.create_signed_extrinsic(call, alice, era={"period": 64})
            receipt = client.submit_extrinsic(signed, wait_for_finalization=True)
            assert receipt.is_success
            assert client.query("System", "Number").value >= 1
        finally:
            client.close()
