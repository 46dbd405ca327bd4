"""What the accounts of a testnet own, as its chain says."""

from collections.abc import Sequence
from typing import Final

import attrs
import trio

from chain.client import Chain, open_chain
from chain.errors import ChainError
from chain.stored import MemoryStore
from market.identity import AccountId, account_from_ss58
from market.units import Planck
from node.chainhost.daemon import first_of
from node.testnet.errors import BrokenError

__all__ = ["Funds", "read_funds"]

PATIENCE: Final = 15.0


@attrs.frozen
class Funds:
    """What an account has."""

    free: Planck
    """What it may spend."""
    bond: Planck
    score: int
    """Its reputation, milli-points."""


def read_funds(url: str, accounts: Sequence[str]) -> dict[str, Funds]:
    """Return what accounts have at the finalised block.

    Args:
        url: of the chain.
        accounts: in SS58.

    Raises:
        BrokenError: the chain does not answer.
    """

    async def run() -> dict[str, Funds]:
        with trio.fail_after(PATIENCE):
            async with open_chain(url, MemoryStore()) as chain:
                return {each: await _funds(chain, account_from_ss58(each)) for each in accounts}

    found: dict[str, Funds] = {}
    refusal: Exception | None = None
    try:
        found = trio.run(run)
    except* (ChainError, trio.TooSlowError) as group:
        refusal = first_of(group)
    if refusal is not None:
        raise BrokenError(f"the chain at {url} does not say who has what: {refusal}") from refusal
    return found


async def _funds(chain: Chain, account: AccountId) -> Funds:
    standing = await chain.queries.standing(account)
    return Funds(await chain.free_balance(account), standing.active, standing.score)
