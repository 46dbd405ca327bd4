"""The requester's side of a task, from the award to the end of its escrow.

Theory of operation. ``drafted`` -> ``proposed`` -> ``opening`` -> (``open`` ->) ``working`` -> ``reviewing`` -> ``over``, and back
to ``working`` for each further milestone; ``contested`` while an arbiter is asked.

- *proposed*: the signed terms are out, with the transcript that they name, until the provider's signatures come.
  A provider that does not sign in time is at fault, and nothing was spent. One that had no time since the requester
  itself was away gets the time anew, a few times, and is not at fault.
- *opening*: both have signed. The escrow is opened once. It is given up only when the finalised head has passed
  the offer's last block and has no escrow: then none can come any more.
- *open*: opened as a proposal, which the provider has yet to accept.
- *working*, *reviewing*, *contested*: what the chain says, and nothing else. A result is examined: its bytes, by
  the hash on chain, against the receipt and by the requester's own check. A good one is released, a bad one
  disputed; one that does not come is disputed before silence would pay it.
- *over*: the escrow has ended in a finalised block, or never came to be.

The phase follows the chain alone, so a restart at any point goes on where the chain is: from the journal, or,
when that is lost, from the escrow's record (:func:`adopt`). What is asked for is a function of state and head
(:func:`due`), and is asked for again at each head; keys keep it from happening twice.

Late and repeated messages are legal and change nothing. An event that is not in :data:`LEGAL` is a mistake of
the caller.
"""

from enum import Enum
from typing import Final, assert_never

import attrs

from market import agreement
from market.envelope import Opened, expect, reopen
from market.errors import AgreementError, IllegalEventError
from market.escrow.calls import Call as EscrowCall
from market.escrow.calls import Cancel, ClaimTimeout, DisputeCall, Release, RequestCancel
from market.escrow.record import TERMINAL, Escrow, Reason, State
from market.hashing import Hash, MessageId
from market.identity import AccountId
from market.messages import Agreement, AgreementTerms, Receipt
from market.offer import Offer
from market.settlement.effects import (
    AgreementReceived,
    CallRefused,
    CancelWanted,
    ChainSeen,
    Effect,
    Ending,
    Examine,
    Found,
    Grant,
    OnEscrow,
    OpenEscrow,
    Outcome,
    ReceiptReceived,
    RequesterEvent,
    ResultChecked,
    Settled,
    Submit,
    WasAway,
    key_of,
    submit_on,
    task_of,
)
from market.settlement.terms import Policy
from market.steps import Accuse, Ignored, Opening, Send, Step
from market.units import BlockNumber, Planck, block_after

__all__ = ["LEGAL", "Phase", "Requester", "adopt", "draft", "due", "step"]

_KEEP: Final = 200
"""Blocks after it was sent for which a proposal is valid."""
MAX_ABSENCES: Final = 3
"""Times that an absence of the requester gives a provider its time anew; more would be waiting without end."""


class Phase(Enum):
    """Where a task is, at its requester."""

    DRAFTED = "drafted"
    PROPOSED = "proposed"
    OPENING = "opening"
    OPEN = "open"
    WORKING = "working"
    REVIEWING = "reviewing"
    CONTESTED = "contested"
    OVER = "over"


_ANYTIME: Final = frozenset({ChainSeen, AgreementReceived, ReceiptReceived, CancelWanted, WasAway})
"""What the world, and its user, may tell a task once it is proposed."""

LEGAL: Final[dict[Phase, frozenset[type[RequesterEvent]]]] = {
    Phase.DRAFTED: frozenset({Opening}),
    Phase.PROPOSED: _ANYTIME,
    Phase.OPENING: _ANYTIME | {CallRefused},
    Phase.OPEN: _ANYTIME | {CallRefused},
    Phase.WORKING: _ANYTIME | {CallRefused, ResultChecked},
    Phase.REVIEWING: _ANYTIME | {CallRefused, ResultChecked},
    Phase.CONTESTED: _ANYTIME | {CallRefused, ResultChecked},
    Phase.OVER: _ANYTIME | {CallRefused, ResultChecked},
}
"""Which events may come in which phase; every other pair is refused and changes nothing."""

_PHASE_OF: Final[dict[State, Phase]] = {
    State.OPEN: Phase.OPEN,
    State.ACCEPTED: Phase.WORKING,
    State.DELIVERED: Phase.REVIEWING,
    State.DISPUTED: Phase.CONTESTED,
    State.ESCALATED: Phase.CONTESTED,
    **dict.fromkeys(TERMINAL, Phase.OVER),
}

