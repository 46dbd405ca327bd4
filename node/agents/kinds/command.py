"""A program of any language: JSON on its standard input, JSON on its standard output."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from node.agents.declaration import Task
from node.agents.errors import DeclarationError, WorkError
from node.agents.kinds.handler import Handler, parse_json, too_large
from node.agents.specs import CommandAgent
from node.executor.limits import MAX_RESULT_BYTES

__all__ = ["open_agent"]

_CHUNK = 64 * 1024


@asynccontextmanager
async def open_agent(spec: CommandAgent) -> AsyncIterator[Handler]:
    """Start the program anew for each task."""

    async def perform(task: Task[Any]) -> Any:
        try:
            process = await asyncio.create_subprocess_exec(
                *spec.argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise DeclarationError(
                f"{spec.argv[0]} cannot be started: {error.strerror}; is it there, or allowed with"
                " --with?"
            ) from error
        try:
            answer = await _converse(process, msgspec.json.encode(task.input))
            status = await process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        if status != 0:
            raise WorkError(f"{spec.argv[0]} ended with exit code {status}")
        return parse_json(answer, spec.argv[0])

    yield Handler(spec.offer, perform)


async def _converse(process: asyncio.subprocess.Process, said: bytes) -> bytes:
    if process.stdin is None or process.stdout is None:
        raise AssertionError("both are pipes")
    stdin, stdout = process.stdin, process.stdout

    async def say() -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it need not read
            stdin.write(said)
            await stdin.drain()
        stdin.close()

    async def hear() -> bytes:
        heard = bytearray()
        while chunk := await stdout.read(_CHUNK):
            heard += chunk
            if len(heard) > MAX_RESULT_BYTES:
                raise too_large(MAX_RESULT_BYTES)
        return bytes(heard)

    speaking = asyncio.create_task(say())
    try:
        return await hear()
    finally:
        speaking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await speaking
