"""What is to be cleared, and what comes of it.

All values are fixed before any bid: ``v_i,t = floor(reserve_t * quality_i / 10^6)``, rounded down to the
tick. Everything behind this module counts in ticks, whole numbers whose sum stays below 2^50, so that
solvers that compute in floats see them exactly.
"""

from typing import Literal

import attrs

from market.errors import UsageError
from market.hashing import AuctionId, TaskId, tie_key
from market.identity import AccountId
from market.messages import MAX_TICKS, Ask, Method
from market.messages.fields import is_strictly_increasing
from market.units import PPM, Planck, Ppm, Ticks

__all__ = [
    "MAX_TICKS",
    "Bid",
    "Clearing",
    "Counterfactual",
    "Line",
    "Package",
    "Problem",
    "Proof",
    "share_by_weight",
    "share_rent",
]

Proof = Literal[
    "closed form",
    "integer duals",
    "exact programme over sets of tasks",
    "proven by HiGHS to integer tolerance",
    "none",
]
"""Why the allocation is optimal."""


@attrs.frozen
class Bid:
    """One provider's ask, with what the chain says of the provider."""

    provider: AccountId
    quality: Ppm
    """Weight, parts per million; 0 = may not win."""
    capacity: int
    """Tasks it may win: as declared, within the exposure that the chain allows."""
    ask: Ask


@attrs.frozen
class Package:
    """Tasks that one provider may win together, in ticks."""

    provider: int
    """Index of its bid."""
    tasks: tuple[int, ...]
    value: Ticks
    ask: Ticks


def _by_provider(bids: tuple[Bid, ...]) -> tuple[Bid, ...]:
    return tuple(sorted(bids, key=lambda bid: bid.provider))


@attrs.frozen
class Problem:
    """One clearing: tasks, and the bids for them, whose order does not matter."""

    auction: AuctionId
    tasks: tuple[TaskId, ...]
    """In the order of their ids."""
    reserves: tuple[Planck, ...]
    """The most that is paid for each, at full weight; multiples of the tick."""
    tick: Planck
    bids: tuple[Bid, ...] = attrs.field(converter=_by_provider)
    """At most one a provider."""

    def __attrs_post_init__(self) -> None:
        """Refuse what the rules do not define.

        Raises:
            UsageError: lists of unlike lengths, a provider twice, prices between ticks, unknown
                tasks, or values beyond :data:`MAX_TICKS`.
        """
        if len(self.tasks) != len(self.reserves) or not is_strictly_increasing(self.tasks):
            raise UsageError("tasks are sorted by id, each once, with one reserve each")
        if not is_strictly_increasing([bid.provider for bid in self.bids]):
            raise UsageError("a provider has two bids; the auction admits one commitment each")
        if self.tick < 1 or any(reserve < 0 or reserve % self.tick for reserve in self.reserves):
            raise UsageError("reserves are multiples of a tick of at least 1 planck")
        if sum(self.reserves) // self.tick > MAX_TICKS:
            raise UsageError(f"values exceed {MAX_TICKS} ticks in sum: choose a coarser tick")
        for bid in self.bids:
            self._check(bid)

    def _check(self, bid: Bid) -> None:
        if not 0 <= bid.quality <= PPM or bid.capacity < 0:
            raise UsageError(f"quality 0..{PPM} and a capacity from 0, not {bid}")
        if bid.capacity > len(bid.ask.slot_surcharge):
            raise UsageError("counted capacity is at most what the ask declares")
        named = [task for bundle in bid.ask.bundles for task in bundle.tasks]
        named += [price.task for price in bid.ask.prices]
        if named and max(named) >= len(self.tasks):
            raise UsageError(f"an ask names task {max(named)} of {len(self.tasks)}")
        amounts = [p.price for p in bid.ask.prices] + [b.price for b in bid.ask.bundles]
        if any(amount % self.tick for amount in (*amounts, *bid.ask.slot_surcharge)):
            raise UsageError(f"an ask is not a multiple of the tick, {self.tick} planck")

    def value(self, bid: Bid, task: int) -> Ticks:
        """Return what a provider's work on a task is worth, ticks."""
        return Ticks(self.reserves[task] * bid.quality // PPM // self.tick)

    def surcharges(self, bid: Bid) -> tuple[int, ...]:
        """Return the surcharge of each slot that counts, ticks."""
        return tuple(s // self.tick for s in bid.ask.slot_surcharge[: bid.capacity])

    def rank(self, task: int, provider: AccountId) -> bytes:
        """Return the key by which ties for a task are broken; smallest first."""
        return tie_key(self.auction, self.tasks[task], provider)

    def without(self, removed: frozenset[AccountId]) -> "Problem":
        """Return the same problem without some providers' bids."""
        return attrs.evolve(
            self, bids=tuple(bid for bid in self.bids if bid.provider not in removed)
        )


@attrs.frozen
class Line:
    """One task, awarded."""

    task: int
    provider: AccountId
    price: Planck
    """Net to the provider."""
    value: Planck
    """What this provider's work on it is worth to the requester; never less than the price."""


@attrs.frozen
class Counterfactual:
    """Why a winner is paid what it is paid: what the others would have got without it.

    ``payment = value - (welfare_without - welfare_of_others)``, the Clarke payment; all in planck.

    Source: Clarke, "Multipart pricing of public goods", Public Choice 11, 1971; as a reverse auction
    with the reserve as the buyer's value.
    """

    provider: AccountId
    value: Planck
    """What the tasks that it won are worth to the requester."""
    ask: Planck
    """What it asked for them."""
    welfare_of_others: Planck
    """Surplus of everybody else in the chosen allocation."""
    welfare_without: Planck
    """Surplus of the best allocation had it not come."""
    payment: Planck


@attrs.frozen
class Clearing:
    """Who won, for how much, and why."""

    method: Method
    lines: tuple[Line, ...]
    """Sorted by task; tasks not named found nobody."""
    welfare: Planck
    """Sum of values minus asks of the chosen allocation."""
    proof: Proof
    counterfactuals: tuple[Counterfactual, ...] = ()
    """One a winner, sorted by account; empty where payments are not Clarke's."""
    note: str = ""
    """Why the method is not the one that was called for; empty otherwise."""


def share_rent(rent: int, surpluses: list[int]) -> list[int]:
    """Divide a provider's rent among its tasks in proportion to their surplus.

    Args:
        rent: ticks, 0..sum of the surpluses.
        surpluses: value minus ask of each task, ticks, in the order of the task ids.

    Returns:
        Shares that sum to the rent, none above its surplus: rounded down, and the ticks left over
        one each to the first tasks that have room.

    Raises:
        UsageError: the rent is negative, or more than there is.
    """
    total = sum(surpluses)
    if not 0 <= rent <= total or min(surpluses, default=0) < 0:
        raise UsageError(f"a rent of {rent} does not fit surpluses that sum to {total}")
    shares = [rent * s // total if total else 0 for s in surpluses]
    left = rent - sum(shares)
    for at, surplus in enumerate(surpluses):
        if left and shares[at] < surplus:
            shares[at] += 1
            left -= 1
    return shares


share_by_weight = share_rent
"""A bundle's payment is divided by the same rule, in proportion to the values of its tasks."""
