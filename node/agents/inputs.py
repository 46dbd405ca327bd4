"""An input as a person gives it on a command line: JSON as a whole, or field by field."""

import base64
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from node.agents.errors import InputError
from node.agents.specs import Schema

__all__ = ["build_input"]


def build_input(
    text: str | None, fields: Sequence[str], schema: Schema | None, read: Callable[[str], bytes]
) -> Any:
    """Return the input that a person means.

    Args:
        text: JSON, ``@FILE`` or ``-`` for where JSON stands; None: only fields.
        fields: each ``name=value`` or ``name=@FILE``; by the schema a value is text or JSON, and a file is
            text or, where bytes are wanted, base64.
        schema: the capability's; None: a value that reads as JSON is JSON.
        read: returns a file's bytes; ``-`` is standard input.

    Raises:
        InputError: it is no JSON, or a field is not written as one.
    """
    value: Any = {}
    if text is not None:
        where = text.removeprefix("@")
        raw = read(where) if text.startswith("@") or text == "-" else text.encode()
        try:
            value = msgspec.json.decode(raw)
        except (msgspec.DecodeError, RecursionError) as error:
            hint = (
                "; a text is written as '\"...\"', a file as @FILE" if raw == text.encode() else ""
            )
            raise InputError(f"the input is no JSON ({error}){hint}") from error
    if fields and not isinstance(value, dict):
        raise InputError("fields are added to an object, and the input is none")
    for field in fields:
        name, equals, given = field.partition("=")
        if not equals or not name:
            raise InputError(f"{field!r} is no field: write NAME=VALUE or NAME=@FILE")
        value[name] = _field(given, _property(schema, name), read)
    return value


def _property(schema: Schema | None, name: str) -> Schema:
    node = schema or {}
    reference = node.get("$ref", "")
    if isinstance(reference, str) and reference.startswith("#/$defs/"):
        node = node.get("$defs", {}).get(reference.removeprefix("#/$defs/"), {})
    found = node.get("properties", {}).get(name, {})
    return found if isinstance(found, dict) else {}


def _field(given: str, wanted: Schema, read: Callable[[str], bytes]) -> Any:
    if given.startswith("@"):
        raw = read(given[1:])
        if wanted.get("contentEncoding") == "base64":
            return base64.b64encode(raw).decode()
        try:
            given = raw.decode()
        except UnicodeDecodeError as error:
            raise InputError(f"{given[1:]} is no text, and the field wants text") from error
    if wanted.get("type") == "string":
        return given
    try:
        return msgspec.json.decode(given)
    except (msgspec.DecodeError, RecursionError):
        return given
