"""What the API answers, as JSON-Schema: one entry for each shape; tests hold real answers to them."""

from typing import Any, Final, get_args

import msgspec

from node.api.reasons import Reason
from node.api.tasks import MAX_BATCH, Wanted

__all__ = ["SCHEMAS", "ref"]

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
NUMBER: Final[Schema] = {"type": "number"}
WHOLE: Final[Schema] = {"type": "integer", "minimum": 0}
YES_NO: Final[Schema] = {"type": "boolean"}
PLANCK: Final[Schema] = {
    "type": "string",
    "pattern": "^[0-9]+$",
    "description": "Planck, decimal; 1 AINU is 10^12.",
}
HASH: Final[Schema] = {"type": "string", "pattern": "^0x[0-9a-f]{64}$"}
BARE_HASH: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
ACCOUNT: Final[Schema] = {"type": "string", "description": "SS58, format 42."}
PEER: Final[Schema] = {"type": "string", "description": "A PeerId."}


def ref(name: str) -> Schema:
    """Return a reference to a shape."""
    return {"$ref": f"#/components/schemas/{name}"}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _or_none(of: Schema) -> Schema:
    return {"anyOf": [of, {"type": "null"}]}


def _object(**fields: Schema) -> Schema:
    """Return an object that has these fields, all of them and no others."""
    return {
        "type": "object",
        "properties": fields,
        "required": sorted(fields),
        "additionalProperties": False,
    }


def _answer(**fields: Schema) -> Schema:
    return _object(version={"const": 1}, **fields)


def _wanted() -> Schema:
    schemas, found = msgspec.json.schema_components((Wanted,), ref_template="#/components/schemas/{name}")  # fmt: skip
    del schemas
    return dict(found["Wanted"])


SCHEMAS: Final[dict[str, Schema]] = {
    "Error": _answer(
        error=_object(reason={"enum": list(get_args(Reason))}, message=TEXT),
    ),
    "Live": _answer(live={"const": True}),
    "Ready": _answer(ready=YES_NO, checks=_object(listening=YES_NO, chain=YES_NO)),
    "Status": _answer(
        software=TEXT,
        peer_id=PEER,
        account=ACCOUNT,
        multiaddrs=_list(TEXT),
        peers=WHOLE,
        agents=WHOLE,
        announces=_list(TEXT),
        ttl=NUMBER,
        chain=_object(
            url=_or_none(TEXT), genesis=HASH, head=WHOLE, current=YES_NO, development=YES_NO
        ),
    ),
    "Capability": _object(
        name=TEXT,
        version=WHOLE,
        description=TEXT,
        typical_price=PLANCK,
        free_slots=WHOLE,
        input_schema=BARE_HASH,
        output_schema=BARE_HASH,
    ),
    "Agent": _object(
        account=ACCOUNT,
        peer_id=PEER,
        addresses=_list(TEXT),
        capabilities=_list(ref("Capability")),
        software=TEXT,
        load_ppm=WHOLE,
        sequence=PLANCK | {"description": "Rises with each announcement."},
        age_ms=WHOLE,
        expires_in_ms=WHOLE,
        expires_at_block=WHOLE,
        evidence=NUMBER,
        self=YES_NO,
    ),
    "Agents": _answer(agents=_list(ref("Agent")), known=WHOLE),
    "Match": _object(
        capability=ref("Capability"), similarity=_or_none(NUMBER), agent=ref("Agent")
    ),
    "Matches": _answer(matches=_list(ref("Match"))),
    "Absence": _object(
        reason=TEXT, detail=TEXT, account=_or_none(ACCOUNT), peer_id=_or_none(PEER)
    ),
    "Absences": _answer(absences=_list(ref("Absence"))),
    "Peer": _object(
        peer_id=PEER,
        addresses=_list(TEXT),
        inbound=YES_NO,
        round_trip_ms=_or_none(NUMBER),
        score=NUMBER,
    ),
    "Peers": _answer(peers=_list(ref("Peer"))),
    "Wanted": _wanted(),
    "Submission": {
        "anyOf": [
            ref("Wanted"),
            {"type": "array", "items": ref("Wanted"), "minItems": 1, "maxItems": MAX_BATCH},
        ]
    },
    "Task": _object(
        id=HASH,
        capability=TEXT,
        capability_version=WHOLE,
        budget=PLANCK,
        deadline_ms=WHOLE,
        submitted_ms=WHOLE,
        auction=_or_none(HASH),
        is_cancelled=YES_NO,
        phase=TEXT,
        provider=_or_none(ACCOUNT),
        price=_or_none(PLANCK),
        escrow=_or_none(WHOLE),
        ended=_or_none(TEXT),
    ),
    "Submitted": {"anyOf": [_answer(task=_or_none(ref("Task"))), _answer(tasks=_list(_or_none(ref("Task"))))]},
    "Tasks": _answer(tasks=_list(ref("Task"))),
    "TaskAndEvents": _answer(task=ref("Task"), events=_list(ref("Event"))),
    "Cancelled": _answer(task=_or_none(ref("Task"))),
    "Event": {
        "type": "object",
        "description": "A step of a task's life; further fields by its kind.",
        "properties": {
            "id": WHOLE,
            "task": _or_none(HASH),
            "kind": TEXT,
            "block": WHOLE,
            "at_ms": WHOLE,
        },
        "required": ["at_ms", "block", "id", "kind", "task"],
        "additionalProperties": True,
    },
}  # fmt: skip
"""Shapes by name, as they stand in the description's components."""
