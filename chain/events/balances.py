"""What the token's pallet reports, as far as we use it."""

from typing import ClassVar

import attrs

from chain.events import Event
from market.identity import AccountId
from market.units import Planck

__all__ = ["EVENTS", "DustLost", "Endowed", "Transfer"]


@attrs.frozen
class _Balances(Event):
    pallet: ClassVar[str] = "Balances"


@attrs.frozen
class Transfer(_Balances):
    """Money moved."""

    # `from` is a word of Python's: the chain's name is in the metadata of the field.
    sender: AccountId = attrs.field(metadata={"wire": "from"})
    to: AccountId
    amount: Planck


@attrs.frozen
class Endowed(_Balances):
    """An account came to be."""

    account: AccountId
    free_balance: Planck


@attrs.frozen
class DustLost(_Balances):
    """An account fell below the existential deposit, and what was left is gone."""

    account: AccountId
    amount: Planck


EVENTS: tuple[type[Event], ...] = (Transfer, Endowed, DustLost)
"""Those that we use; the pallet has more."""
