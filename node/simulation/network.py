"""A network that loses, doubles, delays and cuts; by the seed, and the same for the same seed."""

from random import Random

from market.identity import AccountId
from node.simulation.plan import Faults

__all__ = ["Network"]


class Network:
    """When what is sent arrives, if it does."""

    def __init__(self, faults: Faults, rng: Random) -> None:
        self.faults = faults
        self._rng = rng
        self.cut: frozenset[AccountId] = frozenset()
        """Who is on the other side of a partition."""

    def delays(self, source: AccountId, to: AccountId) -> list[float]:
        """Return after how many blocks a message arrives: not at all, once or twice."""
        rng, faults = self._rng, self.faults
        if (source in self.cut) != (to in self.cut) or rng.random() < faults.loss:
            return []
        copies = 2 if rng.random() < faults.duplicate else 1
        return [rng.expovariate(1 / faults.delay) for _ in range(copies)]
