from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from chain.connection import Patience
from chain.submission import SubmissionPatience
from tests.support.backends import Backend, MemoryStore, open_embedded, open_node
from tests.support.node import IS_NODE
from tests.support.runtime import runtime_path

QUICK = Patience(socket=1.0, call=20.0, read=30.0, pause=0.02, max_pause=0.2)
"""Seconds; a socket that hangs is given up soon, a call that waits behind others on a busy machine is not."""
SLOWER = 8 if IS_NODE else 1
"""A node makes every block, where the embedded chain jumps over thousands."""
QUICK_SUBMISSION = SubmissionPatience(
    whole=60.0 * SLOWER, poll=0.01, max_poll=0.05, resend=0.5, gap=0.2
)

OpenBackend = Callable[..., AbstractAsyncContextManager[Backend]]


@pytest.fixture
def open_backend(tmp_path: Path) -> OpenBackend:
    """Open a chain; the one place that decides which program runs it."""

    def open_one(**options: Any) -> AbstractAsyncContextManager[Backend]:
        opened = open_node if IS_NODE else open_embedded
        return opened(runtime_path(), tmp_path / "chain", **options)

    return open_one


@pytest.fixture
async def backend(open_backend: OpenBackend) -> AsyncIterator[Backend]:
    """A chain that seals at once, and on which a block is final at once."""
    async with open_backend() as running:
        yield running


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()
