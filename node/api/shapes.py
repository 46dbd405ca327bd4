"""How things look in JSON: ids as people write them, amounts as decimal strings."""

from typing import Any

import attrs
from starlette.responses import JSONResponse

from market.identity import AccountId, ss58_from_account
from market.messages import Capability
from node.api.reasons import Reason
from node.p2p.network import ConnectedPeer
from routing.directory.entry import Entry
from routing.directory.query import Match
from routing.directory.traces import Absence
from routing.moment import Moment

__all__ = ["absence", "agent", "answer", "capability", "error", "match", "peer"]

VERSION = 1


def answer(value: dict[str, Any]) -> JSONResponse:
    """Return a JSON object with the version of its shape."""
    return JSONResponse({"version": VERSION, **value})


def error(status: int, reason: Reason, message: str) -> JSONResponse:
    """Return why there is no answer."""
    return JSONResponse(
        {"version": VERSION, "error": {"reason": reason, "message": message}}, status
    )


def capability(value: Capability) -> dict[str, Any]:
    """Return one thing that an agent can do."""
    return {
        "name": value.name,
        "version": value.version,
        "description": value.description,
        "typical_price": str(value.typical_price),
        "free_slots": value.free_slots,
        "input_schema": value.input_schema.hash.hex(),
        "output_schema": value.output_schema.hash.hex(),
    }


def agent(entry: Entry, now: Moment, own: AccountId) -> dict[str, Any]:
    """Return an agent that is listed."""
    return {
        "account": ss58_from_account(entry.account),
        "peer_id": entry.peer,
        "addresses": list(entry.addresses),
        "capabilities": [capability(each) for each in entry.capabilities],
        "software": entry.message.body.software,
        "load_ppm": entry.message.body.load,
        "sequence": str(entry.sequence),
        "age_ms": entry.age(now),
        "expires_in_ms": max(0, entry.deadline - now.millis),
        "expires_at_block": entry.message.expires_at,
        "evidence": entry.weight,
        "self": entry.account == own,
    }


def match(value: Match, now: Moment, own: AccountId) -> dict[str, Any]:
    """Return an agent that was found, and by which capability."""
    similarity = None if value.similarity is None else round(value.similarity, 4)
    return {
        "capability": capability(value.capability),
        "similarity": similarity,
        "agent": agent(value.entry, now, own),
    }


def absence(value: Absence) -> dict[str, Any]:
    """Return why an agent is missing."""
    return {
        "reason": value.reason,
        "detail": value.detail,
        "account": None if value.account is None else ss58_from_account(value.account),
        "peer_id": value.peer,
    }


def peer(value: ConnectedPeer) -> dict[str, Any]:
    """Return a connected peer."""
    shown = attrs.asdict(value)
    shown["peer_id"] = shown.pop("peer")
    return {**shown, "addresses": list(value.addresses), "score": round(value.score, 3)}
