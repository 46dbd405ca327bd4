"""An HTTP endpoint: the input as a JSON body by POST, the output as the answer's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import httpx
import msgspec

from node.agents.declaration import Task
from node.agents.errors import EndpointError, InputError, WorkError
from node.agents.kinds.handler import Handler, key_from, parse_json, too_large
from node.agents.specs import HttpAgent
from node.executor.limits import MAX_RESULT_BYTES

__all__ = ["open_agent"]

_BUSY = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS, *range(500, 600))
_INPUT = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)
_EXCERPT = 500


@asynccontextmanager
async def open_agent(spec: HttpAgent) -> AsyncIterator[Handler]:
    """Keep connections to the endpoint open between tasks."""
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if (key := key_from(spec.key_env)) is not None:
        headers["Authorization"] = f"Bearer {key}"
    # Redirects are not followed: the key would go where nobody has said that it may.
    async with httpx.AsyncClient(headers=headers, timeout=None) as http:  # noqa: S113  (the task's deadline ends it)

        async def perform(task: Task[Any]) -> Any:
            try:
                return await _ask(http, spec.url, msgspec.json.encode(task.input))
            except httpx.HTTPError as error:
                raise EndpointError(f"{spec.url}: {error!r}") from error

        yield Handler(spec.offer, perform)


async def _ask(http: httpx.AsyncClient, url: str, body: bytes) -> Any:
    async with http.stream("POST", url, content=body) as answer:
        received = bytearray()
        async for chunk in answer.aiter_bytes():
            received += chunk
            if len(received) > MAX_RESULT_BYTES:
                raise too_large(MAX_RESULT_BYTES)
    if answer.is_success:
        return parse_json(bytes(received), url)
    what = f"{answer.status_code} from {url}: {received[:_EXCERPT].decode(errors='replace')}"
    if answer.status_code in _INPUT:
        raise InputError(what)
    if answer.status_code in _BUSY:
        raise EndpointError(what)
    raise WorkError(what)
