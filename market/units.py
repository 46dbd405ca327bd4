"""The units that the rules count in, each a type of its own so that none is taken for another."""

import re
from typing import Final, NewType

from market.errors import UsageError

__all__ = [
    "AINU",
    "MAX_AMOUNT",
    "MAX_BALANCE",
    "MAX_BLOCK",
    "PPM",
    "BlockNumber",
    "Planck",
    "Ppm",
    "Ticks",
    "block_after",
    "format_amount",
    "parse_amount",
]

Planck = NewType("Planck", int)
"""The smallest unit of the token; all money is a whole number of them."""
Ticks = NewType("Ticks", int)
"""Money divided by an auction's price tick: what solvers see."""
BlockNumber = NewType("BlockNumber", int)
"""Height of a finalised block: the only time the rules know."""
Ppm = NewType("Ppm", int)
"""Parts per million."""

AINU: Final = 10**12
"""Planck in one AINU."""
PPM: Final = 10**6
"""Parts in the whole of a :data:`Ppm`."""
MAX_AMOUNT: Final = 2**63 - 1
"""Largest amount on the wire, planck; msgpack's integers end at 2^64."""
MAX_BLOCK: Final = 2**32 - 1
"""Largest block number of the chain, which counts in 32 bits."""
MAX_BALANCE: Final = 2**128 - 1
"""Largest amount on chain, planck; the chain's arithmetic stops there where ours would go on."""

_AMOUNT = re.compile(r"(\d{1,20})(?:\.(\d{1,12}))?\s*(AINU|planck)")


def block_after(block: BlockNumber, blocks: int) -> BlockNumber:
    """Return the block that is so many blocks later, or the last one that the chain can count."""
    return BlockNumber(min(block + blocks, MAX_BLOCK))


def parse_amount(text: str) -> Planck:
    """Read an amount as a person writes it.

    Args:
        text: ``"0.02 AINU"`` (at most 12 decimals) or ``"20000 planck"``.

    Raises:
        UsageError: it is neither, or above :data:`MAX_AMOUNT`.
    """
    match = _AMOUNT.fullmatch(text.strip())
    if match is None or (match[3] == "planck" and match[2] is not None):
        raise UsageError(f"not an amount: {text!r}; write '0.02 AINU' or '20000 planck'")
    whole, decimals, unit = match[1], match[2] or "", match[3]
    amount = int(whole) if unit == "planck" else int(whole) * AINU + int(decimals.ljust(12, "0"))
    if amount > MAX_AMOUNT:
        raise UsageError(f"{text!r} is more than a message can carry: at most {MAX_AMOUNT} planck")
    return Planck(amount)


def format_amount(amount: int) -> str:
    """Return an amount in AINU with the fewest decimals that lose nothing (``0.02 AINU``)."""
    sign, magnitude = ("-", -amount) if amount < 0 else ("", amount)
    whole, rest = divmod(magnitude, AINU)
    decimals = f".{rest:012d}".rstrip("0") if rest else ""
    return f"{sign}{whole}{decimals} AINU"
