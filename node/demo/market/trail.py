"""What the chain itself has of escrows: each event with its block, read beside the nodes and not from them."""

from collections.abc import Callable
from typing import Any, Final

import attrs
import trio

from chain.client import Chain
from chain.events import Event, Other
from chain.events.escrow import Ended
from chain.events.reputation import ScoreMoved
from chain.session import BlockRef
from market.units import BlockNumber

__all__ = ["Entry", "Trail"]

PATIENCE: Final = 30.0
"""Seconds for a block that the nodes have seen to be seen here, too."""


@attrs.frozen
class Entry:
    """An event of an escrow."""

    block: BlockRef
    extrinsic: int | None
    event: Event

    @property
    def name(self) -> str:
        """Pallet and event, as polkadot.js has them."""
        return f"{self.event.pallet}.{type(self.event).__name__}"

    def to_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "block": self.block.number,
            "block_hash": self.block.hash,
            "extrinsic": self.extrinsic,
            "event": self.name,
        }


class Trail:
    """Follows the finalised chain, and keeps what concerns escrows."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._entries: list[Entry] = []
        self._news = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Follow from the present head, until cancelled.

        Raises:
            ChainError: the chain does not answer any more.
        """
        head = await self._chain.finalized()
        async with self._chain.follow(BlockNumber(head.number + 1), last=head) as blocks:
            task_status.started()
            async for final in blocks:
                found = [
                    Entry(final.block, each.extrinsic, each.event)
                    for each in final.events
                    if not isinstance(each.event, Other) and hasattr(each.event, "escrow")
                ]
                if found:
                    self._entries += found
                    self._news.set()
                    self._news = trio.Event()

    async def of(self, escrow: int) -> list[Entry]:
        """Return all of an escrow that has ended.

        Raises:
            trio.TooSlowError: its end is not seen.
        """
        with trio.fail_after(PATIENCE):
            while not self._find(escrow, lambda event: isinstance(event, Ended)):
                await self._news.wait()
        return self._find(escrow, lambda _event: True)

    async def score_of(self, escrow: int) -> ScoreMoved | None:
        """Return how the end of an escrow moved a score, if it did."""
        moved = [each.event for each in await self.of(escrow)]
        return next((event for event in moved if isinstance(event, ScoreMoved)), None)

    def _find(self, escrow: int, wanted: Callable[[Event], bool]) -> list[Entry]:
        return [
            entry
            for entry in self._entries
            if getattr(entry.event, "escrow", None) == escrow and wanted(entry.event)
        ]