_PROVIDERS_FAULT: Final = frozenset(
    {
        *("MayNotCommit", "Revoked", "BadSignature"),
        *("Suspended", "NotBonded", "Inactive", "ExposureExceeded"),
    }
)
"""Refusals of an opening that follow from what the provider is or has."""


@attrs.frozen(kw_only=True)
class Requester:
    """The state of one task, at its requester."""

    phase: Phase
    policy: Policy
    since: BlockNumber
    """The block at which it last changed."""
    terms: AgreementTerms | None = None
    """None where only the chain's record is known."""
    award: MessageId | None = None
    """The award that it follows from."""
    transcript: bytes = attrs.field(default=b"", repr=False)
    proposal: bytes = attrs.field(default=b"", repr=False)
    """The sealed agreement, with our signature."""
    signed: Opened[Agreement] | None = None
    """The same, with the provider's."""
    offer: Offer | None = None
    found: Found | None = None
    receipts: dict[int, Opened[Receipt]] = attrs.field(factory=dict[int, Opened[Receipt]])
    """By milestone."""
    verdicts: dict[int, tuple[Hash, bool]] = attrs.field(factory=dict[int, tuple[Hash, bool]])
    """By milestone: the result that was checked, and whether it is good."""
    evidence: dict[int, Hash] = attrs.field(factory=dict[int, Hash])
    """By milestone: of what says why its result is bad."""
    absences: int = 0
    """Times that the provider got its time to sign anew."""
    is_cancelling: bool = False
    outcome: Outcome | None = None

    @property
    def task(self) -> AgreementTerms | Escrow:
        """Return what the task is known by."""
        return task_of(self.terms, self.found)


def draft(
    terms: AgreementTerms, transcript: bytes, policy: Policy, at: Step, award: MessageId
) -> Requester:
    """Return a task that was awarded, with its proposal sealed and not yet sent.

    Args:
        terms: as :func:`market.settlement.terms.terms_of` gives them.
        transcript: the sealed transcript that they name.
        policy: our own.
        at: the present.
        award: id of the award.

    Raises:
        UsageError: the terms name another requester.
    """
    body = agreement.propose(terms, at.identity)
    raw = at.seal(body, terms.provider, block_after(at.now, _KEEP))
    return Requester(
        phase=Phase.DRAFTED,
        policy=policy,
        since=at.now,
        terms=terms,
        award=award,
        transcript=transcript,
        proposal=raw,
    )


def adopt(found: Found, policy: Policy, at: Step) -> Requester:
    """Return a task of which only the chain's record is left, as after the loss of a journal."""
    state = Requester(phase=Phase.WORKING, policy=policy, since=at.now, found=found)
    return _follow(state, found, at)


def step(state: Requester, event: RequesterEvent, at: Step) -> tuple[Requester, list[Effect]]:
    """Tell a task what happened.

    Args:
        state: before it.
        event: what happened; messages in it have passed :func:`market.envelope.open_untrusted`.
        at: the present.

    Returns:
        The state after it, and what is to be done once that is saved.

    Raises:
        IllegalEventError: the event cannot happen in this phase; the state is unchanged.
    """
    if type(event) not in LEGAL[state.phase]:
        raise IllegalEventError(f"{type(event).__name__} while {state.phase.value}")
    answers: list[Effect] = []
    match event:
        case Opening():
            after = attrs.evolve(state, phase=Phase.PROPOSED, since=at.now)
        case ChainSeen(found):
            after = _on_chain(state, found, at)
        case CallRefused():
            after = _on_refusal(state, event, at)
        case AgreementReceived(message):
            after, answers = _on_agreement(state, message, at)
        case ReceiptReceived(message):
            after, answers = _on_receipt(state, message)
        case ResultChecked():
            after = _on_result(state, event)
        case CancelWanted():
            after = _on_cancel(state, at)
        case WasAway():
            after = _on_absence(state, at)
        case _:
            assert_never(event)
    is_news = after is not state or isinstance(event, ChainSeen)
    return after, [*answers, *(due(after, at) if is_news else ())]


def due(state: Requester, at: Step) -> list[Effect]:
    """Return everything that a task asks for at a head; asking again does no harm."""
    terms, found, now = state.terms, state.found, at.now
    match state.phase:
        case Phase.DRAFTED:
            return []
        case Phase.PROPOSED:
            if terms is None or (now - state.since) % state.policy.resend:
                return []
            to = terms.provider
            return [
                Grant(to, terms.input.hash),
                Send(to, state.transcript),
                Send(to, state.proposal),
            ]
        case Phase.OPENING:
            return _opening(state)
        case Phase.OVER:
            return [] if state.outcome is None else [Settled(state.outcome)]
        case _:
            return [] if found is None else _on_escrow(state, found, at)


