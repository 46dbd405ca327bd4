"""Offences: reported, deferred, then applied or cancelled.

::

    report_offence, report_double_acceptance, poke
         |  a share of the bond is set aside
         v
      pending --cancel_slash (the chain's authority)--> returned to active; reporter's hold burned
         |
         +--apply_slash (anyone, after the deferral)--> treasury; score 0, suspended; hold returned

Of one agent, offence and subject there is one report at a time. An escrow or a slot that was punished is
not punished again; one whose report was cancelled may be reported anew.

Source: ``pallets/reputation/src/offences.rs``.
"""

import hashlib

import attrs

from market.errors import RefusedError
from market.hashing import HASH_BYTES, Hash
from market.identity import AccountId, PublicKey
from market.ledger import HoldReason
from market.offer import NO_SLOT, Offer, hash_offer, is_offer_signed_by
from market.origins import Origin, require_authority, signed
from market.reputation.book import (
    Book,
    Chain,
    Conduct,
    OfEpoch,
    OfEscrow,
    Offence,
    OfSlot,
    Report,
    ReportId,
    Subject,
    is_once,
    refuse,
)
from market.reputation.record import MAX_COUNT, Record
from market.reputation.score import is_repeated_failure
from market.standing import EscrowId
from market.units import Planck, block_after

__all__ = [
    "apply_slash",
    "cancel_slash",
    "poke",
    "reinstate",
    "report_double_acceptance",
    "report_offence",
]


def report_offence(
    book: Book,
    by: Origin,
    offence: Offence,
    agent: AccountId,
    escrow: EscrowId | None,
    evidence: Hash,
    at: Chain,
) -> Book:
    """Report a fraudulent result or a violation of protocol.

    Args:
        book: before it.
        by: the chain's authority.
        offence: one of those two.
        agent: the accused.
        escrow: where the report is about one.
        evidence: what the documents off chain hash to.
        at: the chain.

    Raises:
        RefusedError: as the chain would.

    Source: ``do_report_offence``.
    """
    require_authority(by)
    if offence not in {Offence.FRAUDULENT_RESULT, Offence.PROTOCOL_VIOLATION}:
        raise refuse("NotReportable", "this offence is proved on chain: report_double_..., or poke")
    if offence is Offence.FRAUDULENT_RESULT and escrow is None:
        raise refuse("EscrowNeeded", "a fraudulent result is of an escrow")
    subject = Conduct() if escrow is None else _ended_escrow(escrow, agent, at)
    return _file(book, _known(book, agent), agent, offence, subject, None, evidence, at)


def _ended_escrow(escrow: EscrowId, agent: AccountId, at: Chain) -> OfEscrow:
    ended = at.ended.get(escrow)
    if ended is None:
        raise refuse("EscrowNotEnded", "it was not accepted, has not ended, or was pruned")
    if ended.provider != agent:
        raise refuse("NotTheProvider", "the accused is not the provider")
    _require_in_window(at, block_after(ended.at, at.params.report_window))
    return OfEscrow(escrow)


def _require_in_window(at: Chain, until: int) -> None:
    if at.now > until:
        raise refuse("TooLate", f"it could be reported until block {until}")


def report_double_acceptance(
    book: Book,
    by: Origin,
    agent: AccountId,
    first: tuple[Offer, bytes],
    second: tuple[Offer, bytes],
    at: Chain,
) -> Book:
    """Report that an agent offered one slot of capacity for two tasks.

    Args:
        book: before it.
        by: the reporter, whose hold stands for it.
        agent: the accused.
        first: an offer, and its signature.
        second: another.
        at: the chain.

    Raises:
        RefusedError: as the chain would.

    Source: ``do_report_double_acceptance``.
    """
    reporter = signed(by)
    (a, _), (b, _) = first, second
    for offer in (a, b):
        if offer.provider != agent:
            raise refuse("NotTheProvider", "an offer is another's")
        if offer.genesis != at.genesis:
            raise refuse("WrongGenesis", "an offer is for another chain")
        if offer.offer_epoch > at.offer_epochs.get(agent, 0):
            raise refuse("OfferEpochAhead", "an offer is of an epoch that has not begun")
    if a.offer_epoch != b.offer_epoch:
        raise refuse("OfferEpochsDiffer", "one may have been revoked before the other")
    if a.slot == NO_SLOT or a.slot != b.slot:
        raise refuse("SlotsDiffer", "the offers do not use up one and the same slot")
    # A task is its requester's: two requesters may give theirs one id.
    if (a.requester, a.task_id) == (b.requester, b.task_id):
        raise refuse("SameTask", "the offers are for one task")
    lapsed = max(a.valid_until, b.valid_until)
    _require_in_window(at, block_after(lapsed, at.params.report_window))
    record = _known(book, agent)
    key = PublicKey(at.operator_of(agent))
    for offer, signature in (first, second):
        if not is_offer_signed_by(offer, signature, key):
            raise refuse("BadSignature", "an offer is not signed by the present operator key")
    both = hash_offer(a) + hash_offer(b)
    evidence = Hash(hashlib.blake2b(both, digest_size=HASH_BYTES).digest())
    offence, subject = Offence.DOUBLE_TASK_ACCEPTANCE, OfSlot(a.slot)
    return _file(book, record, agent, offence, subject, reporter, evidence, at)


