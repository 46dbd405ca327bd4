"""The kinds of chain that ``ainur chain`` can run.

A backend runs one chain inside the chain's process: it opens it, serves JSON-RPC, says when it is ready, and ends
when it is cancelled. Everything around it (folder, lock, log, signals) is the same for all.
"""

import importlib
from collections.abc import Callable
from typing import Protocol

import attrs

from node.chainhost.config import ChainConfig
from node.chainhost.errors import BackendUnavailableError

__all__ = ["BACKENDS", "Backend", "Ready", "get_backend"]

BACKENDS = {"embedded": "node.chainhost.embedded", "node": "node.chainhost.real_node"}
"""Name -> the module whose ``BACKEND`` it is; imported when it is used."""


@attrs.frozen
class Ready:
    """A chain that answers."""

    port: int
    genesis: str
    runtime: str


class Backend(Protocol):
    """One kind of chain."""

    @property
    def max_advance(self) -> int | None:
        """Blocks that it can let pass at once; None for any number."""

    def check(self, config: ChainConfig) -> None:
        """Look whether it can run here; cheap.

        Raises:
            BackendUnavailableError: it cannot; the message says what to do.
        """

    async def run(
        self, config: ChainConfig, salt: bytes, lock: int, ready: Callable[[Ready], None]
    ) -> None:
        """Run a chain until cancelled.

        Args:
            salt: makes its genesis its own.
            lock: the descriptor that holds the folder's lock; a child that has it holds the lock as well.
            ready: called once, when it answers.

        Raises:
            StartError: it does not come up.
        """


def get_backend(name: str) -> Backend:
    """Return a backend.

    Raises:
        BackendUnavailableError: there is none of that name.
    """
    try:
        module = BACKENDS[name]
    except KeyError:
        raise BackendUnavailableError(f"no backend {name!r}: {', '.join(BACKENDS)}") from None
    backend: Backend = importlib.import_module(module).BACKEND
    return backend
