"""Real servers of each kind that an agent can stand in front of, each a process on loopback.

Run as ``python -m tests.support.agent_servers KIND``; it prints its URL when it listens.
"""

import asyncio
import contextlib
import ctypes
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from a2a.helpers import get_message_text, new_data_part, new_task_from_user_message, new_text_part
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types import AgentCapabilities, AgentCard, AgentInterface, AgentSkill
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

ROOT = Path(__file__).resolve().parents[2]
KEY = "the-right-key"
_PR_SET_PDEATHSIG = 1


@contextlib.contextmanager
def served(kind: str) -> Iterator[str]:
    """Run a server of a kind and return its URL."""
    command = [sys.executable, "-m", "tests.support.agent_servers", kind]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdout.close()
        process.kill()
        process.wait(30)


# --- HTTP


async def wordcount(request: Request) -> Response:
    """Count words; the text itself chooses a fault."""
    if request.headers.get("authorization") not in (None, f"Bearer {KEY}"):
        return Response("a wrong key", 403)
    text = (await request.json()).get("text", "")
    match text:
        case "slow":
            await asyncio.sleep(600)
        case "busy":
            return Response("come back", 503)
        case "bad":
            return Response("not that", 422)
        case "broken":
            return Response("{")
        case "huge":
            return StreamingResponse(_huge())
        case "elsewhere":
            return Response(status_code=307, headers={"Location": "http://192.0.2.1/"})
        case "drops":
            return StreamingResponse(_drops(), headers={"Content-Length": "1000"})
    return JSONResponse({"words": len(text.split()), "key": "authorization" in request.headers})


async def _huge() -> AsyncIterator[bytes]:
    while True:
        yield b" " * 2**20
        await asyncio.sleep(0)  # else a connection that has gone is never noticed


async def _drops() -> AsyncIterator[bytes]:
    yield b"{"
    raise ConnectionResetError


def http_app() -> Any:
    """Return an endpoint that counts words."""
    return Starlette(routes=[Route("/", wordcount, methods=["POST"])])


# --- OpenAI


async def complete(request: Request) -> Response:
    """Answer with what was said, in capitals."""
    if request.headers.get("authorization") != f"Bearer {KEY}":
        body = {"error": {"message": "wrong key", "type": "invalid_request_error", "code": None}}
        return JSONResponse(body, 401)
    asked = await request.json()
    said = asked["messages"][-1]["content"]
    if "too long" in said:
        body = {"error": {"message": "context length exceeded", "type": "invalid_request_error"}}
        return JSONResponse(body, 400)
    if "slow" in said:
        await asyncio.sleep(600)
    answer = said if asked["model"] == "json" else said.upper()
    head = {"id": "chatcmpl-1", "created": int(time.time()), "model": asked["model"]}
    if not asked.get("stream"):
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": answer},
            "finish_reason": "stop",
        }
        return JSONResponse({**head, "object": "chat.completion", "choices": [choice]})
    return StreamingResponse(_chunks(head, answer), media_type="text/event-stream")


async def _chunks(head: dict[str, Any], answer: str) -> AsyncIterator[str]:
    for word in answer.split(" "):
        delta = {"index": 0, "delta": {"role": "assistant", "content": word + " "}}
        yield f"data: {json.dumps({**head, 'object': 'chat.completion.chunk', 'choices': [delta]})}\n\n"
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    yield f"data: {json.dumps({**head, 'object': 'chat.completion.chunk', 'choices': [end]})}\n\n"
    yield "data: [DONE]\n\n"


def openai_app() -> Any:
    """Return a server that the official client accepts."""
    return Starlette(routes=[Route("/v1/chat/completions", complete, methods=["POST"])])


# --- MCP

mcp_server = MCPServer("counter", version="1")


@mcp_server.tool()
async def count(text: str, context: Context[Any]) -> dict[str, int]:
    """Count the words of a text."""
    if text == "bad":
        raise ToolError("that text is not countable")
    if text == "slow":
        await asyncio.sleep(600)
    await context.report_progress(1, 2, "half")
    return {"words": len(text.split())}


@mcp_server.tool(structured_output=False)
async def shout(text: str) -> str:
    """Shout."""
    return text.upper()


def mcp_app() -> Any:
    """Return an MCP server over HTTP."""
    return mcp_server.streamable_http_app()


# --- A2A


class Counter(AgentExecutor):
    """An agent as its SDK's own samples build one; it knows nothing of any market."""

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Count the words of what was said, or the fields of what was sent."""
        message = context.message
        assert message is not None
        task = context.current_task
        if task is None:
            task = new_task_from_user_message(message)
            await event_queue.enqueue_event(task)
        updater = TaskUpdater(event_queue, task.id, task.context_id)
        said = get_message_text(message)
        await updater.start_work()
        if said == "fail":
            await updater.failed(updater.new_agent_message([new_text_part("that cannot be done")]))
        elif said == "ask":
            await updater.requires_input(updater.new_agent_message([new_text_part("which one?")]))
        elif said == "slow":
            await asyncio.sleep(600)
        elif said:
            await updater.add_artifact([new_text_part(f"{len(said.split())} words")])
            await updater.complete()
        else:
            await updater.add_artifact([new_data_part({"fields": 1, "ok": True})])
            await updater.complete()

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Stop."""
        assert context.task_id is not None
        assert context.context_id is not None
        await TaskUpdater(event_queue, context.task_id, context.context_id).cancel()


def a2a_app(url: str) -> Any:
    """Return the agent with its card, spoken to by JSON-RPC."""
    card = AgentCard(
        name="Counter",
        description="Counts words",
        version="1",
        supported_interfaces=[
            AgentInterface(url=f"{url}/rpc", protocol_binding="JSONRPC", protocol_version="1.0")
        ],
        capabilities=AgentCapabilities(streaming=True),
        default_input_modes=["text/plain", "application/json"],
        default_output_modes=["text/plain", "application/json"],
        skills=[AgentSkill(id="count", name="count", description="Counts words", tags=["text"])],
    )
    handler = DefaultRequestHandler(
        agent_executor=Counter(), task_store=InMemoryTaskStore(), agent_card=card
    )
    return Starlette(
        routes=[*create_agent_card_routes(card), *create_jsonrpc_routes(handler, "/rpc")]
    )


def main(kind: str) -> None:
    """Serve until killed, or until whoever started us has ended; ``mcp-stdio`` on the standard streams."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if kind == "mcp-stdio":
        mcp_server.run()
        return
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    apps = {"http": http_app, "openai": openai_app, "mcp": mcp_app}
    app = a2a_app(url) if kind == "a2a" else apps[kind]()
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    print(url, flush=True)
    server.run(sockets=[listening])


if __name__ == "__main__":
    main(sys.argv[1])
