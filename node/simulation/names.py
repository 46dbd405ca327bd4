"""The names of what a simulation can be made to do wrong, apart from what does it, which is slow to import."""

from typing import Final

__all__ = ["BUG_NAMES", "CHEAT_NAMES"]

CHEAT_NAMES: Final = (
    *(
        "insert",
        "drop",
        "drop-before-root",
        "alter",
        "late",
        "winner",
        "price",
        "reserve",
        "weight",
    ),
    "equivocate",
)
"""Of :data:`node.simulation.cheats.CHEATS`."""
BUG_NAMES: Final = (
    *(
        "double-settle",
        "blind-release",
        "early-reveal",
        "late-opening",
        "forgotten-save",
        "no-sync",
    ),
    "in-block-is-final",
)
"""Of :data:`node.simulation.planted.BUGS`."""
