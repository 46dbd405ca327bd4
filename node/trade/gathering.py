"""Tasks that come together are called for together: a window opens with the first, and takes in who came before its end.

A submission has come when it is begun, and not when it has been taken in: to read the chain and to sync the disk may take
longer than the window, on a busy machine, and would part what its user submitted at once.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import trio

from node.trade.tasks import Copy

__all__ = ["Gathering"]

TAKING_IN: Final = 10.0
"""Seconds that a closed window waits for submissions that came in time; the rest is called for later."""


class Gathering:
    """Tasks that wait to be called for."""

    def __init__(self, seconds: float) -> None:
        """Make one.

        Args:
            seconds: from the first task to the end of its window.
        """
        self._seconds = seconds
        self._waiting: list[Copy] = []
        self._is_open = trio.Event()
        self._coming: set[trio.Event] = set()

    @contextmanager
    def coming(self) -> Iterator[None]:
        """Count what is put in this block to the window in which the block was entered."""
        is_in = trio.Event()
        self._coming.add(is_in)
        try:
            yield
        finally:
            self._coming.remove(is_in)
            is_in.set()

    def put(self, tasks: Iterable[Copy]) -> None:
        """Let tasks wait, all of them for one window."""
        before = len(self._waiting)
        self._waiting += tasks
        if len(self._waiting) > before:
            self._is_open.set()

    def drop(self, task: bytes) -> list[Copy]:
        """Let a task wait no more, and return what of it did."""
        dropped = [each for each in self._waiting if each.task == task]
        self._waiting = [each for each in self._waiting if each.task != task]
        return dropped

    async def take(self) -> list[Copy]:
        """Return the tasks of the next window, once it has ended; none where all were dropped."""
        await self._is_open.wait()
        await trio.sleep(self._seconds)
        in_time = tuple(self._coming)
        with trio.move_on_after(TAKING_IN):
            for each in in_time:
                await each.wait()
        self._is_open = trio.Event()
        taken, self._waiting = self._waiting, []
        return taken
