"""``/v1/openapi.json``: the whole API in OpenAPI 3.1. A test holds it to the routes, and real answers to its shapes."""

from typing import Any, Final

import attrs
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from node.api.access import OPEN
from node.api.reasons import Reason
from node.api.schemas import SCHEMAS, ref
from node.api.view import View

__all__ = ["OPERATIONS", "Operation", "describe", "routes"]

JSON: Final = "application/json"
ALWAYS: Final[dict[int, tuple[Reason, ...]]] = {401: ("token",), 403: ("host", "origin"), 500: ("internal",)}  # fmt: skip
"""What any request may be answered with."""
TRADING: Final[dict[int, tuple[Reason, ...]]] = {409: ("no-chain",), 503: ("disk", "stopping")}
"""What any request about tasks may."""


@attrs.frozen(kw_only=True)
class Operation:
    """What one method of one path does."""

    summary: str
    answers: dict[int, str | None]
    """Status -> the shape of the answer; None where it is no JSON of a shape that is known."""
    media_type: str = JSON
    query: tuple[tuple[str, dict[str, Any], str], ...] = ()
    """Name, schema and meaning of each parameter."""
    headers: tuple[tuple[str, dict[str, Any], str], ...] = ()
    body: str | None = None
    """The shape of what is sent."""
    refusals: dict[int, tuple[Reason, ...]] = attrs.field(factory=dict[int, tuple[Reason, ...]])


_LIMIT: Final = ("limit", {"type": "integer", "minimum": 1, "maximum": 1_000}, "At most so many.")
_QUERY: Final = (
    ("capability", {"type": "string"}, "By its name; one of capability, prefix and text."),
    ("prefix", {"type": "string"}, "This capability and all below it."),
    ("text", {"type": "string", "maxLength": 1_024}, "What it should do, in words."),
    ("version", {"type": "integer", "minimum": 0, "maximum": 65_535}, "This version alone."),
    ("max_price", {"type": "string"}, "Such as `0.02 AINU`."),
    ("free_slot", {"enum": ["true"]}, "Only who could start now."),
    ("least", {"type": "number", "minimum": -1, "maximum": 1}, "The least likeness of a text."),
    _LIMIT,
)
_WRONG: Final[dict[int, tuple[Reason, ...]]] = {400: ("usage",)}
_NO_TASK: Final[dict[int, tuple[Reason, ...]]] = {404: ("not-found",), **TRADING}

