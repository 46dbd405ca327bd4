"""The backend ``node``: the Substrate node that is built from ``pallets/dev-node``."""

from collections.abc import Callable

import attrs

from node.chainhost.backend import Ready
from node.chainhost.config import ChainConfig
from node.chainhost.node_program import find_program

__all__ = ["BACKEND"]

MAX_ADVANCE = 5_000


@attrs.frozen
class RealNode:
    """A node as a child process."""

    max_advance: int | None = MAX_ADVANCE
    """Its blocks are built one by one."""

    def check(self, config: ChainConfig) -> None:  # noqa: ARG002  (the protocol's)
        """Look for the program."""
        find_program()

    async def run(
        self, config: ChainConfig, salt: bytes, lock: int, ready: Callable[[Ready], None]
    ) -> None:
        """Run the program until cancelled."""
        from node.chainhost.node_process import run_node

        await run_node(find_program(), config, salt, lock, ready)


BACKEND = RealNode()
