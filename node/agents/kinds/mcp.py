"""A tool of an MCP server, by the protocol's SDK: over HTTP, or over a command's standard streams."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import mcp
from mcp import types
from mcp.client.streamable_http import streamable_http_client
from msgspec.structs import replace

from node.agents.declaration import Task
from node.agents.errors import DeclarationError, EndpointError, InputError, WorkError
from node.agents.kinds.handler import Handler, key_from
from node.agents.specs import McpAgent

__all__ = ["open_agent"]

_INVALID_PARAMS = -32602


@asynccontextmanager
async def _connected(spec: McpAgent) -> AsyncIterator[mcp.Client]:
    key = key_from(spec.key_env)
    if spec.url is None:
        command, *arguments = spec.argv
        server = mcp.StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
        async with mcp.Client(server) as client:
            yield client
        return
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    async with (
        httpx2.AsyncClient(headers=headers) as http,
        mcp.Client(streamable_http_client(spec.url, http_client=http)) as client,
    ):
        yield client


@asynccontextmanager
async def open_agent(spec: McpAgent) -> AsyncIterator[Handler]:
    """Keep a session open between tasks; the tool's own schemas stand where none are given."""
    async with _connected(spec) as client:
        tool = await _find(client, spec)
        offer = replace(
            spec.offer,
            description=spec.offer.description or (tool.description or "")[:512],
            input_schema=spec.offer.input_schema or tool.input_schema,
            output_schema=spec.offer.output_schema or tool.output_schema,
        )

        async def perform(task: Task[Any]) -> Any:
            if not isinstance(task.input, dict):
                raise InputError("the input of an MCP tool is an object")

            async def report(progress: float, total: float | None, message: str | None) -> None:
                task.progress(progress / total if total else 0.5, message or "")

            try:
                result = await client.call_tool(spec.tool, task.input, progress_callback=report)
            except mcp.MCPError as error:
                if error.error.code == _INVALID_PARAMS:
                    raise InputError(error.error.message) from error
                raise EndpointError(f"{spec.tool}: {error.error.message}") from error
            return _output(result, spec.tool)

        yield Handler(offer, perform)


async def _find(client: mcp.Client, spec: McpAgent) -> types.Tool:
    names: list[str] = []
    cursor: str | None = None
    for _page in range(100):
        listed = await client.list_tools(cursor=cursor)
        for tool in listed.tools:
            if tool.name == spec.tool:
                return tool
        names += [tool.name for tool in listed.tools]
        cursor = listed.next_cursor
        if cursor is None:
            break
    raise DeclarationError(f"the MCP server has no tool {spec.tool!r}; it has {', '.join(names)}")


def _output(result: types.CallToolResult, tool: str) -> Any:
    texts = [part.text for part in result.content if isinstance(part, types.TextContent)]
    if result.is_error:
        raise WorkError("\n".join(texts) or f"{tool} failed and does not say why")
    if result.structured_content is not None:
        return result.structured_content
    return {"text": "\n".join(texts)}
