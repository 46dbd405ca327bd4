"""Reads the chain's vectors into the market's types."""

import json
from typing import Any

from market.hashing import GenesisHash, Hash, TaskId
from market.identity import AccountId
from market.offer import Offer
from market.units import BlockNumber, Planck
from tests.support import contracts


def load(name: str) -> dict[str, Any]:
    """Return the vectors of this name, which the pallets' tests write."""
    vectors: dict[str, Any] = json.loads(
        (contracts.ROOT / f"tests/vectors/{name}.json").read_text()
    )
    return vectors


def unhex(text: str) -> bytes:
    """Return the bytes behind ``0x``."""
    return bytes.fromhex(text.removeprefix("0x"))


def offer_from(view: dict[str, Any]) -> Offer:
    """Return the offer that a vector shows."""
    arbiter = view["arbiter"]
    return Offer(
        genesis=GenesisHash(unhex(view["genesis"])),
        requester=AccountId(unhex(view["requester"])),
        provider=AccountId(unhex(view["provider"])),
        task_id=TaskId(unhex(view["task_id"])),
        attempt=view["attempt"],
        price=Planck(int(view["price"])),
        milestones=tuple(Planck(int(amount)) for amount in view["milestones"]),
        input_hash=Hash(unhex(view["input_hash"])),
        slot=Hash(unhex(view["slot"])),
        terms=Hash(unhex(view["terms"])),
        arbiter=None if arbiter is None else AccountId(unhex(arbiter)),
        deliver_within=view["deliver_within"],
        review_blocks=view["review_blocks"],
        valid_until=BlockNumber(view["valid_until"]),
        offer_epoch=view["offer_epoch"],
    )
