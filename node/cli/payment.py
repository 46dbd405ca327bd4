"""Why a winner is paid what it is paid, in words: one place for ``--watch``, ``task show`` and ``auction explain``.

All of it is told from the parts of a Clarke payment as the API and the commands' JSON have them: decimal strings of
planck.
"""

from collections.abc import Mapping
from typing import Any

from market.units import format_amount

__all__ = ["as_formula", "in_words"]


def _ainu(planck: str) -> str:
    return format_amount(int(planck))


def as_formula(parts: Mapping[str, Any]) -> str:
    """Return a payment as its sum."""
    without, others = _ainu(parts["welfare_without"]), _ainu(parts["welfare_of_others"])
    return (
        f"paid {_ainu(parts['payment'])} = value {_ainu(parts['value'])}"
        f" - (others without it {without} - others with it {others}), it asked {_ainu(parts['ask'])}"
    )


def in_words(parts: Mapping[str, Any]) -> str:
    """Return what would have been without a winner, and what that makes of its payment."""
    lost = int(parts["welfare_without"]) - int(parts["welfare_of_others"])
    payment = int(parts["payment"])
    if lost == 0:
        why = "Had it not come, nobody could have taken its place: it is paid all that its work is worth."
    else:
        why = (
            f"Had it not come, the others would have gained the requester {_ainu(parts['welfare_without'])};"
            f" beside it they gain {_ainu(parts['welfare_of_others'])}. Of what its work is worth,"
            f" {_ainu(parts['value'])}, it is paid all but that difference, {format_amount(lost)}."
        )
    more = format_amount(payment - int(parts["ask"]))
    return f"{why} That is {more} more than it asked; its own ask does not enter the sum."
