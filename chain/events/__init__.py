"""What the chain reports: one frozen class for each event, one module for each pallet.

:func:`read_event` makes one of them from what the SCALE library decoded. Events of pallets that are not ours
and that we have no use for come as :class:`Other`, never as an error; an event of ours that does not fit its
class is a :class:`~chain.errors.MismatchError`, since whoever waits for it would wait for ever.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import attrs

from chain.values import decode_fields

__all__ = ["Event", "Other", "read_event"]


@attrs.frozen
class Event:
    """Base of every event."""

    pallet: ClassVar[str]


@attrs.frozen
class Other:
    """An event that this client has no class for."""

    pallet: str
    name: str
    attributes: Any = attrs.field(hash=False)
    """As the SCALE library decoded them."""


def read_event(
    pallet: str, name: str, attributes: Any, known: Mapping[str, Mapping[str, type[Event]]]
) -> Event | Other:
    """Return a typed event.

    Args:
        known: classes by pallet and name; :data:`chain.events.known.KNOWN`.

    Raises:
        MismatchError: it is one of ours, and not as we know it.
    """
    kind = known.get(pallet, {}).get(name)
    if kind is None:
        return Other(pallet, name, attributes)
    return decode_fields(kind, attributes)
