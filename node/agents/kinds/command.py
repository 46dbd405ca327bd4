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
_LAST_WORDS_SECONDS = 0.5


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
        finally:
            _end(process)
        status = await process.wait()
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

    speaking, hearing = asyncio.create_task(say()), asyncio.create_task(hear())
    ending = asyncio.create_task(_exit_of(process))
    try:
        await asyncio.wait({hearing, ending}, return_when=asyncio.FIRST_COMPLETED)
        if hearing.done():
            answer = hearing.result()
            await ending
            return answer
        # It has answered when it ends; what it leaves behind could hold its output open for ever.
        _end(process)
        await asyncio.wait({hearing}, timeout=_LAST_WORDS_SECONDS)
        if not hearing.done():
            raise WorkError("the program has ended, and what it started holds its output open")
        return hearing.result()
    finally:
        for each in (speaking, hearing, ending):
            each.cancel()
        await asyncio.gather(speaking, hearing, ending, return_exceptions=True)


async def _exit_of(process: asyncio.subprocess.Process) -> None:
    """Wait until a process has ended, whoever holds its pipes."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:  # it has, and was waited for already
        return
    loop.add_reader(handle, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)


def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
