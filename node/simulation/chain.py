"""The chain of a simulation: a pool, blocks, a finalised head that lags, and forks.

What a block does to escrows, money and scores is a backend's: the mirror of the pallets' rules
(:mod:`node.simulation.mirrored`), or the runtime itself (:mod:`node.simulation.real`).
"""

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Protocol

import attrs

from market.auction.facts import AccountFacts
from market.errors import RefusedError
from market.escrow.record import Escrow
from market.hashing import GenesisHash, TaskId
from market.identity import AccountId
from market.ports import Submission
from market.settlement.effects import Found
from market.standing import EscrowId
from market.units import BlockNumber

__all__ = ["Backend", "Carried", "Signed", "SimChain"]


@attrs.frozen
class Signed:
    """A submission, as its bytes would be: the same key and account, the same bytes."""

    by: AccountId | None
    """None for the chain's own authority."""
    key: str
    what: Submission
    nonce: int | None = None
    """Which of the account's it is, from 0; None where their order does not matter."""


@attrs.frozen
class Carried:
    """A submission in a block, and what came of it."""

    signed: Signed
    refusal: tuple[str, str] | None
    """Pallet and variant; None where it succeeded."""


class Backend(Protocol):
    """What carries out calls."""

    genesis: GenesisHash

    @property
    def head(self) -> BlockNumber:
        """Return the best block."""
        ...

    def build(self, calls: Sequence[Signed]) -> list[RefusedError | None]:
        """Make a block on the best one, of these calls in this order."""
        ...

    def rewind(self, to: BlockNumber) -> None:
        """Make an earlier block the best one."""
        ...

    def found(self, requester: AccountId, task: TaskId, at: BlockNumber) -> Found | None:
        """Return the last escrow at a task."""
        ...

    def escrows(self, at: BlockNumber) -> dict[EscrowId, Escrow]:
        """Return all escrows."""
        ...

    def account(self, who: AccountId, at: BlockNumber) -> AccountFacts:
        """Return what an auction asks about an account."""
        ...

    def score(self, who: AccountId, at: BlockNumber) -> int:
        """Return a score, milli-points."""
        ...

    def audit(self) -> list[str]:
        """Return what is wrong with the best block's money."""
        ...


class SimChain:
    """Blocks out of a pool, with a finalised head behind the best one, and reorganisations up to it.

    An account's submissions are carried out in the order in which it signed them, as nonces have it.
    """

    def __init__(self, backend: Backend, lag: int, rng: Random) -> None:
        self.backend = backend
        self.lag = lag
        self._rng = rng
        self.pool: dict[tuple[AccountId | None, str], Signed] = {}
        self.blocks: dict[int, list[Carried]] = {}
        """By number, on the best chain."""
        self._places: dict[tuple[AccountId | None, str], tuple[int, Carried]] = {}
        self._final = backend.head
        self.reorgs = 0

    @property
    def final(self) -> BlockNumber:
        """Return the finalised head."""
        return self._final

    def submit(self, signed: Signed) -> None:
        """Put a submission into the pool, unless it is there or carried out."""
        name = (signed.by, signed.key)
        if name not in self.pool and name not in self._places:
            self.pool[name] = signed

    def final_word(self, signed: Signed) -> Carried | None:
        """Return what came of a submission, once that is final."""
        place = self._places.get((signed.by, signed.key))
        return place[1] if place is not None and place[0] <= self._final else None

    def make_block(self, miss: float) -> None:
        """Make the next block of what is in the pool.

        Args:
            miss: probability of a submission to wait for another block.
        """
        rng = self._rng
        lucky = [signed for signed in self.pool.values() if rng.random() >= miss]
        rng.shuffle(lucky)
        taken = self._in_order(lucky)
        for signed in taken:
            del self.pool[signed.by, signed.key]
        refusals = self.backend.build(taken)
        number = self.backend.head
        self.blocks[number] = [
            Carried(signed, None if error is None else (error.pallet, error.variant))
            for signed, error in zip(taken, refusals, strict=True)
        ]
        for carried in self.blocks[number]:
            self._places[carried.signed.by, carried.signed.key] = number, carried
        self._final = BlockNumber(max(self._final, self.backend.head - self.lag))

    def _in_order(self, lucky: Sequence[Signed]) -> list[Signed]:
        """Return those whose turn it is: of each account in the order of nonces, and none after a gap."""
        next_of = Counter(
            carried.signed.by
            for _, carried in self._places.values()
            if carried.signed.nonce is not None
        )
        waiting = {(each.by, each.nonce): each for each in lucky if each.nonce is not None}
        taken: list[Signed] = []
        for each in lucky:
            if each.nonce is None:
                taken.append(each)
            elif (turn := waiting.get((each.by, next_of[each.by]))) is not None:
                next_of[each.by] += 1
                taken.append(turn)
        return taken

    def reorganise(self) -> int:
        """Throw away some blocks that are not final; what was in them goes back to the pool, or is lost.

        Returns:
            How many.
        """
        depth = self.backend.head - self._final
        if depth < 1:
            return 0
        gone = self._rng.randint(1, depth)
        target = BlockNumber(self.backend.head - gone)
        for number in range(target + 1, self.backend.head + 1):
            for carried in self.blocks.pop(number, ()):
                del self._places[carried.signed.by, carried.signed.key]
                if self._rng.random() < 0.5:
                    self.pool[carried.signed.by, carried.signed.key] = carried.signed
        self.backend.rewind(target)
        self.reorgs += 1
        return gone
