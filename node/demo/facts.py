"""What the demo tells: steps, and the facts in them."""

from typing import Any, Literal

import attrs

from market.units import format_amount

__all__ = ["Chapter", "Fact", "Snapshot", "Step", "Told", "Unit", "show_amount"]

Unit = Literal["planck", "block", "blocks", "millis", "points", "bps", "number", "hash", "text"]
MILLI = 1_000


@attrs.frozen
class Fact:
    """Something that the chain said."""

    name: str
    """In JSON."""
    label: str
    """For people."""
    value: int | str
    unit: Unit = "number"

    def show(self) -> str:
        """Return the value as people read it."""
        if isinstance(self.value, str):
            return f"{self.value[:10]}...{self.value[-8:]}" if self.unit == "hash" else self.value
        match self.unit:
            case "planck":
                return show_amount(self.value)
            case "block":
                return f"block {self.value:,}"
            case "blocks":
                return f"{self.value:,} blocks"
            case "millis":
                return f"{_thousandths(self.value)} s"
            case "points":
                return f"{_thousandths(self.value)} points"
            case "bps":
                whole, rest = divmod(self.value, 100)
                return f"{whole}.{rest:02d} %" if rest else f"{whole} %"
            case _:
                return f"{self.value:,}"


def show_amount(planck: int) -> str:
    """Return an amount in AINU as people read it, with its thousands apart."""
    whole, point, rest = format_amount(planck).partition(".")
    if not point:
        whole, _, unit = whole.partition(" ")
        return f"{int(whole):,} {unit}"
    return f"{int(whole):,}.{rest}"


def _thousandths(value: int) -> str:
    whole, rest = divmod(value, MILLI)
    return f"{whole:,}" + (f".{rest:03d}".rstrip("0") if rest else "")


@attrs.frozen
class Chapter:
    """A part of the story."""

    title: str
    words: str


@attrs.frozen
class Step:
    """One thing that happened."""

    title: str
    words: str
    facts: tuple[Fact, ...]
    call: str | None = None
    """Pallet and call; None where nothing was submitted."""
    signer: str | None = None
    block: int | None = None
    """The block that it is in."""
    extrinsic: int | None = None
    """Which of that block's extrinsics it is."""

    def to_json(self) -> dict[str, Any]:
        """Return it for machines."""
        facts = {fact.name: fact.value for fact in self.facts}
        return {**attrs.asdict(self, recurse=False), "facts": facts}


@attrs.frozen
class Snapshot:
    """How everybody stands after a chapter, read from the chain's storage."""

    after: str
    block: int
    score: int
    """The provider's, milli-points."""
    effective: int
    """What it counts for, points."""
    bond: int
    """Active, planck."""
    suspended: bool
    free: dict[str, int]
    """What each may spend, planck, by name."""


Told = Chapter | Step | Snapshot
"""What is told as it happens."""
