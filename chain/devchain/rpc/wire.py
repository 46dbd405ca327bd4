"""Frames of JSON-RPC 2.0: decoding what a stranger sent, encoding answers.

By the standard library: a faster one was there, and took longer to import than it could ever win back.

Source: JSON-RPC 2.0, sections 4 to 6.
"""

import json
import math
from typing import Any, NoReturn

import attrs

from chain.devchain.rpc.errors import INVALID_REQUEST, PARSE_ERROR, RpcError

__all__ = [
    "Encoded",
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

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False, allow_nan=False).encode


@attrs.frozen
class Encoded:
    """JSON that is encoded once, for all who are told it."""

    text: str

    @classmethod
    def of(cls, value: Any) -> "Encoded":
        """Encode a value."""
        return cls(_encode(value))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


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
        text = frame if isinstance(frame, str) else frame.decode()
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
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
    return _encode({"jsonrpc": "2.0", "id": id_, "result": result}).encode()


def encode_error(id_: Id, error: RpcError) -> bytes:
    """Encode a refusal."""
    return _encode({"jsonrpc": "2.0", "id": id_, "error": error.to_json()}).encode()


def encode_notification(method: str, subscription: str, result: Any) -> bytes:
    """Encode what a subscriber is told."""
    told = result.text if isinstance(result, Encoded) else _encode(result)
    params = f'{{"subscription":{_encode(subscription)},"result":{told}}}'
    return f'{{"jsonrpc":"2.0","method":{_encode(method)},"params":{params}}}'.encode()


def encode_batch(answers: list[bytes]) -> bytes:
    """Put answers together."""
    return b"[" + b",".join(answers) + b"]"
