from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chain.devchain.chain import DevChain
from chain.devchain.pool import Status
from tests.support.runtime import runtime_path

# pytest gives these to every test below; a marker here would not reach them.
START = 1_700_000_000_000


class Clock:
    """Milliseconds since 1970 that pass only when told."""

    def __init__(self) -> None:
        self.millis = START

    def __call__(self) -> int:
        return self.millis


class Watched(list[Status]):
    """What a transaction's watcher was told."""

    def __call__(self, status: Status) -> None:
        self.append(status)

    @property
    def kinds(self) -> list[str]:
        return [status.kind for status in self]


@pytest.fixture(scope="session")
def devchain_runtime() -> Path:
    return runtime_path()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_chain(devchain_runtime: Path, clock: Clock) -> Iterator[Any]:
    """Open chains on one stopped clock; they are closed at the end."""
    chains = []

    def open_one(path: Path | None = None, **options: Any) -> DevChain:
        options.setdefault("clock", clock)
        chain = DevChain.open(devchain_runtime, path, **options)
        chains.append(chain)
        return chain

    yield open_one
    for chain in chains:
        chain.close()


@pytest.fixture
def chain(open_chain: Any) -> DevChain:
    """A chain at block 1, finality two blocks behind."""
    chain: DevChain = open_chain(finality_lag=2)
    chain.build()
    return chain
