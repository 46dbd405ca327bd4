"""The agents that a node sells: run, and announced as what they are."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import msgspec

from market.errors import UsageError
from market.hashing import Hash
from market.messages import Blob, Capability
from market.units import Planck
from node.agents.specs import AgentSpec, Offer, Schema
from node.executor.limits import Grants, Limits
from node.executor.running import RunningAgent, open_executors

__all__ = ["capability_of", "open_agents"]


def capability_of(offer: Offer, free_slots: int) -> Capability:
    """Return what is announced of an agent."""
    return Capability(
        name=offer.capability,
        version=offer.version,
        description=offer.description[:256],
        input_schema=_blob(offer.input_schema),
        output_schema=_blob(offer.output_schema),
        typical_price=Planck(offer.price),
        free_slots=free_slots,
    )


def _blob(schema: Schema | None) -> Blob:
    text = msgspec.json.encode(True if schema is None else schema, order="sorted")
    return Blob(
        hash=Hash(hashlib.blake2b(text, digest_size=32).digest()),
        size=len(text),
        media_type="application/schema+json",
    )


@asynccontextmanager
async def open_agents(
    specs: Sequence[AgentSpec], limits: Limits, grants: Grants
) -> AsyncIterator[Callable[[], Awaitable[dict[str, RunningAgent]]]]:
    """Run agents; their processes are gone when the block ends.

    They start while whoever asked goes on, all at once: some load for seconds. What is given returns them by capability
    once all are up, and raises an ExecutorError where one does not load.

    Raises:
        UsageError: two of them have one capability.
        ExecutorError: one may not run here.
    """
    names = [spec.offer.capability for spec in specs]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two agents offer {name}: a node sells one of a capability")
    async with open_executors(specs, limits, grants) as starting:

        async def wait() -> dict[str, RunningAgent]:
            return dict(zip(names, await starting.wait(), strict=True))

        yield wait
