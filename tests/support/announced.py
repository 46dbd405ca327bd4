"""Agents that announce themselves, and the moments at which they do."""

from collections.abc import Iterable
from typing import Any

import msgspec

from market.envelope import seal
from market.hashing import audience_of_topic
from market.identity import Identity
from market.messages import Announcement, Capability
from market.presence import prove_transport
from market.units import BlockNumber, Planck, Ppm
from routing.directory.book import Directory
from routing.moment import Millis, Moment
from tests.support.samples import GENESIS, OwnKeys, blob

TOPIC = "/ainur/v1/presence/0"
AGENTS = tuple(Identity.from_seed(bytes([n]) * 32) for n in range(20, 40))


def at(seconds: float = 0, block: int = 100) -> Moment:
    """Return a moment."""
    return Moment(BlockNumber(block), Millis(round(seconds * 1000)))


def capability(name: str = "text.summarize", **changes: Any) -> Capability:
    """Return a capability."""
    made = Capability(
        name=name, version=1, description=f"does {name}", input_schema=blob("in"),
        output_schema=blob("out"), typical_price=Planck(1_000), free_slots=2,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def announcement(
    identity: Identity,
    capabilities: Iterable[Capability | str] = ("text.summarize",),
    *,
    transport: Identity | None = None,
    ttl: int = 60,
    **changes: Any,
) -> Announcement:
    """Return what an agent says of itself."""
    made = [capability(each) if isinstance(each, str) else each for each in capabilities]
    transport = transport or identity
    body = Announcement(
        transport_key=transport.key,
        transport_proof=prove_transport(
            transport, genesis=GENESIS, account=identity.account, operator=identity.key
        ),
        ttl=ttl,
        addresses=("/ip4/127.0.0.1/tcp/4001",),
        software="test",
        load=Ppm(0),
        capabilities=tuple(sorted(made, key=lambda each: each.name)),
    )
    return msgspec.structs.replace(body, **changes)


def announce(
    identity: Identity,
    capabilities: Iterable[Capability | str] = ("text.summarize",),
    *,
    sequence: int = 1,
    issued: int = 100,
    lives: int = 50,
    topic: str = TOPIC,
    genesis: Any = GENESIS,
    **changes: Any,
) -> bytes:
    """Return an announcement in its envelope, as it travels."""
    return seal(
        announcement(identity, capabilities, **changes),
        identity=identity,
        genesis=genesis,
        audience=audience_of_topic(topic),
        sequence=sequence,
        issued_at=BlockNumber(issued),
        expires_at=BlockNumber(issued + lives),
    )


def directory(**changes: Any) -> Directory:
    """Return an empty directory."""
    options: dict[str, Any] = {
        "genesis": GENESIS, "keys": OwnKeys(), "audiences": [audience_of_topic(TOPIC)], "salt": b"s",
    }  # fmt: skip
    return Directory(**(options | changes))
