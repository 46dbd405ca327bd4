"""The native program that the dev chain is held to (``pallets/oracle``), as a test uses it.

``scripts/build-oracle COMMAND`` builds it and runs a command with its path in ``AINUR_ORACLE``.
"""

import json
import os
import struct
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from chain.devchain.block import Block
from chain.devchain.chain import DevChain
from chain.devchain.genesis import CODE_KEY
from chain.devchain.hashing import blake2_256
from chain.devchain.scale import encode_compact, encode_vec
from chain.devchain.state import CHILD_ROOTS

VARIABLE = "AINUR_ORACLE"

Told = dict[str, Any]
"""A line of what the oracle says."""


def oracle_path() -> Path:
    """Return the program, or skip the test."""
    named = os.environ.get(VARIABLE)
    if not named:
        pytest.skip("no oracle; run ./scripts/test --only oracle")
    return Path(named)


def _list(items: Iterable[bytes]) -> bytes:
    items = list(items)
    return encode_compact(len(items)) + b"".join(items)


def genesis_record(chain: DevChain) -> bytes:
    """Return how a file begins: block 0 and its state, the runtime left out."""
    pairs = chain.pairs(count=10**9, at=0)
    assert not any(key.startswith(CHILD_ROOTS) for key, _ in pairs), "no genesis has child tries"
    top = [encode_vec(key) + encode_vec(value) for key, value in pairs if key != CODE_KEY]
    return encode_vec(chain.genesis.header) + _list(top) + _list([])


def block_record(block: Block, asked: Iterable[bytes] = ()) -> bytes:
    """Return a block as ``replay`` reads it, with transactions to ask the runtime about before it."""
    extrinsics = _list(map(encode_vec, block.extrinsics))
    return encode_vec(block.header) + extrinsics + _list(map(encode_vec, asked))


def plan_record(millis: int, candidates: Iterable[bytes]) -> bytes:
    """Return a block to be made, as ``author`` reads it."""
    return struct.pack("<Q", millis) + _list(map(encode_vec, candidates))


def pairs_digest(chain: DevChain) -> str:
    """Return the hash of a chain's whole top trie, as the oracle tells it at the end."""
    pairs = chain.pairs(count=10**9)
    return "0x" + blake2_256(b"".join(encode_vec(k) + encode_vec(v) for k, v in pairs)).hex()


class Oracle:
    """The program, and the runtime that it runs."""

    def __init__(self, runtime: Path) -> None:
        self.program, self.runtime = oracle_path(), runtime

    def _lines(self, *arguments: str | Path) -> tuple[int, list[Told]]:
        done = subprocess.run([self.program, *arguments], capture_output=True, check=False)
        assert done.returncode in (0, 1), done.stderr.decode()
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]

    def genesis(self, preset: str) -> Told:
        """Make the first block of a preset."""
        return self._lines("genesis", self.runtime, preset)[1][0]

    def replay(self, file: Path) -> list[Told]:
        """Execute a file of blocks; the last line is of the block that differs, or of the end."""
        status, lines = self._lines("replay", self.runtime, file)
        assert (status == 0) == ("blocks" in lines[-1])
        return lines

    def author(self, chain: DevChain, file: Path | None = None) -> "Author":
        """Start making blocks on a chain's genesis."""
        return Author([self.program, "author", self.runtime, "-", *([file] if file else [])], chain)


class Author:
    """Makes natively what blocks it is told to, each on the one before."""

    def __init__(self, command: list[Path | str], chain: DevChain) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._say(genesis_record(chain))

    def _say(self, data: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(data)
        self._process.stdin.flush()

    def _told(self) -> Told:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the oracle ended with status {self._process.wait()}; see above for why"
        told: Told = json.loads(line)
        return told

    def make(self, millis: int, candidates: Iterable[bytes]) -> Told:
        """Make one block of what the runtime takes of the candidates."""
        self._say(plan_record(millis, candidates))
        return self._told()

    def end(self) -> Told:
        """Make no more; return what the whole state hashes to."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._told()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _value: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def from_hex(values: Iterable[str]) -> Iterator[bytes]:
    """Decode what the oracle writes as ``0x…``."""
    return (bytes.fromhex(value[2:]) for value in values)
