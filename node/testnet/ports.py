"""Ports that stay a testnet's own while it runs, also while the process that listens there is dead.

A socket that is bound and does not listen keeps the number from everybody who asks the kernel for a free one, and
lets in whoever binds it by number with ``SO_REUSEADDR``, as servers do. So all addresses are known before anything
starts, and a node that is started again is found where it was.
"""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

__all__ = ["Ports", "hold_ports"]

LOOPBACK = "127.0.0.1"


class Ports:
    """Numbers by name."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._by_name: dict[str, int] = {}

    def __getitem__(self, name: str) -> int:
        """Return the port of that name, a free one when it is asked for the first time."""
        if name not in self._by_name:
            held = self._stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.bind((LOOPBACK, 0))
            self._by_name[name] = held.getsockname()[1]
        return self._by_name[name]


@contextmanager
def hold_ports() -> Iterator[Ports]:
    """Give ports, and keep them until the block ends."""
    with ExitStack() as stack:
        yield Ports(stack)
