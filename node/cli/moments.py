"""Blocks as time, for persons: about how long until, or since, one."""

from typing import Final

__all__ = ["about", "in_blocks"]

_STEPS: Final = ((172_800, 86_400, "days"), (7_200, 3_600, "h"), (120, 60, "min"))


def about(seconds: float) -> str:
    """Return a time in one unit: ``about 12 s``."""
    for least, unit, name in _STEPS:
        if seconds >= least:
            return f"about {seconds / unit:.0f} {name}"
    return f"about {seconds:.0f} s" if seconds >= 1 else "less than 1 s"


def in_blocks(block: int, now: int, ms_per_block: float | None) -> str:
    """Return a block with about how far it is away, where the chain's pace is known: ``block 120 (about 12 s)``."""
    if ms_per_block is None or block < now:
        return f"block {block:,}"
    return f"block {block:,} ({about((block - now) * ms_per_block / 1_000)})"
