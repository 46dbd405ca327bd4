"""The backend ``node``: the Substrate node that is built from ``pallets/dev-node``."""

from collections.abc import Callable

import attrs

from node.chainhost.backend import Ready
from node.chainhost.config import ChainConfig
from node.chainhost.errors import BackendUnavailableError

__all__ = ["BACKEND"]

MAX_ADVANCE = 5_000


@attrs.frozen
class RealNode:
    """A node as a child process."""

    max_advance: int | None = MAX_ADVANCE
    """Its blocks are built one by one."""

    def check(self, config: ChainConfig) -> None:  # noqa: ARG002  (the protocol's)
        """Say that it is not there."""
        raise BackendUnavailableError(
            "the Substrate node is not built here: run scripts/build-node in a clone of the"
            " repository (about ten minutes), or use --backend embedded"
        )

    async def run(self, config: ChainConfig, salt: bytes, ready: Callable[[Ready], None]) -> None:  # noqa: ARG002  (the protocol's)
        """Say so again."""
        self.check(config)


BACKEND = RealNode()
