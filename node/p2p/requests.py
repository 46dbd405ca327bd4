"""Requests and answers, on streams that are kept for the next one.

A stream carries frames: a request, its answer, the next request. A client that opens a stream for
each request, as ``libp2p.request_response`` does, is served the same; that module's own server ends
a stream after one answer, which costs two round trips a request, and is therefore not used.

A request may be sent a second time when a *kept* stream turns out to have died: handlers are
idempotent, keyed by what is in the request.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Final
from weakref import WeakValueDictionary

import trio
from libp2p.abc import INetStream
from libp2p.custom_types import TProtocol
from libp2p.host.exceptions import StreamFailure
from libp2p.io.exceptions import IOException
from libp2p.network.exceptions import SwarmException
from libp2p.network.stream.exceptions import StreamError
from libp2p.peer.id import ID
from libp2p.stream_muxer.exceptions import MuxedStreamError

from market.identity import PeerId
from node.p2p.addresses import peer_from_library, peer_to_library
from node.p2p.errors import (
    AnswerError,
    NetworkUsageError,
    NotServedError,
    RequestError,
    RequestTimeoutError,
    UnreachableError,
)
from node.p2p.framing import FrameError, FrameReader, frame
from node.p2p.hardening.admission import ByteBudget
from node.p2p.hardening.faults import faults
from node.p2p.hardening.host import BoundedHost
from node.p2p.hardening.multistream import is_not_spoken

__all__ = ["Handler", "Requests"]

IDLE_SECONDS: Final = 30.0
"""A stream without a request for this long is closed by its client."""
SERVER_IDLE_SECONDS: Final = 60.0
HANDLER_SECONDS: Final = 60.0
HELD_BYTES: Final = 128 * 1024 * 1024
"""Of all peers' requests that are being read or answered; of one peer, twice the longest."""
AT_A_TIME: Final = 16
"""Our requests to one peer by one protocol, which is as many as it works on; more wait here."""
IDLE_STREAMS: Final = AT_A_TIME
"""Streams kept for one peer and protocol."""

Handler = Callable[[PeerId, bytes], Awaitable[bytes]]
"""Given who asks and what, returns the answer. An exception breaks the stream off."""


class _Stream:
    def __init__(self, stream: INetStream, limit: int) -> None:
        self.stream = stream
        self.reader = FrameReader(stream, limit)
        self.idle_since = 0.0


