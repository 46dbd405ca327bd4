"""What a kind of agent offers to its worker, and what several kinds share."""

import os
from collections.abc import Awaitable, Callable, Mapping
from string import Template
from typing import Any, Final

import attrs
import msgspec

from node.agents.declaration import Task
from node.agents.errors import DeclarationError, InputError, LimitError, WorkError
from node.agents.specs import Offer

__all__ = ["Handler", "Perform", "fill", "key_from", "parse_json", "too_large"]

Perform = Callable[[Task[Any]], Awaitable[Any]]
_EXCERPT: Final = 200


@attrs.frozen
class Handler:
    """An agent that is up."""

    offer: Offer
    """With the schemas that it could find out where its declaration has none."""
    perform: Perform
    """Does a task and returns what JSON can carry; cancelled at the deadline."""
    stops_when_cancelled: bool = True
    """False where a thread would go on."""


def key_from(variable: str | None) -> str | None:
    """Return the secret in a variable; None where none is named.

    Raises:
        DeclarationError: the operator has not granted the variable, or it is empty.
    """
    if variable is None:
        return None
    value = os.environ.get(variable)
    if not value:
        raise DeclarationError(
            f"the variable {variable} is not there: set it, and allow it with --env {variable}"
        )
    return value


def fill(template: str, fields: Any) -> str:
    """Put an input's fields in place of ``$name``.

    Raises:
        InputError: the input has no such field.
    """
    if not isinstance(fields, Mapping):
        raise InputError("the input has to be an object")
    texts = {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in fields.items()
    }
    try:
        return Template(template).substitute(texts)
    except KeyError as error:
        raise InputError(f"the input has no field {error}") from error
    except ValueError as error:
        raise DeclarationError(f"the template {template!r}: {error}") from error


def parse_json(raw: bytes | str, whose: str) -> Any:
    """Decode what an agent's program or service has answered.

    Raises:
        WorkError: it is no JSON.
    """
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        excerpt = (
            raw[:_EXCERPT] if isinstance(raw, str) else raw[:_EXCERPT].decode(errors="replace")
        )
        raise WorkError(f"{whose} answers with no JSON ({error}): {excerpt!r}") from error


def too_large(limit: int) -> LimitError:
    """Return the error for an answer above the cap."""
    return LimitError("output", f"the output is larger than {limit} bytes")
