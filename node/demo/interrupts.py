"""What ends a demo before its end: a signal, after which nothing is left running."""

import signal
from typing import Final

import trio

__all__ = ["InterruptedDemoError", "listen"]

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class InterruptedDemoError(Exception):
    """A signal came.

    Next: run `ainur demo` again; nothing was left behind.

    Attributes:
        number: which.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"{signal.Signals(number).name}: stopped, nothing is left running")
        self.number = number


async def listen(
    scope: trio.CancelScope,
    heard: list[int],
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Cancel a scope at each signal that comes, and note it, until cancelled."""
    with trio.open_signal_receiver(*SIGNALS) as signals:
        task_status.started()
        async for number in signals:
            heard.append(number)
            scope.cancel()
