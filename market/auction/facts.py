"""What the chain says about the parties at the block that a call for proposals names.

Weights and capacities are computed from these facts alone, before and without any bid, so that anybody who
can read the chain computes the same.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Final

import attrs
from msgspec import Meta

from market.clearing.problem import Bid, Problem
from market.errors import UsageError
from market.hashing import AuctionId
from market.identity import AccountId, PublicKey
from market.messages import Ask, Cfp, Weight
from market.messages.fields import (
    MAX_BIDDERS,
    Account,
    Amount,
    Block,
    Genesis,
    Key,
    WireStruct,
    is_strictly_increasing,
)
from market.units import PPM, BlockNumber, Ppm

__all__ = [
    "AccountFacts",
    "Facts",
    "FactsKeys",
    "PostedReveal",
    "build_problem",
    "compute_weight",
    "validate_ask",
]

_BASE_PPM: Final = 500_000
_PPM_PER_POINT: Final = 500


class AccountFacts(WireStruct, frozen=True, kw_only=True):
    """One account, as the registry and the reputation pallet had it at the facts block."""

    account: Account
    key: Key
    """Its operator key."""
    is_eligible: bool
    """At least 100 AINU of active bond since before the facts block, and not suspended."""
    score: Annotated[int, Meta(ge=0, le=1000)]
    """Effective score, points."""
    headroom: Amount
    """Exposure that its bond still allows, planck."""
    free: Amount
    """What it could spend, planck: a requester's must cover its call."""


class PostedReveal(WireStruct, frozen=True, kw_only=True):
    """A reveal that its bidder posted on chain for want of an acknowledgement."""

    reveal: Annotated[bytes, Meta(max_length=65_536)]
    """The envelope."""
    block: Block
    """The block that holds it."""


class Facts(WireStruct, frozen=True, kw_only=True):
    """Everything that a verifier takes from the chain."""

    genesis: Genesis
    block: Block
    """The call's ``facts_block``."""
    accounts: Annotated[tuple[AccountFacts, ...], Meta(max_length=2 * MAX_BIDDERS)]
    """Of the requester and of everybody who committed, sorted; absent = never registered."""
    posted: Annotated[tuple[PostedReveal, ...], Meta(max_length=MAX_BIDDERS)]

    def __post_init__(self) -> None:
        """Refuse accounts out of order."""
        if not is_strictly_increasing([a.account for a in self.accounts]):
            raise ValueError("accounts are sorted, each once")

    def by_account(self) -> dict[AccountId, AccountFacts]:
        """Return the facts of each account that has any."""
        return {each.account: each for each in self.accounts}


@attrs.frozen
class FactsKeys:
    """A key directory that knows the keys of the facts block, and takes them for the whole auction."""

    keys: Mapping[AccountId, PublicKey]

    @classmethod
    def of(cls, facts: Facts) -> "FactsKeys":
        """Return the directory of some facts."""
        return cls({each.account: each.key for each in facts.accounts})

    def operator_key(self, account: AccountId, at: BlockNumber) -> PublicKey | None:
        """Return the operator key of an account; a rotation takes longer than an auction."""
        del at
        return self.keys.get(account)


def validate_ask(cfp: Cfp, ask: Ask) -> None:
    """Refuse an ask that does not fit its call.

    Raises:
        UsageError: a task that is not called for, an amount between ticks, or bundles where the call
            takes none.
    """
    named = [p.task for p in ask.prices] + [t for b in ask.bundles for t in b.tasks]
    if max(named) >= len(cfp.tasks):
        raise UsageError(f"the call has {len(cfp.tasks)} tasks, the ask names task {max(named)}")
    if ask.bundles and cfp.method != "vcg-bundles":
        raise UsageError("the call takes no bundles: ask a price for each task")
    amounts = [*(p.price for p in ask.prices), *(b.price for b in ask.bundles)]
    if any(amount % cfp.tick for amount in (*amounts, *ask.slot_surcharge)):
        raise UsageError(f"amounts are multiples of the tick, {cfp.tick} planck")


def compute_weight(cfp: Cfp, provider: AccountId, ask: Ask, facts: AccountFacts | None) -> Weight:
    """Return a provider's weight and counted capacity under rule ``score-1``.

    ``quality = 500,000 + 500 x effective score`` ppm, or 0 when not eligible; ``capacity = min(declared, headroom /
    largest value among the tasks asked for)``.
    """
    if facts is None or not facts.is_eligible:
        return Weight(provider=provider, quality=Ppm(0), capacity=0)
    quality = Ppm(_BASE_PPM + _PPM_PER_POINT * facts.score)
    named = {p.task for p in ask.prices} | {t for b in ask.bundles for t in b.tasks}
    largest = max(cfp.tasks[task].reserve * quality // PPM // cfp.tick * cfp.tick for task in named)
    declared = len(ask.slot_surcharge)
    within = facts.headroom // largest if largest else declared
    return Weight(provider=provider, quality=quality, capacity=min(declared, within))


def build_problem(
    auction: AuctionId, cfp: Cfp, asks: Mapping[AccountId, Ask], weights: Iterable[Weight]
) -> Problem:
    """Return what is to be cleared.

    Raises:
        UsageError: an ask does not fit its call, or a weight has no ask.
    """
    return Problem(
        auction=auction,
        tasks=tuple(task.task_id for task in cfp.tasks),
        reserves=tuple(task.reserve for task in cfp.tasks),
        tick=cfp.tick,
        bids=tuple(
            Bid(w.provider, w.quality, w.capacity, asks[w.provider])
            for w in weights
            if w.provider in asks
        ),
    )