OPERATIONS: Final[dict[tuple[str, str], Operation]] = {
    ("GET", "/livez"): Operation(summary="Whether it runs", answers={200: "Live"}),
    ("GET", "/readyz"): Operation(
        summary="Whether it can do its work", answers={200: "Ready", 503: "Ready"}
    ),
    ("GET", "/metrics"): Operation(
        summary="Numbers for Prometheus", answers={200: None}, media_type="text/plain"
    ),
    ("GET", "/v1/openapi.json"): Operation(summary="This description", answers={200: None}),
    ("GET", "/v1/status"): Operation(summary="What the node is", answers={200: "Status"}),
    ("GET", "/v1/peers"): Operation(summary="The connected peers", answers={200: "Peers"}),
    ("GET", "/v1/agents"): Operation(
        summary="The agents that are known", answers={200: "Agents"}, query=(_LIMIT,), refusals=_WRONG
    ),
    ("GET", "/v1/find"): Operation(
        summary="The agents that could do it, best first",
        answers={200: "Matches"}, query=_QUERY, refusals=_WRONG,
    ),
    ("GET", "/v1/why-not-found"): Operation(
        summary="Why agents are missing among those that are found",
        answers={200: "Absences"}, refusals=_WRONG,
        query=(*_QUERY, ("agent", {"type": "string"}, "The one that is missed: PeerId or account.")),
    ),
    ("POST", "/v1/tasks"): Operation(
        summary="Have a task done, or several, which are then called for together",
        answers={201: "Submitted"}, body="Submission",
        refusals={400: ("usage",), 413: ("too-large",), **TRADING},
    ),
    ("GET", "/v1/tasks"): Operation(
        summary="The tasks, the newest first",
        answers={200: "Tasks"}, query=(_LIMIT,), refusals={**_WRONG, **TRADING},
    ),
    ("GET", "/v1/tasks/{task}"): Operation(
        summary="A task, and what has become of it", answers={200: "TaskAndEvents"}, refusals=_NO_TASK
    ),
    ("POST", "/v1/tasks/{task}/cancel"): Operation(
        summary="Want a task no more", answers={200: "Cancelled"}, refusals={**_WRONG, **_NO_TASK}
    ),
    ("GET", "/v1/tasks/{task}/result"): Operation(
        summary="A task's result, as it was delivered",
        answers={200: None}, refusals={404: ("not-found", "no-result"), **TRADING},
    ),
    ("GET", "/v1/tasks/{task}/auction"): Operation(
        summary="The file of a task's auction, for `ainur auction verify`",
        answers={200: None}, media_type="application/octet-stream",
        refusals={404: ("not-found", "no-transcript"), **TRADING},
    ),
    ("GET", "/v1/events"): Operation(
        summary="The life of tasks as it goes on: server-sent events, each with an Event as its data;"
        " the last one, `stream-ended`, says that the node is being stopped",
        answers={200: None}, media_type="text/event-stream", refusals={**_WRONG, **TRADING},
        query=(
            ("task", {"type": "string"}, "Of this task alone."),
            ("after", {"type": "integer", "minimum": 0}, "Go on after this event's id."),
        ),
        headers=(("Last-Event-ID", {"type": "integer", "minimum": 0}, "As `after`; goes before it."),),
    ),
}  # fmt: skip
"""All operations, by method and path."""


def describe(software: str) -> dict[str, Any]:
    """Return the description.

    Args:
        software: name and version of the program.
    """
    paths: dict[str, dict[str, Any]] = {}
    for (method, path), operation in OPERATIONS.items():
        paths.setdefault(path, {})[method.lower()] = _operation(path, operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ainur: the local control API of a node",
            "version": "1",
            "description": f"Served by {software} on loopback. Amounts are planck in decimal strings.",
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "From the file `token` in the node's folder; another one with each start.",
                }
            },
        },
    }


def _operation(path: str, operation: Operation) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    refusals = operation.refusals if path in OPEN else {**ALWAYS, **operation.refusals}
    for status, shape in operation.answers.items():
        schema: dict[str, Any] = {} if shape is None else ref(shape)
        content = {operation.media_type: {"schema": schema}}
        responses[str(status)] = {"description": "Done", "content": content}
    for status, reasons in refusals.items():
        content = {JSON: {"schema": ref("Error")}}
        responses[str(status)] = {"description": " or ".join(reasons), "content": content}
    found: dict[str, Any] = {
        "summary": operation.summary,
        "responses": responses,
        "parameters": [*_parameters(path, operation)],
    }
    if operation.body is not None:
        found["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": ref(operation.body)}},
        }
    if path in OPEN:
        found["security"] = []
    return found


def _parameters(path: str, operation: Operation) -> list[dict[str, Any]]:
    given = [("query", *each) for each in operation.query]
    given += [("header", *each) for each in operation.headers]
    if "{task}" in path:
        task = {"type": "string", "pattern": "^(0x)?[0-9a-fA-F]{64}$"}
        given.append(("path", "task", task, "The task's id."))
    return [
        {"in": where, "name": name, "schema": schema, "description": text, "required": where == "path"}
        for where, name, schema, text in given
    ]  # fmt: skip


async def openapi(request: Request) -> JSONResponse:
    """Return the description of all this."""
    view: View = request.app.state.view
    return JSONResponse(describe(view.software))


routes = [Route("/v1/openapi.json", openapi)]
