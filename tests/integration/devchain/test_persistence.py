import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import apsw
import pytest

from chain.devchain.chain import DevChain
from chain.devchain.errors import StoreError
from chain.devchain.store import PRUNE_EVERY
from tests.support.extrinsics import ALICE, BOB, UNIT, remark, sign, transfer
from tests.support.powerloss import Recorder
from tests.support.trie_oracle import whole_root

pytestmark = [pytest.mark.integration, pytest.mark.chain]


def assert_same(chain: DevChain, again: DevChain) -> None:
    assert (again.head, again.finalized, again.genesis) == (
        chain.head,
        chain.finalized,
        chain.genesis,
    )
    assert again.pairs(count=10**9) == chain.pairs(count=10**9)
    assert (again.time_offset, again.importable) == (chain.time_offset, chain.importable)


def test_a_chain_is_the_same_after_it_was_closed(open_chain: Any, tmp_path: Path) -> None:
    chain = open_chain(tmp_path, finality_lag=2)
    for nonce in range(5):
        chain.submit(sign(chain, ALICE, transfer(chain, BOB, UNIT), nonce))
        chain.build()
    chain.advance(1000, seconds=60)
    before = chain.fork()
    chain.close()
    again = open_chain(tmp_path, finality_lag=2)
    assert_same(before, again)
    for number in [0, 1, 2, 3, 4, 5, 1005]:
        assert again.block(number) == before.block(number)
        assert again.state(number).root == again.block(number).state_root
    assert again.events(5) == before.events(5)
    before.build()
    again.build()
    assert again.head == before.head


def test_pruning_moves_the_base_and_keeps_blocks(open_chain: Any, tmp_path: Path) -> None:
    chain = open_chain(tmp_path, keep_blocks=5, synchronous="OFF")
    for nonce in range(3 * PRUNE_EVERY):
        if nonce < 10:
            chain.submit(sign(chain, ALICE, remark(chain), nonce))
        chain.build()
    before = chain.fork()
    chain.close()
    db = sqlite3.connect(tmp_path / "chain.sqlite")
    (kept,) = db.execute("SELECT count(*) FROM block WHERE changes IS NOT NULL").fetchone()
    (blocks,) = db.execute("SELECT count(*) FROM block").fetchone()
    db.close()
    assert kept <= PRUNE_EVERY + 5
    assert blocks == 3 * PRUNE_EVERY + 1
    again = open_chain(tmp_path, keep_blocks=5)
    assert_same(before, again)
    assert again.block(3) == before.block(3)
    assert again.head.state_root == whole_root(dict(again.pairs(count=10**9)), 1)


def test_forks_and_the_chosen_head_survive(open_chain: Any, tmp_path: Path) -> None:
    chain = open_chain(tmp_path, finality_lag=10)
    base = chain.build()
    one = chain.build()
    other = chain.build(parent=base.hash)
    chain.build(parent=one.hash)
    chain.set_head(other.hash)
    chain.close()
    again = open_chain(tmp_path, finality_lag=10)
    assert again.head == other
    assert again.set_head(one.hash) == one
    assert again.state().root == one.state_root


def test_restoring_a_snapshot_survives(open_chain: Any, tmp_path: Path) -> None:
    chain = open_chain(tmp_path, keep_blocks=3, synchronous="OFF")
    for _ in range(10):
        chain.build()
    snapshot = chain.snapshot()
    for _ in range(2 * PRUNE_EVERY):
        chain.build()
    chain.restore(snapshot)
    chain.build()
    before = chain.fork()
    chain.close()
    again = open_chain(tmp_path, keep_blocks=3)
    assert_same(before, again)
    assert again.head.number == 11
    assert again.block_hash(12) is None


def test_another_genesis_is_refused_and_the_chain_left_as_it_was(
    open_chain: Any, tmp_path: Path
) -> None:
    chain = open_chain(tmp_path, salt=b"mine")
    head = chain.build()
    chain.close()
    for other in ({"salt": b"other"}, {"genesis_patch": {"sudo": {"key": None}}}):
        with pytest.raises(StoreError, match="holds the chain with genesis"):
            open_chain(tmp_path, **other)
    assert open_chain(tmp_path).head == head  # it knows its own salt


