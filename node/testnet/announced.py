"""What a testnet's node says that it sells."""

import hashlib

import msgspec

from market.hashing import Hash
from market.messages import Blob, Capability
from market.units import Planck
from node.agents.specs import Schema
from node.testnet.agents import agents_of

__all__ = ["capabilities_of"]


def capabilities_of(provider: int | None) -> tuple[Capability, ...]:
    """Return what a provider announces; nothing for a requester."""
    if provider is None:
        return ()
    return tuple(
        Capability(
            name=spec.offer.capability,
            version=spec.offer.version,
            description=spec.offer.description,
            input_schema=_blob(spec.offer.input_schema),
            output_schema=_blob(spec.offer.output_schema),
            typical_price=Planck(spec.offer.price),
            free_slots=1,
        )
        for spec in agents_of(provider)
    )


def _blob(schema: Schema | None) -> Blob:
    text = msgspec.json.encode(True if schema is None else schema, order="sorted")
    return Blob(
        hash=Hash(hashlib.blake2b(text, digest_size=32).digest()),
        size=len(text),
        media_type="application/schema+json",
    )
