"""Bonds: in and out.

::

    free --bond, bond_extra--> active --unbond--> unlocking --withdraw_unbonded--> free
                                 |                   |
                                 +---- reported -----+--> set aside --applied--> treasury
                                 ^                             |
                                 +---------- cancelled --------+

All of active, unlocking and set aside is one hold on the account. Slashes and draws take from active
first, then from the chunk that would be free last; never from what is set aside, which belongs to a report.

Source: ``pallets/reputation/src/bond.rs``.
"""

import attrs

from market.identity import AccountId
from market.ledger import HoldReason
from market.origins import Origin, signed
from market.reputation.book import Book, Chain, refuse
from market.reputation.record import MAX_CHUNKS, Chunk, Record
from market.units import Planck, block_after

__all__ = ["bond", "bond_extra", "unbond", "withdraw_unbonded"]


def bond(book: Book, by: Origin, amount: int, at: Chain) -> Book:
    """Bond where nothing is active; the first bond ever burns a fee.

    Raises:
        RefusedError: ``AlreadyBonded``, ``BelowMinimum`` or ``FundsUnavailable``.

    Source: ``do_bond``.
    """
    who = signed(by)
    record = book.record(who)
    if record.active > 0:
        raise refuse("AlreadyBonded", "add to it by bond_extra")
    if amount < at.params.min_bond:
        raise refuse("BelowMinimum", f"bond at least {at.params.min_bond} planck")
    if not record.first_bond_burned:
        ledger = book.ledger.burn_free(who, at.params.first_bond_burn)
        book = attrs.evolve(book, ledger=ledger)
    return _add(book, who, attrs.evolve(record, first_bond_burned=True), amount, at)


def bond_extra(book: Book, by: Origin, amount: int, at: Chain) -> Book:
    """Add to an active bond.

    Raises:
        RefusedError: ``NotBonded``, ``ZeroAmount`` or ``FundsUnavailable``.

    Source: ``do_bond_extra``.
    """
    who = signed(by)
    record = book.record(who)
    if record.active == 0:
        raise refuse("NotBonded", "start with bond")
    if amount == 0:
        raise refuse("ZeroAmount")
    return _add(book, who, record, amount, at)


def _add(book: Book, who: AccountId, record: Record, amount: int, at: Chain) -> Book:
    ledger = book.ledger.hold(HoldReason.BOND, who, amount)
    added = attrs.evolve(record, active=Planck(record.active + amount))
    return attrs.evolve(book, ledger=ledger).with_record(who, added.dated(at.params, at.now))


def unbond(book: Book, by: Origin, amount: int, at: Chain) -> Book:
    """Send a part of the active bond on its way out; what stays must cover the exposure.

    Raises:
        RefusedError: ``Compromised``, ``ZeroAmount``, ``InsufficientBond``, ``ExposureExceeded`` or
            ``TooManyChunks``.

    Source: ``do_unbond``.
    """
    who = _uncompromised(by, at)
    record = book.record(who)
    if amount == 0:
        raise refuse("ZeroAmount")
    if amount > record.active:
        raise refuse("InsufficientBond", f"{record.active} planck are active")
    record = attrs.evolve(record, active=Planck(record.active - amount))
    if record.exposure > record.exposure_limit(at.params):
        raise refuse("ExposureExceeded", "what stays must cover the open work")
    free_at = block_after(at.now, at.params.unbond_period)
    chunks = list(record.unlocking)
    if chunks and chunks[-1].at == free_at:
        amount += chunks.pop().amount
    elif len(chunks) == MAX_CHUNKS:
        raise refuse("TooManyChunks", "withdraw what is free, or wait")
    chunks.append(Chunk(Planck(amount), free_at))
    record = attrs.evolve(record, unlocking=tuple(chunks))
    return book.with_record(who, record.dated(at.params, at.now))


def withdraw_unbonded(book: Book, by: Origin, at: Chain) -> Book:
    """Release every chunk whose block has come.

    Raises:
        RefusedError: ``Compromised`` or ``NothingToWithdraw``.

    Source: ``do_withdraw_unbonded``.
    """
    who = _uncompromised(by, at)
    record = book.record(who)
    kept = attrs.evolve(
        record, unlocking=tuple(chunk for chunk in record.unlocking if chunk.at > at.now)
    )
    amount = record.slashable - kept.slashable
    if amount == 0:
        raise refuse("NothingToWithdraw", "nothing is free yet")
    ledger = book.ledger.release(HoldReason.BOND, who, amount)
    return attrs.evolve(book, ledger=ledger).with_record(who, kept)


def _uncompromised(by: Origin, at: Chain) -> AccountId:
    who = signed(by)
    if who in at.compromised:
        raise refuse("Compromised", "clear the flag by the cold account")
    return who