def _opening(state: Requester) -> list[Effect]:
    answer = state.signed.body.provider if state.signed else None
    if state.offer is None or answer is None:
        return []
    signature = answer.offer if state.policy.opening == "offer" else None
    return [Submit(key_of(state.task, "open"), OpenEscrow(state.offer, signature))]


def _on_escrow(state: Requester, found: Found, at: Step) -> list[Effect]:
    """Return what a live escrow asks for."""
    escrow, by = found.escrow, at.identity.account
    m, name = escrow.milestone, escrow.state.value

    def submit(what: str, call: EscrowCall) -> list[Effect]:
        return [submit_on(found, what, call)]

    if at.now > escrow.deadline:
        return submit(f"timeout/{name}/{m}", ClaimTimeout(by))
    match state.phase:
        case Phase.OPEN:
            return submit("cancel", Cancel(by)) if state.is_cancelling else []
        case Phase.WORKING if state.is_cancelling and not escrow.cancel_requested:
            return submit("request-cancel", RequestCancel(by))
        case Phase.REVIEWING | Phase.CONTESTED:
            return _on_delivery(state, found, at)
        case _:
            return [Grant(escrow.provider, escrow.input_hash)]


def _on_delivery(state: Requester, found: Found, at: Step) -> list[Effect]:
    """Return what a delivered result asks for: to be looked at, paid or disputed.

    In a dispute a result that is good after all is paid: the requester concedes.
    """
    escrow, by = found.escrow, at.identity.account
    m, result = escrow.milestone, escrow.result
    if result is None:
        return []
    verdict = verdict_of(state)
    if verdict is True:
        what = f"release/{escrow.state.value}/{m}"
        return [Submit(key_of(escrow, what), OnEscrow(found.id, Release(by)))]
    examine: list[Effect] = [Examine(escrow.provider, m, result)] if verdict is None else []
    if escrow.state is not State.DELIVERED:
        return examine
    last = escrow.deadline - state.policy.margin_of(escrow.review_blocks)
    if verdict is None and at.now < last:
        return examine
    reason = Reason.RESULT_WITHHELD if verdict is None else Reason.RESULT_WRONG
    receipt = state.receipts.get(m)
    evidence = state.evidence.get(m) or (result if receipt is None else Hash(receipt.id))
    return [*examine, submit_on(found, f"dispute/{m}", DisputeCall(by, reason, evidence))]


def verdict_of(state: Requester) -> bool | None:
    """Return whether the delivered result is good; None while it is not known.

    A receipt for other bytes than those on chain makes it bad: the provider has signed two results.
    """
    if state.found is None:
        return None
    escrow = state.found.escrow
    receipt = state.receipts.get(escrow.milestone)
    if receipt is not None and receipt.body.result.hash != escrow.result:
        return False
    checked = state.verdicts.get(escrow.milestone)
    return checked[1] if checked is not None and checked[0] == escrow.result else None


def _is_ours(state: Requester, escrow: Escrow) -> bool:
    if state.terms is None:
        return state.found is not None and escrow.offer_hash == state.found.escrow.offer_hash
    return (
        escrow.attempt == state.terms.attempt
        and escrow.provider == state.terms.provider
        and escrow.terms == agreement.hash_terms(state.terms)
    )


def _on_chain(state: Requester, found: Found | None, at: Step) -> Requester:
    """Go to where the chain is, or give up what can never be there any more."""
    if at.now < state.since or state.phase is Phase.OVER:
        return state  # a node that has fallen back behind what it has told us
    if found is not None and _is_ours(state, found.escrow):
        return _follow(state, found, at)
    if state.found is not None:
        paid = state.found.escrow.paid
        return _end(state, Outcome(Ending.FORGOTTEN, paid), at)
    if state.phase is Phase.PROPOSED and at.now > state.since + state.policy.sign_within:
        who = "requester" if state.absences else "provider"
        return _end(state, _unopened(Ending.UNSIGNED, who, "it has not signed"), at)
    if state.phase is Phase.OPENING and state.offer and at.now > state.offer.valid_until:
        return _end(state, _unopened(Ending.UNOPENED, "requester", "the offer ran out"), at)
    return state


def _follow(state: Requester, found: Found, at: Step) -> Requester:
    """Take over what the chain has of our escrow."""
    escrow = found.escrow
    if state.found == found and state.phase is _PHASE_OF[escrow.state]:
        return state
    state = attrs.evolve(state, found=found, phase=_PHASE_OF[escrow.state], since=at.now)
    if escrow.state in TERMINAL:
        return attrs.evolve(state, outcome=Outcome(escrow.state, escrow.paid))
    return state


