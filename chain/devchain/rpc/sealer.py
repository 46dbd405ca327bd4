"""When blocks are made: at once, every so many seconds, or when somebody asks.

- **instant**: a block as soon as a transaction is ready. Submissions that have arrived together go into one
  block: while others keep coming, the sealer waits up to :data:`GATHER_ROUNDS` turns of the event loop.
- **interval**: a block every so many seconds, empty or not. A late block does not make the next one early.
- **manual**: ``dev_newBlock``, ``engine_createBlock`` or ``dev_advance`` alone make blocks.

A block takes milliseconds and the chain belongs to this thread, so blocks are made inside the event loop; after
each, everybody else has a turn.
"""

import logging
import math

import attrs
import trio

from chain.devchain.chain import DevChain
from chain.devchain.errors import DevChainError, UsageError

__all__ = ["INSTANT", "MANUAL", "Seal", "Sealer", "parse_seal"]

log = logging.getLogger(__name__)

GATHER_ROUNDS = 8
MIN_INTERVAL, MAX_INTERVAL = 0.01, 86_400.0
"""Seconds."""


@attrs.frozen
class Seal:
    """A way of sealing."""

    kind: str
    """``instant``, ``interval`` or ``manual``."""
    seconds: float = 0.0
    """Of ``interval``."""

    def __str__(self) -> str:
        return f"{self.seconds:g}" if self.kind == "interval" else self.kind


INSTANT, MANUAL = Seal("instant"), Seal("manual")


def parse_seal(text: str) -> Seal:
    """Read ``instant``, ``manual`` or a number of seconds.

    Raises:
        ValueError: it is none of them.
    """
    named = {"instant": INSTANT, "batch": INSTANT, "manual": MANUAL}.get(text.lower())
    if named is not None:
        return named
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not MIN_INTERVAL <= seconds <= MAX_INTERVAL:
        raise ValueError(
            f"{text!r} is not a way of sealing: instant, manual, or seconds from {MIN_INTERVAL:g}"
            f" to {MAX_INTERVAL:g}"
        )
    return Seal("interval", seconds)


class Sealer:
    """Makes blocks while :meth:`run` runs."""

    def __init__(self, chain: DevChain, seal: Seal) -> None:
        self._chain = chain
        self._seal = seal
        self._wake = trio.Event()
        self._arrivals = 0

    @property
    def seal(self) -> Seal:
        """How blocks are sealed."""
        return self._seal

    def set(self, seal: Seal) -> None:
        """Seal in another way from now on."""
        self._seal = seal
        self._wake.set()

    def submitted(self) -> None:
        """Say that the pool has something new, or that the chain goes on after a stall."""
        self._arrivals += 1
        if self._seal is INSTANT:
            self._wake.set()

    async def run(self) -> None:
        """Make blocks for ever."""
        while True:
            match self._seal.kind:
                case "instant":
                    await self._drain()
                    await self._sleep(math.inf)
                case "interval":
                    await self._tick()
                case _:
                    await self._sleep(math.inf)

    async def _sleep(self, deadline: float) -> None:
        with trio.move_on_at(deadline):
            await self._wake.wait()
        self._wake = trio.Event()

    async def _gather(self) -> None:
        for _ in range(GATHER_ROUNDS):
            seen = self._arrivals
            await trio.lowlevel.checkpoint()
            if seen == self._arrivals:
                return

    async def _drain(self) -> None:
        chain = self._chain
        while self._seal is INSTANT and chain.has_ready:
            await self._gather()
            waiting = chain.waiting
            if not self._build() or chain.waiting >= waiting:
                return  # nothing fits; the next submission tries again
            await trio.lowlevel.checkpoint()

    async def _tick(self) -> None:
        seal, due = self._seal, trio.current_time()
        while self._seal is seal:
            due = max(due + seal.seconds, trio.current_time())
            while self._seal is seal and trio.current_time() < due:
                await self._sleep(due)
            if self._seal is seal:
                self._build()
                await trio.lowlevel.checkpoint()

    def _build(self) -> bool:
        try:
            self._chain.build()
        except UsageError:  # stalled on demand
            return False
        except DevChainError:
            log.exception("no block was made")
            return False
        return True