def poke(book: Book, by: Origin, agent: AccountId, at: Chain) -> Book:
    """Judge an agent's failures in the epoch that just closed; the chain itself counted.

    Raises:
        RefusedError: ``NoRecord``, ``AlreadyJudged`` or ``NoRepeatedFailures``.

    Source: ``do_poke``.
    """
    signed(by)
    record = _known(book, agent).roll(at.epoch)
    closed = record.previous
    if record.judged is not None and record.judged >= closed.epoch:
        raise refuse("AlreadyJudged", "an epoch is judged once")
    if not is_repeated_failure(closed.failures, closed.terminals):
        raise refuse("NoRepeatedFailures", "the epoch that just closed had too few")
    judged = attrs.evolve(record, judged=closed.epoch)
    offence, subject, nothing = Offence.REPEATED_FAILURES, OfEpoch(closed.epoch), bytes(HASH_BYTES)
    return _file(book, judged, agent, offence, subject, None, Hash(nothing), at)


def _file(
    book: Book,
    record: Record,
    agent: AccountId,
    offence: Offence,
    subject: Subject,
    reporter: AccountId | None,
    evidence: Hash,
    at: Chain,
) -> Book:
    """Set the offence's share of the bond aside and open the report.

    Source: ``file``.
    """
    case = (agent, offence, subject)
    if case in book.cases:
        if book.cases[case] in book.reports:
            raise refuse("AlreadyReported", "a report on the same is pending")
        raise refuse("AlreadyPunished", "it is punished once for ever")
    hold, ledger = Planck(0), book.ledger
    if reporter is not None:
        hold = at.params.report_hold
        ledger = ledger.hold(HoldReason.REPORT, reporter, hold)
    taken, share = record.take(record.slashable * offence.percent // 100)
    reserved = attrs.evolve(taken, set_aside=Planck(taken.set_aside + share))
    number = book.next_report
    if number == MAX_COUNT:
        raise RefusedError("arithmetic", "Overflow")
    report = Report(
        agent=agent,
        offence=offence,
        subject=subject,
        reporter=reporter,
        hold=hold,
        set_aside=share,
        evidence=evidence,
        deferred_until=block_after(at.now, at.params.report_deferral),
    )
    filed = attrs.evolve(
        book,
        ledger=ledger,
        reports={**book.reports, number: report},
        cases={**book.cases, case: number},
        next_report=ReportId(number + 1),
    )
    return filed.with_record(agent, reserved.dated(at.params, at.now))


def cancel_slash(book: Book, by: Origin, number: ReportId, at: Chain) -> Book:
    """Find a report wrong: what it set aside is active again, and the reporter's hold burned.

    Raises:
        RefusedError: ``BadOrigin`` or ``NoSuchReport``.

    Source: ``do_cancel_slash``.
    """
    require_authority(by)
    report = _pending(book, number)
    record = book.record(report.agent)
    returned = attrs.evolve(
        record,
        set_aside=Planck(record.set_aside - report.set_aside),
        active=Planck(record.active + report.set_aside),
    )
    book = _closed(book, number, report, is_case_closed=False)
    if report.reporter is not None:
        reason = HoldReason.REPORT
        ledger, _ = book.ledger.burn_from_hold(reason, report.reporter, report.hold)
        book = attrs.evolve(book, ledger=ledger)
    return book.with_record(report.agent, returned.dated(at.params, at.now))


def apply_slash(book: Book, by: Origin, number: ReportId, at: Chain) -> Book:
    """Carry a report out once its deferral is over.

    Raises:
        RefusedError: ``NoSuchReport`` or ``StillDeferred``.

    Source: ``do_apply_slash``.
    """
    signed(by)
    report = _pending(book, number)
    if at.now <= report.deferred_until:
        raise refuse("StillDeferred", f"wait until block {report.deferred_until} has passed")
    record = book.record(report.agent)
    punished = attrs.evolve(
        record,
        set_aside=Planck(record.set_aside - report.set_aside),
        score=0,
        suspended_at=at.now,
    )
    book = _closed(book, number, report, is_case_closed=is_once(report.subject))
    book = book.with_record(report.agent, punished)
    book = book.pay(report.agent, book.ledger.treasury, report.set_aside)
    if report.reporter is None:
        return book
    reporter = report.reporter
    ledger, _, _ = book.ledger.pay_from_hold(HoldReason.REPORT, reporter, reporter, report.hold)
    return attrs.evolve(book, ledger=ledger)


def reinstate(book: Book, by: Origin, agent: AccountId, at: Chain) -> Book:
    """End a suspension that has lasted long enough. The score stays.

    Raises:
        RefusedError: ``BadOrigin``, ``NotSuspended`` or ``TooEarly``.

    Source: ``do_reinstate``.
    """
    require_authority(by)
    record = book.record(agent)
    if record.suspended_at is None:
        raise refuse("NotSuspended")
    since = block_after(record.suspended_at, at.params.reinstate_after)
    if at.now < since:
        raise refuse("TooEarly", f"wait for block {since}")
    return book.with_record(agent, attrs.evolve(record, suspended_at=None))


def _known(book: Book, agent: AccountId) -> Record:
    if agent not in book.records:
        raise refuse("NoRecord", "the account never had a bond or a dispute")
    return book.records[agent]


def _pending(book: Book, number: ReportId) -> Report:
    if number not in book.reports:
        raise refuse("NoSuchReport", "it does not exist, or was applied or cancelled")
    return book.reports[number]


def _closed(book: Book, number: ReportId, report: Report, *, is_case_closed: bool) -> Book:
    """Remove a report; the case stays only where it is closed for ever."""
    reports = {each: r for each, r in book.reports.items() if each != number}
    case = (report.agent, report.offence, report.subject)
    cases = {each: n for each, n in book.cases.items() if is_case_closed or each != case}
    return attrs.evolve(book, reports=reports, cases=cases)
