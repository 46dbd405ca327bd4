"""Reads the chain's vectors into the market's types."""

import json
from typing import Any

import attrs

from market.escrow.calls import (
    Accept,
    Call,
    Cancel,
    ClaimTimeout,
    Decline,
    Deliver,
    DisputeCall,
    Prune,
    Refund,
    Release,
    RequestCancel,
    Rule,
)
from market.escrow.entries import open_escrow
from market.escrow.machine import step
from market.escrow.params import CI
from market.escrow.record import Chain, Escrow, Reason, State
from market.hashing import GenesisHash, Hash, TaskId
from market.identity import AccountId
from market.ledger import Ledger
from market.offer import Offer
from market.units import AINU, BlockNumber, Planck, block_after
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


ESCROW = load("escrow")
PARTIES = {name: AccountId(unhex(text)) for name, text in ESCROW["accounts"].items()}
"""The accounts that the escrows' vectors name."""
BASE = Planck(1000 * AINU)
"""What the provider of the escrows' vectors has bonded."""
CHAIN = Chain(
    now=BlockNumber(1),
    params=CI,
    genesis=GenesisHash(b"\x45" * 32),
    treasury=PARTIES["treasury"],
    min_price=Planck(AINU // 1000),
    registered=frozenset({PARTIES["provider"]}),
    arbiters=frozenset({PARTIES["arbiter"]}),
    take_on=lambda _provider, _amount: BASE,
)
"""The chain that the escrows' vectors were made on."""


def ledger(free: int = 10_000 * AINU) -> Ledger:
    """Return a ledger in which everybody of the escrows' vectors has so much."""
    return Ledger(
        treasury=PARTIES["treasury"],
        existential_deposit=CHAIN.min_price,
        issued=Planck(free * len(PARTIES)),
        free={who: Planck(free) for who in PARTIES.values()},
    )


def escrow_call(label: str, escrow: Escrow | None, bps: int = 0) -> Call:
    """Return the call of a vector's label, by whoever may make it."""
    requester, provider = PARTIES["requester"], PARTIES["provider"]
    evidence = Hash(b"\x08" * 32)
    match label:
        case "accept":
            return Accept(provider, Hash(bytes(32)) if escrow is None else escrow.offer_hash)
        case "accept_another":
            return Accept(provider, Hash(bytes(32)))
        case "decline":
            return Decline(provider)
        case "cancel":
            return Cancel(requester)
        case "request_cancel":
            return RequestCancel(requester)
        case "deliver":
            return Deliver(provider, Hash(unhex(ESCROW["result"])))
        case "release":
            return Release(requester)
        case "refund":
            return Refund(provider)
        case "dispute_input":
            return DisputeCall(provider, Reason.INPUT_WITHHELD, evidence)
        case "dispute_result":
            return DisputeCall(requester, Reason.RESULT_WRONG, evidence)
        case "rule":
            named = escrow is not None and escrow.state is not State.ESCALATED
            return Rule(escrow.arbiter if escrow is not None and named else None, bps)
        case "claim_timeout":
            return ClaimTimeout(PARTIES["stranger"])
        case "prune":
            return Prune(PARTIES["stranger"])
        case _:
            raise ValueError(label)


LABELS = (
    "accept",
    "accept_another",
    "cancel",
    "claim_timeout",
    "decline",
    "deliver",
    "dispute_input",
    "dispute_result",
    "prune",
    "refund",
    "release",
    "request_cancel",
    "rule",
)
"""Every call of the vectors but ``open``."""

PATHS: dict[State, tuple[str, ...]] = {
    State.OPEN: (),
    State.ACCEPTED: ("accept",),
    State.DELIVERED: ("accept", "deliver"),
    State.DISPUTED: ("accept", "deliver", "dispute_result"),
    State.ESCALATED: ("accept", "deliver", "dispute_result", "claim_timeout"),
    State.RELEASED: ("accept", "deliver", "release"),
    State.CANCELLED: ("cancel",),
    State.REFUNDED: ("accept", "refund"),
    State.EXPIRED: ("accept", "claim_timeout"),
    State.RULED: ("accept", "deliver", "dispute_result", "rule"),
    State.SPLIT: ("accept", "deliver", "dispute_result", "claim_timeout", "claim_timeout"),
}
"""A way to each state; timeouts are claimed in the first block after the deadline."""


def escrow_in(state: State, offer: Offer | None = None, chain: Chain = CHAIN) -> Escrow:
    """Return an escrow in that state; by default, of the vectors' first offer."""
    offer = offer_from(ESCROW["sequences"][0]["offer"]) if offer is None else offer
    escrow, _ = open_escrow(offer, offer.requester, chain)
    now = chain.now
    for label in PATHS[state]:
        if label == "claim_timeout":
            now = block_after(escrow.deadline, 1)
        call = escrow_call(label, escrow)
        following, _ = step(escrow, call, attrs.evolve(chain, now=now))
        if following is None:
            raise ValueError(label)
        escrow = following
    return escrow
