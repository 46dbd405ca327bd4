"""Tasks against slots: the table that assignment works on."""

from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from market.errors import UsageError

__all__ = ["FREE", "NO_PAIR", "Bool", "Int64", "Slots", "expand_slots"]

Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

NO_PAIR: Final = -1
"""Surplus of a pair that cannot be: no ask, not eligible, or asked above the value."""
FREE: Final = -1
"""Slot of a task without one."""


@attrs.frozen(eq=False)
class Slots:
    """Tasks against slots: one column for every slot of every provider."""

    surplus: Int64
    """Ticks, shape (tasks, slots), C-contiguous: value minus ask minus the slot's surcharge."""
    owner: Int64
    """Provider of each slot, shape (slots,), never falling."""
    providers: int


def expand_slots(surplus: Int64, surcharges: list[tuple[int, ...]]) -> Slots:
    """Return one column for every slot that could be used.

    Args:
        surplus: value minus ask, ticks, shape (tasks, providers); :data:`NO_PAIR` or less where
            there is no pair.
        surcharges: of each provider's slots, ticks, never falling; its length is the capacity.

    Raises:
        UsageError: not one tuple for each provider.
    """
    tasks, providers = surplus.shape
    if len(surcharges) != providers:
        raise UsageError("one tuple of surcharges for each provider")
    declared = np.asarray([len(s) for s in surcharges], np.int64)
    usable: Int64 = np.minimum(declared, (surplus >= 0).sum(axis=0, dtype=np.int64))
    owner: Int64 = np.repeat(np.arange(providers, dtype=np.int64), usable)
    if owner.size == 0:
        return Slots(np.empty((tasks, 0), np.int64), owner, providers)
    extra = np.concatenate([s[:k] for s, k in zip(surcharges, usable, strict=True)]).astype(
        np.int64
    )
    columns = surplus[:, owner]
    # A pair that loses by the surcharge is no pair either: leaving the task out is better.
    spread = np.where(columns >= extra, columns - extra, NO_PAIR)
    return Slots(np.ascontiguousarray(spread, np.int64), owner, providers)
