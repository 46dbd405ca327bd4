"""What a chain says about an auction: the facts that decide it, read at the block that the call names."""

from collections.abc import Callable
from typing import Final

from chain.connection import Connection, Patience
from chain.errors import HistoryError
from chain.queries import AGENTS, REPUTATION, STANDINGS
from chain.session import Session
from market.auction.facts import Facts, PostedReveal
from market.auction.file import AuctionFile
from market.envelope import Opened, expect, reopen
from market.errors import PeerError
from market.hashing import AuctionId
from market.identity import AccountId
from market.messages import Cfp, Reveal
from market.units import BlockNumber, Planck
from node.translate import account_facts

__all__ = ["read_auction_facts"]

_PATIENCE: Final = Patience(read=15.0)
_ENVELOPE: Final = b"\x8b\xa8audience"
"""How an envelope begins: a map of eleven fields, sorted."""
_DEPOSIT: Final = 10**9
"""The existential deposit, planck: what stays of a balance when all is spent."""
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
        params = session.read(REPUTATION, at=at)
        rows = []
        for who in sorted(accounts):
            standing = session.read(STANDINGS, who, at=at)
            if standing is None or params is None:
                raise HistoryError("the chain has no reputation pallet: it is another one")
            free = Planck(max(session.free_balance(who, at) - _DEPOSIT, 0))
            agent = session.read(AGENTS, who, at=at)
            rows.append(account_facts(who, agent, standing, params, free, cfp.facts_block))
        posted = _posted(session, AuctionId(call.id), cfp)
        return Facts(
            genesis=session.genesis, block=cfp.facts_block, accounts=tuple(rows), posted=posted
        )

    return read


def _posted(session: Session, auction: AuctionId, cfp: Cfp) -> tuple[PostedReveal, ...]:
    """Return each bidder's first reveal in a remark, in the blocks in which one counts."""
    numbers = [BlockNumber(n) for n in range(cfp.facts_block + 1, cfp.reveal_by + 1)]
    found: dict[AccountId, PostedReveal] = {}
    for number, hash_ in zip(numbers, session.block_hashes(numbers), strict=True):
        if hash_ is None:
            continue
        answer = session.rpc("chain_getBlock", hash_)
        if answer is None:
            raise HistoryError(f"the node keeps block {number} no more: ask one with history")
        for extrinsic in answer["block"]["extrinsics"]:
            message = _reveal_in(bytes.fromhex(extrinsic[2:]))
            if message is not None and message.body.auction == auction:
                found.setdefault(message.sender, PostedReveal(reveal=message.raw, block=number))
    return tuple(found.values())


def _reveal_in(extrinsic: bytes) -> Opened[Reveal] | None:
    """Return the reveal that a remark ends with; None where it ends otherwise."""
    at = extrinsic.find(_ENVELOPE)
    if at < 0:
        return None
    try:
        return expect(reopen(extrinsic[at:]), Reveal)
    except PeerError:
        return None
