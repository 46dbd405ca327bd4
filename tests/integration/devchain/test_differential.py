"""The dev chain beside Substrate's own executor, on random extrinsics of all pallets.

``AINUR_EXTRINSICS`` says how many of them in each direction, ``AINUR_SEED`` which ones.
"""

import os
import random
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chain.devchain.blob import decompress
from chain.devchain.block import encode_header, timestamp_inherent
from chain.devchain.chain import EXTERNAL, DevChain
from chain.devchain.errors import RefusedError, RuntimeTrapError
from chain.devchain.metadata import EVENTS_KEY
from chain.devchain.overlay import Overlay
from chain.devchain.scale import decode_compact, decode_vec, encode_vec
from tests.support.chains import START
from tests.support.extrinsics import ALICE, call_index, remark, sign
from tests.support.oracle import (
    Oracle,
    Told,
    block_record,
    from_hex,
    genesis_record,
    oracle_path,
    pairs_digest,
)
from tests.support.random_calls import RandomExtrinsics
from tests.support.vectors import VECTORS

pytestmark = [pytest.mark.integration, pytest.mark.chain, pytest.mark.timeout(0)]

EXTRINSICS = int(os.environ.get("AINUR_EXTRINSICS", "1000"))
SEED = int(os.environ.get("AINUR_SEED", "0"))
PER_CHAIN = 250
CHAINS = [
    pytest.param(SEED + i, ("ci", "development")[i % 2], id=f"{i}")
    for i in range(-(-EXTRINSICS // PER_CHAIN))
]


@pytest.fixture
def oracle(devchain_runtime: Path) -> Oracle:
    return Oracle(devchain_runtime)


def answer(call: Callable[[], bytes]) -> Any:
    """Return what a runtime answered as the oracle tells it; how it trapped is not compared."""
    try:
        return "0x" + call().hex()
    except RuntimeTrapError:
        return "trap"


def told(answers: list[Any]) -> list[Any]:
    return ["trap" if isinstance(a, dict) else a for a in answers]


def validity(chain: DevChain, extrinsic: bytes) -> Any:
    question = EXTERNAL + extrinsic + chain.head.hash
    return answer(lambda: chain.call("TaggedTransactionQueue_validate_transaction", question))


def submit(chain: DevChain, extrinsic: bytes) -> int | None:
    """Put an extrinsic into the pool; return the code of the error if it is refused."""
    try:
        chain.submit(extrinsic)
    except RefusedError as error:
        return error.code
    return None


def author(chain: DevChain, millis: int, candidates: list[bytes]) -> tuple[list[Any], bytes]:
    """Make a block of candidates as the dev chain does, without its pool; return results and header."""
    overlay = Overlay(chain.state())
    executor = chain.runtime()

    def apply(extrinsic: bytes) -> Any:
        overlay.start()
        result = answer(lambda: executor.call("BlockBuilder_apply_extrinsic", extrinsic, overlay))
        if result.startswith("0x00"):
            overlay.commit()
        else:
            overlay.rollback()
        return result

    head = chain.head
    executor.call("Core_initialize_block", encode_header(head.hash, head.number + 1), overlay)
    inherents = executor.call(
        "BlockBuilder_inherent_extrinsics", timestamp_inherent(millis), overlay
    )
    count, at = decode_compact(inherents)
    assert count == 1
    apply(inherents[at : decode_vec(inherents, at)[1]])
    results = [apply(candidate) for candidate in candidates]
    return results, executor.call("BlockBuilder_finalize_block", b"", overlay)


def blocks(seed: int) -> Iterator[tuple[random.Random, int]]:
    """Draw how many extrinsics go into each block, a chain's worth in all."""
    rng = random.Random(seed)
    left = min(PER_CHAIN, EXTRINSICS)
    while left > 0:
        count = min(left, rng.choice([0, 1, 2, 5, 9]))
        yield rng, count
        left -= count


def events(chain: DevChain) -> str:
    return "0x" + (chain.storage(EVENTS_KEY) or b"").hex()


def test_the_committed_vectors_are_what_the_oracle_writes(tmp_path: Path) -> None:
    subprocess.run([oracle_path(), "host-vectors", tmp_path], check=True, capture_output=True)
    written = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    committed = {file.name: file.read_bytes() for file in (VECTORS / "host").iterdir()}
    assert written == committed, "run scripts/build-oracle, then the program with host-vectors"


@pytest.mark.parametrize("preset", ["development", "ci", "testnet"])
def test_genesis_of_a_preset_is_the_native_one(
    oracle: Oracle, open_chain: Any, preset: str
) -> None:
    chain = open_chain(preset=preset)
    native = oracle.genesis(preset)
    assert native["header"] == "0x" + chain.genesis.header.hex()
    assert native["pairs"] == pairs_digest(chain)


@pytest.mark.parametrize(("seed", "preset"), CHAINS)
def test_native_blocks_are_what_the_dev_chain_makes_and_imports(
    oracle: Oracle, open_chain: Any, seed: int, preset: str
) -> None:
    chain = open_chain(preset=preset)
    drawn = RandomExtrinsics(chain, random.Random(seed))
    with oracle.author(chain) as native:
        for i, (rng, count) in enumerate(blocks(seed)):
            candidates = drawn.block(count)
            millis = START + 250 * i + rng.randint(0, 200)
            made = native.make(millis, candidates)
            asked = [validity(chain, candidate) for candidate in candidates]
            assert asked == told(made["asked"]), f"validity before block {made['number']}"
            results, header = author(chain, millis, candidates)
            assert results == told(made["results"]), f"results in block {made['number']}"
            block = chain.import_block(
                *from_hex([made["header"]]), tuple(from_hex(made["extrinsics"]))
            )
            assert block.header == header
            assert "0x" + block.hash.hex() == made["hash"]
            assert events(chain) == made["events"]
        assert native.end()["pairs"] == pairs_digest(chain)


def assert_replayed(chain: DevChain, lines: list[Told], expected: list[Told]) -> None:
    """Compare what the oracle says of blocks, the first difference first."""
    last = lines[-1]
    if "difference" in last:
        ours = {
            "0x" + key.hex(): value and "0x" + value.hex()
            for key, value in chain.changes(last["number"]).top.items()
        }
        theirs = last["changes"]
        wrong = {k: (ours.get(k), theirs.get(k)) for k in {*ours, *theirs}}
        wrong = {k: pair for k, pair in wrong.items() if pair[0] != pair[1]}
        pytest.fail(f"block {last['number']}: {last['difference']}; key: (ours, native) {wrong}")
    for line, block in zip(lines[:-1], expected, strict=True):
        line["asked"] = told(line["asked"])
        assert {key: line[key] for key in block} == block


@pytest.mark.parametrize(("seed", "preset"), CHAINS)
def test_the_dev_chains_blocks_are_executed_natively_with_the_same_outcome(
    oracle: Oracle, open_chain: Any, tmp_path: Path, seed: int, preset: str
) -> None:
    chain = open_chain(preset=preset, salt=seed.to_bytes(4, "little"))
    drawn = RandomExtrinsics(chain, random.Random(seed + 10**6))
    records, expected = [genesis_record(chain)], []
    for i, (_, count) in enumerate(blocks(seed + 10**6)):
        candidates = drawn.block(count)
        asked = [validity(chain, candidate) for candidate in candidates]
        for candidate, said in zip(candidates, asked, strict=True):
            refusal = submit(chain, candidate)
            # Refused by the runtime, or because the pool has it, or one with a larger fee.
            assert (refusal is None) == said.startswith("0x00") or refusal in (1013, 1014)
        block = chain.build(at=START + 300 * i)
        records.append(block_record(block, candidates))
        expected.append(
            {
                "number": block.number,
                "hash": "0x" + block.hash.hex(),
                "state_root": "0x" + block.state_root.hex(),
                "extrinsics_root": "0x" + block.extrinsics_root.hex(),
                "events": events(chain),
                "asked": asked,
                "equal": True,
            }
        )
    file = tmp_path / "blocks"
    file.write_bytes(b"".join(records))
    lines = oracle.replay(file)
    assert_replayed(chain, lines, expected)
    assert lines[-1]["pairs"] == pairs_digest(chain)
    assert lines[-1]["blocks"] == len(expected)


def test_a_runtime_upgrade_is_the_same_natively(oracle: Oracle, open_chain: Any) -> None:
    chain = open_chain()
    code = decompress(chain.runtime().code)
    assert code != chain.runtime().code
    upgrade = call_index(chain, "System", "set_code_without_checks") + encode_vec(code)
    by_root = call_index(chain, "Sudo", "sudo_unchecked_weight") + upgrade + b"\0\0"
    with oracle.author(chain) as native:
        for nonce, call in enumerate([remark(chain), by_root, remark(chain), remark(chain)]):
            made = native.make(START + nonce, [sign(chain, ALICE, call, nonce)])
            extrinsics = tuple(from_hex(made["extrinsics"]))
            assert len(extrinsics) == 2
            block = chain.import_block(*from_hex([made["header"]]), extrinsics)
            assert events(chain) == made["events"]
            assert (b"\x08" in block.digest) == (call == by_root)
        assert chain.runtime().code == code
        assert native.end()["pairs"] == pairs_digest(chain)


def test_every_call_is_drawn_and_many_succeed(open_chain: Any) -> None:
    chain = open_chain(preset="ci")
    drawn = RandomExtrinsics(chain, random.Random(SEED))
    seen: Counter[str] = Counter()
    for _, count in blocks(SEED):
        for candidate in drawn.block(count):
            try:
                chain.submit(candidate)
            except RefusedError as error:
                seen[error.args[0]] += 1
        chain.build()
        seen.update(f"{event.pallet}.{event.name}" for event in chain.events())
    while len(drawn.drawn) < sum(map(len, drawn._calls.values())):
        drawn.call()
    pallets = {name.partition(".")[0] for name in seen}
    assert {"System", "Balances", "Utility", "Sudo", "Registry", "Reputation", "Escrow"} <= pallets
    assert seen["System.ExtrinsicSuccess"] > 20
    assert seen["System.ExtrinsicFailed"] > 20


@pytest.mark.parametrize(
    ("what", "at"), [("state_root", 33 + 5), ("extrinsics_root", 33 + 40), ("parent", 3)]
)
def test_the_oracle_tells_what_differs(
    oracle: Oracle, open_chain: Any, tmp_path: Path, what: str, at: int
) -> None:
    chain = open_chain()
    chain.submit(sign(chain, ALICE, remark(chain), 0))
    block = chain.build()
    record = bytearray(block_record(block))
    start = len(record) - len(block_record(block)) + 2  # behind the header's length
    record[start + at] ^= 1
    file = tmp_path / "blocks"
    file.write_bytes(genesis_record(chain) + bytes(record))
    last = oracle.replay(file)[-1]
    assert last["difference"]["what"] == what
    assert not last["equal"]
