"""What goes wrong in a run, and who behaves how: all of it drawn from the seed."""

from enum import Enum
from random import Random

import attrs

__all__ = ["Conduct", "Faults", "Ruling", "Scenario", "draw_scenario"]


@attrs.frozen(kw_only=True)
class Faults:
    """Probabilities and durations; durations in blocks."""

    loss: float = 0.0
    """Of a message."""
    duplicate: float = 0.0
    delay: float = 0.1
    """Mean of what a message or a fetched blob takes; exponential, so later ones overtake."""
    crash: float = 0.0
    """Before and after each effect, and each save."""
    down: float = 4.0
    """Longest time until a crashed node is back."""
    rpc_loss: float = 0.0
    """Of a request to the chain's node."""
    miss: float = 0.0
    """Of a submission to wait for another block."""
    partitions: int = 0
    """How many there are."""
    cut: float = 10.0
    """Longest partition."""
    reorg: float = 0.0
    """Of a block to replace some that are not final."""
    lag: int = 2
    """Blocks between the best one and the finalised one."""


class Conduct(Enum):
    """How a party behaves; all but the first are dishonest, and none of them says so."""

    HONEST = "honest"
    SILENT = "silent"
    """Does nothing once the escrow is open: no work, or no review."""
    UNSIGNING = "unsigning"
    """A provider that accepts an award and signs nothing."""
    JUNK = "junk"
    """A provider that delivers what is not the work."""
    HIDING = "hiding"
    """A provider that delivers a hash and shows nothing, a requester that hands out no input."""
    LIAR = "liar"
    """A requester that disputes whatever it is given."""
    CANCELLING = "cancelling"
    """A requester that changes its mind; not dishonest either."""

    @property
    def is_honest(self) -> bool:
        """Return whether the invariants protect it."""
        return self in (Conduct.HONEST, Conduct.CANCELLING)


class Ruling(Enum):
    """How an arbiter behaves."""

    JUST = "just"
    SILENT = "silent"


@attrs.frozen(kw_only=True)
class Scenario:
    """Everything that is decided before a run."""

    faults: Faults
    requesters: tuple[Conduct, ...]
    providers: tuple[Conduct, ...]
    auctions: int
    tasks: int
    """Of each auction."""
    arbiter: Ruling
    authority: Ruling
    """The chain's own arbiter."""
    has_arbiter: bool
    """Whether calls name one."""
    proposes: bool
    """Whether escrows are opened as proposals that are accepted later."""


def draw_scenario(rng: Random) -> Scenario:
    """Draw a run: mostly honest parties, and faults of every kind in most runs."""

    def some(most: float) -> float:
        return rng.choice((0.0, rng.uniform(0, most), rng.uniform(0, most)))

    def requester() -> Conduct:
        kinds = (Conduct.SILENT, Conduct.HIDING, Conduct.LIAR, Conduct.CANCELLING)
        return Conduct.HONEST if rng.random() < 0.65 else rng.choice(kinds)

    def provider() -> Conduct:
        kinds = (Conduct.SILENT, Conduct.UNSIGNING, Conduct.JUNK, Conduct.HIDING)
        return Conduct.HONEST if rng.random() < 0.7 else rng.choice(kinds)

    return Scenario(
        faults=Faults(
            loss=some(0.25),
            duplicate=some(0.2),
            delay=rng.choice((0.05, 0.2, 0.5)),
            crash=some(0.01),
            down=rng.choice((1.0, 4.0, 10.0)),
            rpc_loss=some(0.3),
            miss=0.1,
            partitions=rng.choice((0, 0, 1, 2)),
            cut=rng.choice((3.0, 10.0)),
            reorg=some(0.25),
            lag=rng.choice((1, 2, 3)),
        ),
        requesters=tuple(requester() for _ in range(rng.choice((1, 1, 2)))),
        providers=tuple(provider() for _ in range(rng.randint(1, 3))),
        auctions=rng.choice((1, 1, 2)),
        tasks=rng.choice((1, 1, 2)),
        arbiter=rng.choice((Ruling.JUST, Ruling.JUST, Ruling.SILENT)),
        authority=rng.choice((Ruling.JUST, Ruling.SILENT)),
        has_arbiter=rng.random() < 0.7,
        proposes=rng.random() < 0.25,
    )