def test_a_changed_state_is_noticed(open_chain: Any, tmp_path: Path) -> None:
    open_chain(tmp_path).close()
    with sqlite3.connect(tmp_path / "chain.sqlite") as db:
        db.execute("UPDATE state SET value = x'00' WHERE key = (SELECT max(key) FROM state)")
    db.close()
    with pytest.raises(StoreError, match="its state has the root"):
        open_chain(tmp_path)


def test_a_disk_that_fails_costs_the_block_and_not_the_chain(
    open_chain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = open_chain(tmp_path)
    chain.build()
    head = chain.head
    chain.submit(sign(chain, ALICE, remark(chain), 0))
    with monkeypatch.context() as patch:

        def full(**_: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        patch.setattr(chain._ledger.store, "set_meta", full)
        with pytest.raises(sqlite3.OperationalError):
            chain.build()
    assert chain.head == head
    assert chain.has_ready
    block = chain.build()
    assert len(block.extrinsics) == 2
    chain.close()
    assert open_chain(tmp_path).head == block


CHILD = """
import sys
from pathlib import Path
from chain.devchain.chain import DevChain
chain = DevChain.open(Path(sys.argv[1]), Path(sys.argv[2]), keep_blocks=3)
while True:
    print(chain.build().hash.hex(), flush=True)
"""


def test_nothing_acknowledged_is_lost_when_the_process_is_killed(
    devchain_runtime: Path, open_chain: Any, tmp_path: Path
) -> None:
    rng = random.Random(7)
    last = None
    for _ in range(4):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(devchain_runtime), str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        for _ in range(rng.randint(1, 150)):
            last = child.stdout.readline().strip()
        os.kill(child.pid, signal.SIGKILL)
        rest = child.stdout.read().split()  # told before the kill, read after it
        last = next((h for h in reversed(rest) if len(h) == 64), last)
        child.wait()
        child.stdout.close()
        chain = open_chain(tmp_path, keep_blocks=3, clock=None)
        assert last
        acknowledged = chain.block(bytes.fromhex(last))
        assert chain.block_hash(acknowledged.number) == acknowledged.hash
        assert chain.head.state_root == whole_root(dict(chain.pairs(count=10**9)), 1)
        chain.close()


@pytest.mark.parametrize("seed", range(3))
def test_nothing_acknowledged_is_lost_when_the_power_fails(
    devchain_runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    recorder, rng = Recorder(), random.Random(seed)
    with recorder.recording() as vfs, monkeypatch.context() as patch:

        def connect(file: Path, **_: object) -> apsw.Connection:
            connection = apsw.Connection(str(file), vfs=vfs)
            connection.pragma("wal_autocheckpoint", 16)  # often, so that cuts fall into it
            return connection

        patch.setattr("chain.devchain.store.sqlite3.connect", connect)
        patch.setattr("chain.devchain.ledger.PRUNE_EVERY", 4)
        chain = DevChain.open(devchain_runtime, tmp_path / "recorded", keep_blocks=3)
        chain.build()
        recorder.acknowledge(1)
        for nonce in range(25):
            if nonce < 10:
                chain.submit(sign(chain, ALICE, remark(chain), nonce))
            recorder.acknowledge(chain.build().number)
        hashes = [chain.block_hash(n) for n in range(chain.head.number + 1)]
        chain.close()
    for i in range(12):
        end = rng.randint(1, len(recorder.log))
        files, acknowledged = recorder.image(end, rng)
        folder = tmp_path / str(i)
        folder.mkdir()
        for name in ("chain.sqlite", "chain.sqlite-wal"):
            if name in files:
                (folder / name).write_bytes(files[name])
        with DevChain.open(devchain_runtime, folder, keep_blocks=3) as again:
            assert again.head.number >= acknowledged
            for number in range(again.head.number + 1):
                assert again.block_hash(number) == hashes[number]
                assert again.block(number).hash == hashes[number]
            assert again.head.state_root == whole_root(dict(again.pairs(count=10**9)), 1)
            again.build()
