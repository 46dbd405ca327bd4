"""When something is: the chain's time and the machine's, which are not the same."""

from typing import NewType

import attrs

from market.units import BlockNumber

__all__ = ["Millis", "Moment"]

Millis = NewType("Millis", int)
"""A monotonic clock of this process, milliseconds; its zero means nothing."""


@attrs.frozen
class Moment:
    """Now, for whoever has no clock of its own."""

    block: BlockNumber
    """Our finalised head."""
    millis: Millis
