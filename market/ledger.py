"""Money on chain: what accounts have free, and what is held of them and why.

Everybody's free balance is zero (there is no such account) or at least the existential deposit, which can
be neither held nor burned. Paying out of a hold cannot fail: what a destination cannot be credited with
goes to the treasury, and what the treasury cannot take either is burned.

Source: ``pallets/primitives/src/hold.rs``; for the deposit, ``reducible_balance`` of FRAME's balances.
"""

from collections.abc import Mapping
from enum import Enum

import attrs

from market.errors import RefusedError, UsageError
from market.identity import AccountId
from market.units import Planck

__all__ = ["HoldReason", "Ledger"]


class HoldReason(Enum):
    """Why money is held."""

    ESCROW = "Escrow"
    """Price, fee, dispute deposit and record deposit of a requester's escrows."""
    BOND = "Bond"
    """An account's bond: active, unlocking and set aside."""
    REPORT = "Report"
    """What stands for a report by anyone, until it is applied or cancelled."""


@attrs.frozen(kw_only=True)
class Ledger:
    """Balances, in planck; each change gives another ledger."""

    treasury: AccountId
    existential_deposit: Planck
    issued: Planck
    """All the money there is, other accounts' included."""
    free: Mapping[AccountId, Planck]
    held: Mapping[tuple[HoldReason, AccountId], Planck] = attrs.field(
        factory=dict[tuple[HoldReason, AccountId], Planck]
    )

    def free_of(self, who: AccountId) -> Planck:
        """Return what an account has free."""
        return self.free.get(who, Planck(0))

    def held_of(self, reason: HoldReason, who: AccountId) -> Planck:
        """Return what is held of an account for that reason."""
        return self.held.get((reason, who), Planck(0))

    def hold(self, reason: HoldReason, who: AccountId, amount: int) -> "Ledger":
        """Hold free money.

        Raises:
            RefusedError: ``FundsUnavailable``.
        """
        self._require_spendable(who, amount)
        return self._changed(free=(who, -amount), held=(reason, who, amount))

    def burn_free(self, who: AccountId, amount: int) -> "Ledger":
        """Burn free money.

        Raises:
            RefusedError: ``FundsUnavailable``.
        """
        self._require_spendable(who, amount)
        return self._changed(free=(who, -amount), issued=-amount)

    def release(self, reason: HoldReason, who: AccountId, amount: int) -> "Ledger":
        """Make held money free again.

        Raises:
            UsageError: less is held: the records above this ledger are wrong.
        """
        if amount > self.held_of(reason, who):
            raise UsageError(f"{amount} planck to release, of {self.held_of(reason, who)} held")
        return self._changed(held=(reason, who, -amount), free=(who, amount))

    def pay_from_hold(
        self, reason: HoldReason, source: AccountId, to: AccountId, amount: int
    ) -> "tuple[Ledger, Planck, Planck]":
        """Move up to ``amount`` of what is held, whatever it takes.

        Returns:
            The ledger after it, what left the hold, and how much of that reached ``to``.

        Source: ``pay_from_hold``.
        """
        due = Planck(min(amount, self.held_of(reason, source)))
        if due == 0:
            return self, due, due
        for destination in (to, self.treasury):
            if self.free_of(destination) + due >= self.existential_deposit:
                moved = self._changed(held=(reason, source, -due), free=(destination, due))
                return moved, due, due if destination == to else Planck(0)
        burned, _ = self.burn_from_hold(reason, source, due)
        return burned, due, Planck(0)

    def burn_from_hold(
        self, reason: HoldReason, source: AccountId, amount: int
    ) -> "tuple[Ledger, Planck]":
        """Burn up to ``amount`` of what is held; also return what was burned.

        Source: ``burn_from_hold``.
        """
        due = Planck(min(amount, self.held_of(reason, source)))
        return self._changed(held=(reason, source, -due), issued=-due), due

    def _require_spendable(self, who: AccountId, amount: int) -> None:
        spendable = max(self.free_of(who) - self.existential_deposit, 0)
        if amount > spendable:
            raise RefusedError("token", "FundsUnavailable", f"{spendable} planck can be spent")

    def _changed(
        self,
        *,
        free: tuple[AccountId, int] | None = None,
        held: tuple[HoldReason, AccountId, int] | None = None,
        issued: int = 0,
    ) -> "Ledger":
        all_free, all_held = dict(self.free), dict(self.held)
        if free is not None:
            who, change = free
            all_free[who] = Planck(self.free_of(who) + change)
        if held is not None:
            reason, who, change = held
            all_held[reason, who] = Planck(self.held_of(reason, who) + change)
        return attrs.evolve(self, free=all_free, held=all_held, issued=Planck(self.issued + issued))
