"""A chat model behind an OpenAI-compatible endpoint, by the official client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
from msgspec.structs import replace
from openai.types.chat import ChatCompletionMessageParam

from node.agents.declaration import Task
from node.agents.errors import EndpointError, InputError, WorkError
from node.agents.kinds.handler import Handler, fill, key_from, parse_json, too_large
from node.agents.specs import OpenAIAgent, Schema
from node.executor.limits import MAX_RESULT_BYTES

__all__ = ["open_agent"]

_NO_KEY = "none"
"""The client wants one; servers on one's own machine mostly do not."""
_TEXT_OUTPUT: Schema = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
}


@asynccontextmanager
async def open_agent(spec: OpenAIAgent) -> AsyncIterator[Handler]:
    """Keep a client open between tasks; its retries are off, since the task's deadline rules."""
    key = key_from(spec.key_env) or _NO_KEY
    client = openai.AsyncOpenAI(
        base_url=spec.base_url, api_key=key, max_retries=0, timeout=None
    )  # fmt: skip
    offer = spec.offer
    if offer.output_schema is None and not spec.parses_json:
        offer = replace(offer, output_schema=_TEXT_OUTPUT)

    async def perform(task: Task[Any]) -> Any:
        messages: list[ChatCompletionMessageParam] = []
        if spec.system:
            messages.append({"role": "system", "content": spec.system})
        messages.append({"role": "user", "content": fill(spec.prompt, task.input)})
        text = await _ask(client, spec, messages, task)
        return parse_json(text, spec.model) if spec.parses_json else {"text": text}

    async with client:
        yield Handler(offer, perform)


async def _ask(
    client: openai.AsyncOpenAI,
    spec: OpenAIAgent,
    messages: list[ChatCompletionMessageParam],
    task: Task[Any],
) -> str:
    parts: list[str] = []
    length = 0
    try:
        stream = await client.chat.completions.create(
            model=spec.model, messages=messages, stream=True
        )
        async for chunk in stream:
            for choice in chunk.choices:
                parts.append(choice.delta.content or "")
                length += len(parts[-1])
                if length > MAX_RESULT_BYTES:
                    raise too_large(MAX_RESULT_BYTES)
                if choice.finish_reason in ("length", "content_filter"):
                    raise WorkError(f"{spec.model} stopped early: {choice.finish_reason}")
            # Nobody knows how long an answer will be: half is all that can honestly be said.
            task.progress(0.5, "the model answers")
    except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
        raise InputError(str(error)) from error
    except openai.OpenAIError as error:
        raise EndpointError(f"{spec.model}: {error}") from error
    return "".join(parts)
