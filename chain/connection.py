"""The way from trio to the chain: one worker thread that owns substrate-interface.

Theory of operation: substrate-interface blocks and is not safe for two threads, so every call goes through a
limiter of one, into a thread. A call is bounded twice: the socket gives up when no bytes come, and the
whole call has a deadline, after which the socket is shut down under the thread, which then ends by itself.
A caller that is cancelled goes at once; its call comes to an end behind it, and the next one waits for that.

A session that failed is never used again: what arrives late on it would be taken for the next answer. The
next call connects anew, and makes sure that it is the same chain. Nothing here repeats a call: whether that
is right depends on the call, so reading repeats in :meth:`Connection.read`, and submitting in
:mod:`chain.submission`.
"""

import logging
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, TypeVar

import attrs
import trio

from chain.errors import ChainError, HistoryError, UnavailableError, UsageError
from chain.library import Loaded
from chain.session import Session
from market.hashing import GenesisHash

__all__ = ["Connection", "Patience"]

log = logging.getLogger(__name__)
R = TypeVar("R")
THREADS: Final = 1


@attrs.frozen
class Patience:
    """How long we wait, in seconds."""

    socket: float = 10.0
    """For the next bytes."""
    call: float = 20.0
    """For a whole call, connecting and the calls before it included."""
    read: float = 60.0
    """For an answer that may be asked for again, on as many connections as it takes."""
    pause: float = 0.02
    """Between two attempts, at first; doubled up to ``max_pause``."""
    max_pause: float = 2.0


class Connection:
    """A connection that comes back. Use it as an async context manager."""

    def __init__(
        self, url: str, *, patience: Patience | None = None, genesis: GenesisHash | None = None
    ) -> None:
        """Nothing is opened before the first call.

        Args:
            url: such as ``ws://127.0.0.1:9944``.
            genesis: of the chain that is meant; that of the first session if None.
        """
        if not url.startswith(("ws://", "wss://")):
            raise UsageError(f"{url!r} is not like ws://127.0.0.1:9944")
        self.url = url
        self.patience = patience or Patience()
        self.genesis = genesis
        """Of the chain, once it is known."""
        self.sessions = 0
        """How often it was connected."""
        self._session: Session | None = None
        self._loaded: Loaded | None = None
        """The runtime that the last session had loaded."""
        self._limiter = trio.CapacityLimiter(THREADS)
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close it; a call that is under way fails."""
        self._closed = True
        self._abort()
        with trio.CancelScope(shield=True):
            # The thread was woken; wait for it, so that no socket outlives us.
            async with self._limiter:
                self._drop()

    async def call(self, work: Callable[[Session], R]) -> R:
        """Run something in the worker thread, once.

        Raises:
            UnavailableError: no connection, or none any more, or no answer in time. What was asked may
                have been done.
            ChainError: whatever the work raises.
        """
        started = False

        def run() -> R:
            nonlocal started
            started = True
            return self._work(work)

        try:
            with trio.fail_after(self.patience.call):
                return await trio.to_thread.run_sync(
                    run, limiter=self._limiter, abandon_on_cancel=True
                )
        except trio.TooSlowError as error:
            if started:
                self._abort()
            raise UnavailableError(f"{self.url} did not answer in time; try again") from error

    async def read(self, work: Callable[[Session], R]) -> R:
        """Run something that may be repeated, until a connection carries it through.

        Raises:
            UnavailableError: none did in time.
            ChainError: whatever else the work raises.
        """
        deadline = trio.current_time() + self.patience.read
        pause = self.patience.pause
        while True:
            try:
                return await self.call(work)
            except UnavailableError:
                if self._closed or trio.current_time() + pause > deadline:
                    raise
            await trio.sleep(pause)
            pause = min(2 * pause, self.patience.max_pause)

    def _abort(self) -> None:
        session = self._session
        if session is not None:
            session.abort()

    def _work(self, work: Callable[[Session], R]) -> R:
        """In the thread: connect if need be, work, and drop a session that is of no use any more."""
        from websocket import WebSocketException

        try:
            return work(self._open())
        except ChainError:
            raise
        except (OSError, WebSocketException) as error:
            self._drop()
            raise UnavailableError(f"{self.url}: {error}; try again") from error
        except BaseException:
            self._drop()
            raise
        finally:
            if self._session is not None and (self._closed or not self._session.is_sound):
                self._drop()

    def _open(self) -> Session:
        if self._closed:
            raise UnavailableError(f"the connection to {self.url} was closed")
        if self._session is None:
            session = Session(self.url, self.patience.socket, self._loaded)
            if self.genesis is not None and session.genesis != self.genesis:
                session.close()
                raise HistoryError(
                    f"{self.url} is another chain now (genesis 0x{session.genesis.hex()}): forget what"
                    " was stored of the old one, or connect to that"
                )
            self.genesis, self._session = session.genesis, session
            self.sessions += 1
            log.debug("connected to %s", self.url)
        return self._session

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            self._loaded = session.loaded
            session.close()
