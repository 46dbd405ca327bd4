"""The backend ``embedded``: the runtime's wasm inside the chain's process."""

from collections.abc import Callable

import attrs

from node.chainhost.backend import Ready
from node.chainhost.config import ChainConfig

__all__ = ["BACKEND"]


@attrs.frozen
class Embedded:
    """A chain in this process."""

    max_advance: int | None = None

    def check(self, config: ChainConfig) -> None:
        """Accept: it runs wherever this program does."""

    async def run(
        self,
        config: ChainConfig,
        salt: bytes,
        lock: int,  # noqa: ARG002  (the protocol's)
        ready: Callable[[Ready], None],
    ) -> None:
        """Open the chain and serve it."""
        from node.chainhost.serving import run_embedded

        await run_embedded(config, salt, ready)


BACKEND = Embedded()