def _end(state: Requester, outcome: Outcome, at: Step) -> Requester:
    return attrs.evolve(state, phase=Phase.OVER, outcome=outcome, since=at.now)


def _unopened(ending: Ending, who: str, reason: str) -> Outcome:
    return Outcome(ending, Planck(0), "provider" if who == "provider" else "requester", reason)


def _on_refusal(state: Requester, event: CallRefused, at: Step) -> Requester:
    """Only the opening's refusal ends anything; all others are seen on chain."""
    if state.phase is not Phase.OPENING or event.key != key_of(state.task, "open"):
        return state
    if event.variant == "BadValidity":  # it was not opened in time, which nobody but we could do
        return _end(state, _unopened(Ending.UNOPENED, "requester", "the offer ran out"), at)
    who = "provider" if event.variant in _PROVIDERS_FAULT else "requester"
    reason = f"{event.pallet}.{event.variant}"
    return _end(state, _unopened(Ending.REFUSED, who, reason), at)


def _ignore(state: Requester, sender: AccountId, why: str) -> tuple[Requester, list[Effect]]:
    return state, [Ignored(sender, why)]


def _on_agreement(
    state: Requester, message: Opened[Agreement], at: Step
) -> tuple[Requester, list[Effect]]:
    sender, body = message.sender, message.body
    if state.terms is None or sender != state.terms.provider or body.terms != state.terms:
        return _ignore(state, sender, "not what was proposed")
    if state.phase is not Phase.PROPOSED:
        return _ignore(state, sender, "late, or a copy")
    proposal = expect(reopen(state.proposal), Agreement)
    try:
        offer = agreement.require_signed(
            body, genesis=at.genesis, requester=proposal.key, provider=message.key
        )
    except AgreementError as error:
        return _ignore(state, sender, str(error))
    if at.now > offer.valid_until:
        return _ignore(state, sender, "its offer has run out")
    opening = attrs.evolve(state, phase=Phase.OPENING, signed=message, offer=offer, since=at.now)
    return opening, []


def _on_receipt(state: Requester, message: Opened[Receipt]) -> tuple[Requester, list[Effect]]:
    sender, body, terms = message.sender, message.body, state.terms
    task = state.task
    known = agreement.hash_terms(terms) if terms else getattr(task, "terms", None)
    if (
        sender != task.provider
        or (body.terms, body.task_id, body.attempt) != (known, task.task_id, task.attempt)
        or body.milestone >= len(task.milestones)
    ):
        return _ignore(state, sender, "a receipt for something else")
    before = state.receipts.get(body.milestone)
    if before is not None:
        if before.body.result.hash != body.result.hash:
            return state, [Accuse(sender, "equivocation", (before.raw, message.raw))]
        return _ignore(state, sender, "a copy")
    if state.phase is Phase.OVER:
        return _ignore(state, sender, "late")
    return attrs.evolve(state, receipts={**state.receipts, body.milestone: message}), []


def _on_result(state: Requester, event: ResultChecked) -> Requester:
    """Keep a verdict on what is on chain now; one on anything else has come too late."""
    escrow = state.found.escrow if state.found else None
    if escrow is None or (event.milestone, event.result) != (escrow.milestone, escrow.result):
        return state
    verdict = (event.result, event.is_good)
    if state.phase is Phase.OVER or state.verdicts.get(event.milestone) == verdict:
        return state
    evidence = {} if event.evidence is None else {event.milestone: event.evidence}
    return attrs.evolve(
        state,
        verdicts={**state.verdicts, event.milestone: verdict},
        evidence={**state.evidence, **evidence},
    )


def _on_absence(state: Requester, at: Step) -> Requester:
    """Give a provider its time to sign anew: it could not be heard."""
    if state.phase is not Phase.PROPOSED or state.absences == MAX_ABSENCES:
        return state
    return attrs.evolve(state, since=at.now, absences=state.absences + 1)


def _on_cancel(state: Requester, at: Step) -> Requester:
    """Withdraw what is not opened; ask the provider for the rest. A result that is there is judged instead."""
    match state.phase:
        case Phase.PROPOSED:
            return _end(state, Outcome(Ending.WITHDRAWN, Planck(0)), at)
        case Phase.OPENING | Phase.OPEN | Phase.WORKING if not state.is_cancelling:
            return attrs.evolve(state, is_cancelling=True)
        case _:
            return state
