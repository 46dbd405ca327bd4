"""What a chain says about an auction: the facts that decide it, read at the block that the call names."""

from collections.abc import Callable, Iterable
from typing import Final

from chain.connection import Connection, Patience
from chain.errors import HistoryError
from chain.looks import read_account_facts
from chain.posted import Posted, read_remarks
from chain.session import Session
from market.auction.facts import Facts, PostedReveal
from market.auction.file import AuctionFile
from market.envelope import Opened, expect, reopen
from market.errors import PeerError
from market.hashing import AuctionId
from market.identity import AccountId
from market.messages import Cfp, Reveal
from market.units import block_after

__all__ = ["read_auction_facts", "reveals_among"]

_PATIENCE: Final = Patience(read=15.0)
_MAX_BLOCKS: Final = 100_000


async def read_auction_facts(url: str, contents: AuctionFile) -> Facts:
    """Return what the chain has about everybody in an auction, and the reveals that were posted there.

    Args:
        url: of a node that keeps the state of the facts block.
        contents: whose accounts are asked about; its own facts are not believed.

    Raises:
        HistoryError: it is another chain, the auction is not final on it, or the node keeps its blocks no more.
        UnavailableError: nobody answers.
        DecodeError: the call in the file is none.
    """
    call = expect(reopen(contents.transcript.body.cfp), Cfp)
    accounts = {contents.transcript.sender, call.sender, *contents.facts.by_account()}
    for record in contents.transcript.body.commitments:
        accounts.add(reopen(record.commitment).sender)
    async with Connection(url, patience=_PATIENCE, genesis=contents.facts.genesis) as connection:
        return await connection.read(_reader(call, frozenset(accounts)))


def _reader(call: Opened[Cfp], accounts: frozenset[AccountId]) -> Callable[[Session], Facts]:
    def read(session: Session) -> Facts:
        cfp = call.body
        final = session.finalized().number
        if final < cfp.reveal_by:
            raise HistoryError(
                f"the chain is final up to block {final}, the auction's reveals end with {cfp.reveal_by}:"
                " wait for that"
            )
        [at] = session.block_hashes([cfp.facts_block])
        if at is None or cfp.reveal_by - cfp.facts_block > _MAX_BLOCKS:
            raise HistoryError(f"the chain has no block {cfp.facts_block} to read facts from")
        rows = read_account_facts(session, at, cfp.facts_block, accounts)
        posts = read_remarks(session, block_after(cfp.facts_block, 1), cfp.reveal_by)
        posted = reveals_among(posts, AuctionId(call.id))
        return Facts(genesis=session.genesis, block=cfp.facts_block, accounts=rows, posted=posted)

    return read


def reveals_among(posts: Iterable[Posted], auction: AuctionId) -> tuple[PostedReveal, ...]:
    """Return each bidder's first reveal in an auction among what was posted; signatures are the market's to check."""
    found: dict[AccountId, PostedReveal] = {}
    for post in posts:
        try:
            message = expect(reopen(post.data), Reveal)
        except PeerError:
            continue
        if message.body.auction == auction:
            found.setdefault(message.sender, PostedReveal(reveal=post.data, block=post.block))
    return tuple(found.values())
