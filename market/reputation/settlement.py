"""What an escrow does to a provider: exposure when it is accepted, score and slash when it ends.

Nothing else moves a score up, and nothing here but :func:`take_on` can refuse: an escrow must be able
to end with a bond of nothing, a treasury that cannot be credited and counters at their maximum.

Source: ``pallets/reputation/src/settlement.rs``, and ``do_draw`` of ``bond.rs``.
"""

from typing import assert_never

import attrs

from market.errors import RefusedError
from market.identity import AccountId
from market.ledger import HoldReason
from market.reputation.book import Book, Chain, refuse
from market.reputation.record import MAX_COUNT, PairCounter, Record, count
from market.reputation.score import (
    MAX_GAIN_PER_EPOCH,
    MAX_SCORE,
    compute_gain,
    compute_loss,
    compute_requester_part,
    compute_slash,
    compute_weight,
)
from market.standing import (
    DisputeLost,
    Draw,
    Failure,
    Neutral,
    Pruned,
    ReduceExposure,
    StandingEffect,
    Success,
    TakeOn,
    Terminal,
)
from market.units import Planck

__all__ = ["carry_out", "draw", "on_terminal", "take_on"]


def carry_out(book: Book, effect: StandingEffect, at: Chain) -> Book:
    """Return the book after what an escrow asked of it.

    Raises:
        RefusedError: only for :class:`~market.standing.TakeOn`.
    """
    match effect:
        case TakeOn(provider, amount):
            return take_on(book, provider, amount, at)[0]
        case ReduceExposure(provider, amount):
            record = book.record(provider)
            exposure = Planck(max(record.exposure - amount, 0))
            return book.with_record(provider, attrs.evolve(record, exposure=exposure))
        case Draw():
            return draw(book, effect, at)[0]
        case DisputeLost(requester):
            record = book.record(requester)
            lost = attrs.evolve(record, disputes_lost=count(record.disputes_lost))
            return book.with_record(requester, lost)
        case Terminal():
            return on_terminal(book, effect, at)
        case Pruned(provider, requester):
            return _forget_pair(book, provider, requester, at)
        case _:
            assert_never(effect)


def take_on(book: Book, provider: AccountId, amount: int, at: Chain) -> tuple[Book, Planck]:
    """Count work into a provider's exposure.

    Returns:
        The book after it, and the slash base of the job: active and unlocking bond now.

    Raises:
        RefusedError: ``Suspended``, ``NotBonded``, ``Inactive`` or ``ExposureExceeded``.

    Source: ``take_on``.
    """
    record = book.record(provider)
    if record.suspended_at is not None:
        raise refuse("Suspended", "a report against the provider was applied")
    if record.active == 0:
        raise refuse("NotBonded", "the provider has no active bond")
    if record.active < at.params.min_bond:
        raise refuse("Inactive", f"bond at least {at.params.min_bond} planck")
    exposure, limit = record.exposure + amount, record.exposure_limit(at.params)
    if exposure > limit:
        raise refuse("ExposureExceeded", f"{exposure} planck open, of at most {limit}")
    if record.open_jobs == MAX_COUNT:
        raise RefusedError("arithmetic", "Overflow")
    taken = attrs.evolve(record, exposure=Planck(exposure), open_jobs=record.open_jobs + 1)
    return book.with_record(provider, taken), taken.slashable


def draw(book: Book, asked: Draw, at: Chain) -> tuple[Book, Planck]:
    """Take up to an amount of a bond, whatever it takes.

    Returns:
        The book after it, and what was taken.

    Source: ``do_draw``.
    """
    record, taken = book.record(asked.provider).take(asked.amount)
    if taken == 0:
        return book, taken
    drawn = book.with_record(asked.provider, record.dated(at.params, at.now))
    if asked.to is not None:
        return drawn.pay(asked.provider, asked.to, taken), taken
    ledger, _ = drawn.ledger.burn_from_hold(HoldReason.BOND, asked.provider, taken)
    return attrs.evolve(drawn, ledger=ledger), taken


def on_terminal(book: Book, terminal: Terminal, at: Chain) -> Book:
    """Return the book after an accepted escrow's last transition.

    Source: ``on_terminal``.
    """
    record = book.record(terminal.provider).roll(at.epoch)
    terminals = count(record.current.terminals)
    record = attrs.evolve(
        record,
        exposure=Planck(max(record.exposure - terminal.exposure, 0)),
        open_jobs=max(record.open_jobs - 1, 0),
        current=attrs.evolve(record.current, terminals=terminals),
    )
    match terminal.outcome:
        case Success():
            return _on_success(book, record, terminal, at)
        case Failure():
            return _on_failure(book, record, terminal, terminal.outcome, at)
        case Neutral():
            return book.with_record(terminal.provider, record)


def _on_success(book: Book, record: Record, terminal: Terminal, at: Chain) -> Book:
    """Raise the score by what was paid.

    Source: ``on_success``.
    """
    key = (terminal.provider, terminal.requester)
    pair = book.pairs.get(key, PairCounter())
    if pair.epoch != at.epoch:
        pair = PairCounter(at.epoch)
    is_established = book.record(terminal.requester).is_established(at.params, at.now)
    weight = compute_weight(terminal.paid, at.params.ref_price)
    left = max(MAX_GAIN_PER_EPOCH - record.current.gained, 0)
    gain = compute_gain(record.score, weight, pair.successes, is_established=is_established)
    gain = min(gain, left)
    raised = attrs.evolve(
        record.meet(terminal.requester),
        score=min(record.score + gain, MAX_SCORE),
        settled=count(record.settled),
        current=attrs.evolve(record.current, gained=record.current.gained + gain),
    )
    pairs = {**book.pairs, key: attrs.evolve(pair, successes=count(pair.successes))}
    return attrs.evolve(book, pairs=pairs).with_record(terminal.provider, raised)


def _on_failure(
    book: Book, record: Record, terminal: Terminal, failure: Failure, at: Chain
) -> Book:
    """Lower the score by what was unpaid, and slash.

    Source: ``on_failure``.
    """
    full = compute_weight(terminal.unpaid, at.params.ref_price)
    weight = full // 2 if failure.half else full
    failures = count(record.current.failures)
    lowered = attrs.evolve(
        record,
        score=max(record.score - compute_loss(weight), 0),
        current=attrs.evolve(record.current, failures=failures),
    )
    slash = compute_slash(terminal.unpaid, terminal.slash_base, weight)
    slashed, taken = lowered.take(slash)
    part = compute_requester_part(taken, terminal.unpaid, is_named_arbiter=failure.named_arbiter)
    book = book.with_record(terminal.provider, slashed.dated(at.params, at.now))
    book = book.pay(terminal.provider, terminal.requester, part)
    return book.pay(terminal.provider, book.ledger.treasury, taken - part)


def _forget_pair(book: Book, provider: AccountId, requester: AccountId, at: Chain) -> Book:
    """Forget a pair's counter once its epoch is over.

    Source: ``on_pruned``.
    """
    key = (provider, requester)
    pair = book.pairs.get(key)
    if pair is None or pair.epoch >= at.epoch:
        return book
    return attrs.evolve(book, pairs={each: p for each, p in book.pairs.items() if each != key})
