"""What the demo of the market tells, as it happens."""

from typing import Any

import attrs

from chain.events.reputation import ScoreMoved
from node.demo.facts import Chapter, Fact
from node.demo.market.trail import Entry

__all__ = ["Account", "Ledger", "Moment", "Note", "Offers", "Onchain", "Outcome", "Told", "Verdict"]


@attrs.frozen
class Note:
    """A sentence, and facts."""

    words: str
    facts: tuple[Fact, ...] = ()


@attrs.frozen
class Offers:
    """Who sells what, and what it costs whoever sells it."""

    prices: dict[str, dict[str, int]]
    """Capability -> node -> planck."""


@attrs.frozen
class Moment:
    """A step of a task's life."""

    task: str
    """The capability, or "all" of an auction; empty where there is but one task."""
    kind: str
    after_ms: int
    """Since the task was handed in, by its node's clock."""
    title: str
    why: str
    """What it means; empty where that was said before."""
    facts: tuple[Fact, ...]


@attrs.frozen
class Outcome:
    """A result."""

    capability: str
    what: str
    result: Any
    provider: str
    paid: int
    took_ms: int
    """From handing in to payment."""


@attrs.frozen
class Onchain:
    """An escrow as the chain has it."""

    escrow: int
    provider: str
    entries: tuple[Entry, ...]
    moved: ScoreMoved | None
    """What its end did to the provider's score."""
    link: str
    """Shows the block of its end in polkadot.js."""
    decoded: dict[str, Any] | str | None
    """Its record as polkadot.js shows it, or why that does not; None where it is not installed."""


@attrs.frozen
class Verdict:
    """An auction, computed again."""

    auction: str
    tasks: int
    bids: int
    opened: int
    """Bids that were opened."""
    facts_differ: tuple[str, ...]
    """Nodes of which the chain says something else than the transcript's file."""
    faults: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Return whether nothing is wrong with it."""
        return not self.faults and not self.facts_differ


@attrs.frozen
class Account:
    """What a node has, by the chain."""

    name: str
    address: str
    free: int
    bond: int
    score: int
    """Milli-points."""


@attrs.frozen
class Ledger:
    """What everybody has at a block."""

    block: int
    accounts: tuple[Account, ...]


Told = Chapter | Note | Offers | Moment | Outcome | Onchain | Verdict
