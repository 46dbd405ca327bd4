"""What an escrow's effects do to money."""

from collections.abc import Iterable

from market.escrow.calls import Burn, Effect, Hold, Pay
from market.ledger import HoldReason, Ledger

__all__ = ["carry_out"]


def carry_out(ledger: Ledger, effects: Iterable[Effect]) -> Ledger:
    """Return the ledger after effects; those on bonds and scores are not its business.

    Raises:
        RefusedError: ``FundsUnavailable``: the requester cannot afford what it opens.
    """
    reason = HoldReason.ESCROW
    for effect in effects:
        match effect:
            case Hold(account, amount):
                ledger = ledger.hold(reason, account, amount)
            case Pay(account, to, amount):
                ledger, _, _ = ledger.pay_from_hold(reason, account, to, amount)
            case Burn(account, amount):
                ledger, _ = ledger.burn_from_hold(reason, account, amount)
            case _:
                pass
    return ledger
