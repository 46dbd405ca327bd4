from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chain.devchain.chain import DevChain
from tests.support.chains import Clock
from tests.support.runtime import runtime_path


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
