"""Frames of JSON-RPC 2.0: decoding what a stranger sent, encoding answers.

Source: JSON-RPC 2.0, sections 4 to 6.
"""

import math
from typing import Any

import attrs
import msgspec

from chain.devchain.rpc.errors import INVALID_REQUEST, PARSE_ERROR, RpcError

__all__ = [
    "Request",
    "decode_frame",
    "encode_batch",
    "encode_error",
    "encode_notification",
    "encode_result",
    "id_of",
    "read_request",
]

MAX_ID_LENGTH = 256

Id = str | float | None
"""A call's id, as the caller chose it; an integer stays one."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


@attrs.frozen
class Request:
    """One call."""

    method: str
    params: Any
    id: Id
    expects_answer: bool
    """False for a notification: a call without an id."""


def decode_frame(frame: str | bytes) -> tuple[bool, list[Any]]:
    """Decode a frame from a stranger; say whether it is a batch, and return its calls, unchecked.

    Raises:
        RpcError: it is not JSON.
    """
    try:
        value = _decode(frame)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise RpcError(PARSE_ERROR, "Parse error", str(error)) from error
    return (True, value) if isinstance(value, list) else (False, [value])


def read_request(value: Any) -> Request:
    """Check one call.

    Raises:
        RpcError: it is not a call.
    """
    if not isinstance(value, dict):
        raise _invalid("expected an object")
    if value.get("jsonrpc") != "2.0":
        raise _invalid('expected "jsonrpc": "2.0"')
    method = value.get("method")
    if not isinstance(method, str):
        raise _invalid("expected a method")
    id_ = value.get("id")
    if not is_id(id_):
        raise _invalid("expected an id that is a string, a number or null")
    return Request(method, value.get("params"), id_, "id" in value)


def is_id(value: Any) -> bool:
    """Whether a value may be a call's id."""
    if isinstance(value, str):
        return len(value) <= MAX_ID_LENGTH
    if isinstance(value, float):
        return math.isfinite(value)  # 1e999 is JSON, and cannot be answered
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def id_of(value: Any) -> Id:
    """Return the id of something that may be no call at all."""
    found = value.get("id") if isinstance(value, dict) else None
    return found if is_id(found) else None


def _invalid(why: str) -> RpcError:
    return RpcError(INVALID_REQUEST, "Invalid request", why)


def encode_result(id_: Id, result: Any) -> bytes:
    """Encode an answer."""
    return _encode({"jsonrpc": "2.0", "id": id_, "result": result})


def encode_error(id_: Id, error: RpcError) -> bytes:
    """Encode a refusal."""
    return _encode({"jsonrpc": "2.0", "id": id_, "error": error.to_json()})


def encode_notification(method: str, subscription: str, result: Any) -> bytes:
    """Encode what a subscriber is told."""
    params = {"subscription": subscription, "result": result}
    return _encode({"jsonrpc": "2.0", "method": method, "params": params})


def encode_batch(answers: list[bytes]) -> bytes:
    """Put answers together."""
    return b"[" + b",".join(answers) + b"]"
