"""A served chain for each test, with block 1 made: extrinsics sign over the hash that it records."""

from collections.abc import Iterator

import pytest

from tests.support.rpc import Client, Served, served


@pytest.fixture
def node() -> Iterator[Served]:
    with served() as found:
        found.build()
        yield found


@pytest.fixture
def client(node: Served) -> Iterator[Client]:
    with node.client() as found:
        yield found
