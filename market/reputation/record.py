"""The standing of an account, as the chain stores it.

Source: ``pallets/reputation/src/types.rs``, and ``store`` of ``bond.rs``.
"""

from typing import Final

import attrs

from market.identity import AccountId
from market.reputation.params import Params
from market.reputation.score import (
    INITIAL_SCORE,
    PROVEN_REQUESTERS,
    compute_effective,
    compute_exposure_limit,
)
from market.units import BlockNumber, Planck, block_after

__all__ = ["MAX_CHUNKS", "MAX_COUNT", "Chunk", "EpochCounters", "PairCounter", "Record", "count"]

MAX_CHUNKS: Final = 16
"""Most chunks that unlock at a time."""
MAX_COUNT: Final = 2**32 - 1
"""Where counters stop."""

_NOTHING: Final = Planck(0)


def count(counter: int) -> int:
    """Return a counter after one more; it stops at its maximum, as the chain's do."""
    return min(counter + 1, MAX_COUNT)


@attrs.frozen
class Chunk:
    """A part of a bond on its way out. It is slashable until it is withdrawn."""

    amount: Planck
    """Not zero."""
    at: BlockNumber
    """The first block at which it may be withdrawn."""


@attrs.frozen
class EpochCounters:
    """What happened to a provider in one epoch."""

    epoch: int = 0
    gained: int = 0
    """By the score, milli-points."""
    terminals: int = 0
    """Accepted escrows that ended."""
    failures: int = 0
    """Those that were the provider's failure."""


@attrs.frozen
class PairCounter:
    """How often a pair settled in an epoch."""

    epoch: int = 0
    """Of the last success."""
    successes: int = 0
    """In it."""


@attrs.frozen(kw_only=True)
class Record:
    """The standing of an account. It is never removed: bonding again resets nothing."""

    score: int = INITIAL_SCORE
    """Milli-points, 0 to 1,000,000."""
    active: Planck = _NOTHING
    """Bond that counts for the exposure limit."""
    unlocking: tuple[Chunk, ...] = ()
    """Bond on its way out, earliest first."""
    set_aside: Planck = _NOTHING
    """Bond that pending reports reserve."""
    exposure: Planck = _NOTHING
    """What is unpaid in accepted escrows."""
    open_jobs: int = 0
    """Accepted escrows that have not ended."""
    settled: int = 0
    """Accepted escrows that ended in success."""
    first_requesters: tuple[AccountId, ...] = ()
    """The first five for whom jobs were settled, each once."""
    bonded_since: BlockNumber | None = None
    """Since when the active bond has been at the minimum or above without a break."""
    first_bond_burned: bool = False
    disputes_lost: int = 0
    """As a requester."""
    suspended_at: BlockNumber | None = None
    current: EpochCounters = EpochCounters()
    """The epoch of the last write."""
    previous: EpochCounters = EpochCounters()
    """The epoch before that one."""
    judged: int | None = None
    """The last epoch that was judged for repeated failures."""

    @property
    def slashable(self) -> Planck:
        """Return what a slash or a report can reach: active and unlocking bond."""
        return Planck(self.active + sum(chunk.amount for chunk in self.unlocking))

    @property
    def effective(self) -> int:
        """Return what the score counts for, points."""
        return compute_effective(self.score, self.settled, len(self.first_requesters))

    def exposure_limit(self, params: Params) -> Planck:
        """Return how much work may be open."""
        return compute_exposure_limit(params.exposure_factor, self.active, self.effective)

    def is_established(self, params: Params, now: BlockNumber) -> bool:
        """Return whether the minimum has been bonded for one epoch."""
        since = self.bonded_since
        return since is not None and now >= block_after(since, params.epoch)

    def take(self, due: int) -> "tuple[Record, Planck]":
        """Take up to ``due`` planck: from the active bond, then from the chunk that would be free last.

        Returns:
            The record after it, and what was taken.

        Source: ``Record::take``.
        """
        active = Planck(max(self.active - due, 0))
        left = due - (self.active - active)
        kept: list[Chunk] = []
        for chunk in reversed(self.unlocking):
            part = min(left, chunk.amount)
            left -= part
            if chunk.amount > part:
                kept.insert(0, Chunk(Planck(chunk.amount - part), chunk.at))
        return attrs.evolve(self, active=active, unlocking=tuple(kept)), Planck(due - left)

    def roll(self, epoch: int) -> "Record":
        """Bring the counters to an epoch: what was current becomes previous if it just closed.

        Source: ``Record::roll``.
        """
        if self.current.epoch == epoch:
            return self
        before = max(epoch - 1, 0)
        closed = self.current if self.current.epoch == before else EpochCounters(before)
        return attrs.evolve(self, current=EpochCounters(epoch), previous=closed)

    def meet(self, requester: AccountId) -> "Record":
        """Count a requester among the first ones, up to their bound."""
        known = self.first_requesters
        if requester in known or len(known) == PROVEN_REQUESTERS:
            return self
        return attrs.evolve(self, first_requesters=(*known, requester))

    def dated(self, params: Params, now: BlockNumber) -> "Record":
        """Note when the active bond reached the minimum, or that it fell below.

        Source: ``store``.
        """
        if self.active < params.min_bond:
            return attrs.evolve(self, bonded_since=None)
        return self if self.bonded_since is not None else attrs.evolve(self, bonded_since=now)
