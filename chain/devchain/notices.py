"""What a chain tells, and when: only after its own state is consistent.

Whatever happens inside an operation is put into the outbox; when the operation is done, it is delivered in
that order. A listener may therefore call the chain: what that causes queues up behind.
"""

import functools
from collections import deque
from collections.abc import Callable

import attrs

from chain.devchain.block import Block
from chain.devchain.pool import Status, Watch

__all__ = ["BlockFinalized", "BlockImported", "HeadChanged", "Listener", "Notice", "Outbox"]


@attrs.frozen
class BlockImported:
    """A block was added, on the best chain or on a fork."""

    block: Block


@attrs.frozen
class HeadChanged:
    """The best chain ends elsewhere."""

    head: Block
    left: tuple[Block, ...]
    """Blocks that are no longer on the best chain, from the top."""
    gained: tuple[Block, ...]
    """Blocks that now are, from the bottom."""


@attrs.frozen
class BlockFinalized:
    """A block became final."""

    block: Block


Notice = BlockImported | HeadChanged | BlockFinalized
Listener = Callable[[Notice], None]


class Outbox:
    """Listeners, and what they have still to be told."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._waiting: deque[Callable[[], None]] = deque()
        self._delivering = False

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call a listener for every notice from now on; return a function that ends it."""
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop

    def post(self, notice: Notice) -> None:
        """Tell all listeners, later."""
        self._waiting.extend(functools.partial(each, notice) for each in self._listeners)

    def tell(self, watch: Watch | None, status: Status) -> None:
        """Tell a transaction's watcher, later."""
        if watch is not None:
            self._waiting.append(functools.partial(watch, status))

    def deliver(self) -> None:
        """Tell what waits, unless that is already under way.

        What a listener raises ends the delivery; the rest comes with the next one.
        """
        if self._delivering:
            return
        self._delivering = True
        try:
            while self._waiting:
                self._waiting.popleft()()
        finally:
            self._delivering = False
