"""How soon the client is back after its connection was cut."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import trio

from chain.client import open_chain
from node.bench.client_load import REQUESTERS, ForgetfulStore, percentiles, transfer
from node.bench.report import Report

__all__ = ["recovery"]

CHUNK = 65_536


class Wire:
    """A relay in the client's way that can be cut."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._open: set[trio.SocketStream] = set()
        self.cut_after = 0
        """Bytes from the client, of which so many pass before everything is cut; 0 for never."""
        self.cut_at = 0.0
        """When it was last cut."""

    def cut(self) -> None:
        """Cut everything."""
        self.cut_at = time.perf_counter()
        for stream in self._open:
            stream.socket.close()

    async def serve(self, client: trio.SocketStream) -> None:
        """Relay one connection."""
        server = await trio.open_tcp_stream(*self._target)
        self._open |= {client, server}
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._pass, client, server, nursery.cancel_scope, True)
                nursery.start_soon(self._pass, server, client, nursery.cancel_scope, False)
        finally:
            self._open -= {client, server}
            for stream in (client, server):
                stream.socket.close()

    async def _pass(
        self, source: trio.SocketStream, sink: trio.SocketStream, scope: trio.CancelScope, is_request: bool
    ) -> None:  # fmt: skip
        try:
            async for data in source:
                await sink.send_all(data)
                if is_request and self.cut_after:
                    self.cut_after -= min(len(data), self.cut_after)
                    if not self.cut_after:
                        self.cut()
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError):
            pass  # cut, or closed by the client
        scope.cancel()


@asynccontextmanager
async def _wire(url: str) -> AsyncIterator[tuple[Wire, str]]:
    parts = urlsplit(url)
    assert parts.hostname is not None  # noqa: S101  (of a chain that we have started)
    assert parts.port is not None  # noqa: S101
    wire = Wire(parts.hostname, parts.port)
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, wire.serve, [listener])
        yield wire, f"ws://127.0.0.1:{port}"
        nursery.cancel_scope.cancel()


async def recovery(url: str, count: int) -> Report:
    """Return how long a question takes that finds its connection cut, and a submission that is cut under way."""
    questions, submissions = [], []
    async with _wire(url) as (wire, through), open_chain(through, ForgetfulStore()) as chain:
        await chain.submit("cut first", transfer(0), REQUESTERS[0])
        for _ in range(count):
            wire.cut()
            await chain.finalized()
            questions.append((time.perf_counter() - wire.cut_at) * 1e3)
        for number in range(count):
            # Somewhere within the submission: a little later each time.
            wire.cut_after = 400 + 97 * number
            await chain.submit(f"cut {number}", transfer(number), REQUESTERS[0])
            if wire.cut_after:
                wire.cut_after = 0
            else:
                submissions.append((time.perf_counter() - wire.cut_at) * 1e3)
    return {
        "question_ms": percentiles(questions),
        "submission_ms": percentiles(submissions),
        "cuts": len(submissions),
    }
