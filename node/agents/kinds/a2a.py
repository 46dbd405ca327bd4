"""An agent that speaks the Agent2Agent protocol, by the protocol's SDK."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
import msgspec
from a2a.client import A2AClientError, Client, ClientConfig, ClientFactory
from a2a.helpers import (
    get_data_parts,
    get_message_text,
    get_text_parts,
    new_data_part,
    new_text_part,
)
from a2a.types import (
    CancelTaskRequest,
    GetTaskRequest,
    Message,
    Part,
    Role,
    SendMessageRequest,
    StreamResponse,
    TaskState,
    TaskStatus,
)

from node.agents.declaration import Task
from node.agents.errors import EndpointError, WorkError
from node.agents.kinds.handler import Handler, fill, key_from
from node.agents.specs import A2AAgent

__all__ = ["open_agent"]

_CANCEL_SECONDS: Final = 0.3
_GAVE_UP: Final = {
    TaskState.TASK_STATE_FAILED: "failed",
    TaskState.TASK_STATE_REJECTED: "rejected the task",
    TaskState.TASK_STATE_CANCELED: "cancelled the task",
    TaskState.TASK_STATE_INPUT_REQUIRED: "asks for more input, which a task of the market cannot give",
    TaskState.TASK_STATE_AUTH_REQUIRED: "asks for a login",
}


@asynccontextmanager
async def open_agent(spec: A2AAgent) -> AsyncIterator[Handler]:
    """Read the agent's card once, and speak by the best protocol that it offers."""
    headers = {}
    if (key := key_from(spec.key_env)) is not None:
        headers["Authorization"] = f"Bearer {key}"
    async with httpx.AsyncClient(headers=headers, timeout=None) as http:  # noqa: S113  (the task's deadline ends it)
        factory = ClientFactory(ClientConfig(httpx_client=http))
        try:
            client = await factory.create_from_url(spec.url)
        except A2AClientError as error:
            raise EndpointError(f"{spec.url}: {error}") from error
        async with client:

            async def perform(task: Task[Any]) -> Any:
                conversation = _Conversation(client)
                try:
                    return await conversation.hold(_part(spec, task.input), task)
                except (A2AClientError, httpx.HTTPError) as error:
                    raise EndpointError(f"{spec.url}: {error!r}") from error
                except asyncio.CancelledError:
                    await conversation.cancel()
                    raise

            yield Handler(spec.offer, perform)


def _part(spec: A2AAgent, given: Any) -> Part:
    if spec.text is None:
        return new_data_part(given, media_type="application/json")
    return new_text_part(fill(spec.text, given))


class _Conversation:
    """One message to an agent, and the task it makes of it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._task_id: str | None = None
        self._parts: dict[str, list[Part]] = {}
        self._status: TaskStatus | None = None
        self._said: Message | None = None

    async def hold(self, part: Part, task: Task[Any]) -> Any:
        """Say it, and follow what comes back until it is the end."""
        message = Message(role=Role.ROLE_USER, parts=[part], message_id=str(uuid.uuid4()))
        async for event in self._client.send_message(SendMessageRequest(message=message)):
            self._hear(event)
            if self._status is not None and self._said is None:
                task.progress(0.5, TaskState.Name(self._status.state))
        if self._said is not None:
            return _output(list(self._said.parts))
        if self._status is None or self._task_id is None:
            raise WorkError("the agent has said nothing")
        if self._status.state != TaskState.TASK_STATE_COMPLETED:
            await self._settle()
        parts = [part for artifact in self._parts.values() for part in artifact]
        return _output(parts or list(self._status.message.parts))

    async def cancel(self) -> None:
        """Tell the agent to stop; it may have ended, or not listen."""
        if self._task_id is not None:
            with contextlib.suppress(A2AClientError, httpx.HTTPError, TimeoutError):
                async with asyncio.timeout(_CANCEL_SECONDS):
                    await self._client.cancel_task(CancelTaskRequest(id=self._task_id))

    def _hear(self, event: StreamResponse) -> None:
        if event.HasField("message"):
            self._said = event.message
        elif event.HasField("task"):
            self._task_id, self._status = event.task.id, event.task.status
            self._parts = {a.artifact_id: list(a.parts) for a in event.task.artifacts}
        elif event.HasField("status_update"):
            self._task_id, self._status = event.status_update.task_id, event.status_update.status
        elif event.HasField("artifact_update"):
            update = event.artifact_update
            kept = self._parts.setdefault(update.artifact.artifact_id, []) if update.append else []
            self._parts[update.artifact.artifact_id] = kept + list(update.artifact.parts)

    async def _settle(self) -> None:
        """Ask until the task has ended: an agent may answer before it has done the work."""
        wait = 0.05
        while self._status is not None and self._status.state != TaskState.TASK_STATE_COMPLETED:
            if (why := _GAVE_UP.get(self._status.state)) is not None:
                raise WorkError(f"the agent {why}: {get_message_text(self._status.message)}")
            await asyncio.sleep(wait)
            wait = min(1.0, wait * 2)
            found = await self._client.get_task(GetTaskRequest(id=self._task_id))
            self._hear(StreamResponse(task=found))


def _output(parts: list[Part]) -> Any:
    data = [msgspec.json.decode(msgspec.json.encode(each)) for each in get_data_parts(parts)]
    if data:
        return data[0] if len(data) == 1 else {"data": data}
    return {"text": "\n".join(get_text_parts(parts))}
