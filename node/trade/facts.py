"""What the chain says of an auction's parties, and the reveals that were posted there."""

from collections import OrderedDict
from typing import Final

from chain.client import Chain
from chain.events import Other
from chain.posted import Posted
from chain.session import BlockEvent
from market.auction.facts import AccountFacts, Facts, PostedReveal
from market.hashing import AuctionId, GenesisHash
from market.identity import AccountId
from market.units import BlockNumber
from node.facts import reveals_among

__all__ = ["FactsReader"]

_KEPT: Final = 2_048


class FactsReader:
    """Reads facts, and keeps those of accounts: a block's never change."""

    def __init__(self, chain: Chain, genesis: GenesisHash) -> None:
        self._chain, self._genesis = chain, genesis
        self._accounts: OrderedDict[tuple[BlockNumber, AccountId], AccountFacts | None] = (
            OrderedDict()
        )
        self._posting: dict[BlockNumber, bool] = {}
        """By block that was followed: whether anything was posted in it."""

    def on_events(self, number: BlockNumber, events: tuple[BlockEvent, ...]) -> None:
        """Note whether a finalised block has posts, so that the others need not be read."""
        self._posting[number] = any(
            isinstance(e.event, Other) and (e.event.pallet, e.event.name) == ("System", "Remarked")
            for e in events
        )
        for old in [n for n in self._posting if n + _KEPT < number]:
            del self._posting[old]

    async def read(
        self,
        block: BlockNumber,
        accounts: frozenset[AccountId],
        *,
        auction: AuctionId | None = None,
        until: BlockNumber | None = None,
    ) -> Facts:
        """Return what the chain says at a block.

        Args:
            block: the call's facts block, finalised.
            accounts: of whom; those that are not registered have no facts.
            auction: whose reveals are looked for, from the facts block on; none if None.
            until: the last block in which a reveal counts; the finalised head if None.

        Raises:
            HistoryError: the node keeps that block no more.
            UnavailableError: the chain does not answer.
        """
        missing = [who for who in accounts if (block, who) not in self._accounts]
        if missing:
            found = await self._chain.account_facts(await self._chain.block_at(block), missing)
            known = {each.account: each for each in found}
            for who in missing:
                self._accounts[block, who] = known.get(who)
        told = [self._accounts[block, who] for who in sorted(accounts)]
        while len(self._accounts) > _KEPT:
            self._accounts.popitem(last=False)
        posted = () if auction is None else await self._posted(auction, block, until)
        return Facts(
            genesis=self._genesis,
            block=block,
            accounts=tuple(each for each in told if each is not None),
            posted=posted,
        )

    async def _posted(
        self, auction: AuctionId, after: BlockNumber, until: BlockNumber | None
    ) -> tuple[PostedReveal, ...]:
        final = await self._chain.finalized()
        last = final.number if until is None else min(until, final.number)
        posts: list[Posted] = []
        for number in range(after + 1, last + 1):
            if self._posting.get(BlockNumber(number), True):
                posts += await self._chain.remarks(BlockNumber(number), BlockNumber(number))
        return reveals_among(posts, auction)