class Requests:
    """Asks peers, and answers them."""

    def __init__(self, host: BoundedHost, limit: int) -> None:
        self._host = host
        self._limit = limit
        self._held = ByteBudget[ID](2 * limit, HELD_BYTES)
        self._shares: WeakValueDictionary[tuple[ID, str], trio.CapacityLimiter] = (
            WeakValueDictionary()
        )
        self._idle: defaultdict[tuple[ID, str], list[_Stream]] = defaultdict(list)

    def serve(self, protocol: str, handler: Handler, *, concurrent: int = 64) -> None:
        """Answer requests of a protocol from now on.

        Args:
            protocol: its name, ``/ainur/…/1.0.0``.
            handler: makes the answers.
            concurrent: handlers at work at a time, a quarter of them for one peer; more requests wait.
        """
        busy = trio.CapacityLimiter(concurrent)
        of_peer: WeakValueDictionary[ID, trio.CapacityLimiter] = WeakValueDictionary()

        async def on_stream(stream: INetStream) -> None:
            peer = stream.muxed_conn.peer_id
            share = of_peer.setdefault(peer, trio.CapacityLimiter(max(concurrent // 4, 1)))
            held = 0

            def take(size: int) -> bool:
                nonlocal held
                held = size if self._held.take(peer, size) else 0
                return held == size

            reader = FrameReader(stream, self._limit, take)
            try:
                while (request := await self._next(reader)) is not None:
                    async with share, busy:
                        with trio.fail_after(HANDLER_SECONDS):
                            answer = await handler(peer_from_library(peer), request)
                    with trio.fail_after(HANDLER_SECONDS):
                        await stream.write(frame(answer))
                    self._held.give_back(peer, held)
                    held = 0
                await stream.close()
            except FrameError as error:
                faults.report(protocol, peer, "malformed-frame", error)
                await stream.reset()
            except trio.TooSlowError:
                faults.report(protocol, peer, "slow", "broken off")
                await stream.reset()
            finally:
                self._held.give_back(peer, held)

        self._host.set_stream_handler(TProtocol(protocol), on_stream)

    async def _next(self, reader: FrameReader) -> bytes | None:
        with trio.fail_after(SERVER_IDLE_SECONDS):
            return await reader.read()

    def stop_serving(self, protocol: str) -> None:
        """Answer no more requests of a protocol."""
        self._host.remove_stream_handler(TProtocol(protocol))

    async def request(self, peer: PeerId, protocol: str, data: bytes, seconds: float) -> bytes:
        """Ask a peer and return its answer.

        Args:
            peer: whom; dialled when it is not connected and an address is known.
            protocol: by which name.
            data: the request.
            seconds: for all of it.

        Raises:
            NetworkUsageError: the request is too long.
            UnreachableError: the peer cannot be dialled.
            NotServedError: it does not speak the protocol.
            RequestTimeoutError: no answer in time.
            AnswerError: what came is no answer.
            RequestError: it broke off.
        """
        if len(data) > self._limit:
            raise NetworkUsageError(
                f"a request of {len(data)} bytes; send a blob where it is above {self._limit}"
            )
        to = peer_to_library(peer)
        share = self._shares.setdefault((to, protocol), trio.CapacityLimiter(AT_A_TIME))
        try:
            with trio.fail_after(seconds):
                async with share:
                    return await self._ask(to, protocol, data)
        except trio.TooSlowError as error:
            raise RequestTimeoutError(
                peer, protocol, f"no answer from {peer} within {seconds:g} s"
            ) from error
        except StreamFailure as error:
            if is_not_spoken(error):
                raise NotServedError(peer, protocol, f"{peer} does not speak {protocol}") from error
            raise RequestError(peer, protocol, f"{peer} broke off: {error}") from error
        except SwarmException as error:
            raise UnreachableError(peer, str(error)) from error
        except FrameError as error:
            raise AnswerError(peer, protocol, f"{peer} answered with no frame: {error}") from error
        except (IOException, MuxedStreamError) as error:
            raise RequestError(peer, protocol, f"{peer} broke off: {error!r}") from error

    async def _ask(self, peer: ID, protocol: str, data: bytes) -> bytes:
        while (kept := self._take(peer, protocol)) is not None:
            try:
                answer = await self._exchange(kept, peer, protocol, data)
            except (IOException, MuxedStreamError):
                continue  # it died while it was idle
            if answer is not None:
                return answer
        stream = await self._host.new_stream(peer, [TProtocol(protocol)])
        answer = await self._exchange(_Stream(stream, self._limit), peer, protocol, data)
        if answer is None:
            raise StreamError("it ended the stream instead of answering")
        return answer

    async def _exchange(self, use: _Stream, peer: ID, protocol: str, data: bytes) -> bytes | None:
        whole = False
        try:
            await use.stream.write(frame(data))
            answer = await use.reader.read()
            whole = answer is not None
        finally:
            if not whole:
                with trio.CancelScope(shield=True), trio.move_on_after(1.0, shield=True):
                    await use.stream.reset()
        if whole:
            await self._keep(use, peer, protocol)
        return answer

    def _take(self, peer: ID, protocol: str) -> _Stream | None:
        idle = self._idle.get((peer, protocol))
        return idle.pop() if idle else None

    async def _keep(self, use: _Stream, peer: ID, protocol: str) -> None:
        idle = self._idle[peer, protocol]
        if len(idle) >= IDLE_STREAMS:
            await use.stream.close()
            return
        use.idle_since = trio.current_time()
        idle.append(use)

    async def run(self) -> None:
        """Close streams that nobody has used for a while."""
        while True:
            await trio.sleep(IDLE_SECONDS / 3)
            oldest = trio.current_time() - IDLE_SECONDS
            for key, idle in list(self._idle.items()):
                old = [s for s in idle if s.idle_since < oldest]
                self._idle[key] = [s for s in idle if s.idle_since >= oldest]
                if not self._idle[key]:
                    del self._idle[key]
                for use in old:
                    await use.stream.close()

    def forget(self, peer: ID) -> None:
        """Drop the streams of a peer that has disconnected."""
        for key in [k for k in self._idle if k[0] == peer]:
            del self._idle[key]
