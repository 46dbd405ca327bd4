"""Tasks by name: what is under way is not begun twice, and can be stopped."""

from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress

import trio

__all__ = ["Running", "StoppingError"]


class StoppingError(Exception):
    """The node is being stopped, or has failed: ask again when it runs.

    Next: wait until the node runs again, then ask again.
    """


class Running:
    """Background work of one part of the node; what it raises ends the node."""

    def __init__(self) -> None:
        self._nursery: trio.Nursery | None = None
        self._scopes: dict[Hashable, trio.CancelScope] = {}
        self._ends: dict[Hashable, trio.Event] = {}

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Let things be started, until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                self._nursery = None  # what is begun from now on is not: the node goes

    def start(self, name: Hashable, work: Callable[[], Awaitable[None]]) -> None:
        """Begin something, unless something of that name is under way."""
        if self._nursery is None or name in self._scopes:
            return
        scope = self._scopes[name] = trio.CancelScope()
        self._ends[name] = trio.Event()
        self._nursery.start_soon(self._go, name, work, scope)

    def stop(self, name: Hashable) -> None:
        """Stop something; nothing happens where it is not under way."""
        scope = self._scopes.get(name)
        if scope is not None:
            scope.cancel()

    async def wait(self, name: Hashable) -> None:
        """Return once something is not under way any more."""
        end = self._ends.get(name)
        if end is not None:
            await end.wait()

    async def _go(
        self, name: Hashable, work: Callable[[], Awaitable[None]], scope: trio.CancelScope
    ) -> None:
        try:
            with scope, suppress(StoppingError):  # what stops the node is told where it happened
                await work()
        finally:
            del self._scopes[name]
            self._ends.pop(name).set()
