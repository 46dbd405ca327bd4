"""When a case may be put away: once nothing can come of it any more, whatever still arrives.

A case that is over still answers: to a copy of a message, or to a proposal that comes again. So cases go together with
all others of their auction, and only when all messages that could wake one of them have expired.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from market.auction import bidder
from market.cases import CaseKey, State, is_over
from market.messages import MAX_ROUNDS
from market.settlement import provider as serving
from market.settlement import requester as buying
from market.units import BlockNumber

__all__ = ["QUIET", "retired"]

QUIET: Final = 400
"""Blocks in which nothing has happened to any of them; no message of a case is valid for longer after its last."""


def retired(
    cases: Mapping[CaseKey, State], touched: Mapping[CaseKey, BlockNumber], now: BlockNumber
) -> list[CaseKey]:
    """Return the cases that may be put away.

    Args:
        cases: all that there are.
        touched: the block at which each last changed.
        now: the finalised head.
    """
    families: dict[bytes, list[CaseKey]] = defaultdict(list)
    for key, state in cases.items():
        families[_family(key, state)].append(key)
    return [
        key
        for family in families.values()
        if all(now > touched[member] + QUIET and _is_done(cases[member], now) for member in family)
        for key in family
    ]


def _family(key: CaseKey, state: State) -> bytes:
    """Return the auction that a case belongs to; its task where the auction is not known."""
    if isinstance(state, buying.Requester | serving.Provider) and state.terms is not None:
        return state.terms.auction
    return key.id


def _is_done(state: State, now: BlockNumber) -> bool:
    """Return whether a case is over, or is a call that we never bid for and cannot any more."""
    if isinstance(state, bidder.Bidder) and state.phase is bidder.Phase.HEARD:
        cfp = state.call.body
        return now > cfp.reveal_by + MAX_ROUNDS * cfp.accept_blocks + QUIET
    return is_over(state)
