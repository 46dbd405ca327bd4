"""The provider's side of a task, from the requester's proposal to the end of its escrow.

Theory of operation. ``considering`` -> ``signed`` -> ``working`` -> ``delivered`` -> ``over``, and back to ``working`` for each further
milestone; ``contested`` while an arbiter is asked.

- *considering*: the terms are those that follow from the call and the award that was accepted. Nothing is signed
  before the input's bytes are here and can be worked on, so no requester can bind a provider to nothing.
- *signed*: both signatures are out. Nothing is begun before the finalised chain holds the escrow of this very offer.
- *working*: the work is done once; its result is stored and its receipt signed before its hash goes on chain. What
  cannot be finished in time, or is not wanted any more, is given back rather than left to expire.
- *delivered*: the result and its receipt are the requester's to look at. Its silence pays: after the review the
  provider claims the payment itself.
- *over*: the escrow has ended in a finalised block, or never came to be.

The phase follows the chain alone, and what is asked for is a function of state and head (:func:`due`), as on the
requester's side (:mod:`market.settlement.requester`).
"""

from enum import Enum
from typing import Final, assert_never

import attrs

from market import agreement
from market.envelope import Opened
from market.errors import AgreementError, IllegalEventError
from market.escrow.calls import Accept, ClaimTimeout, Decline, Deliver, Refund
from market.escrow.record import TERMINAL, Escrow, State
from market.hashing import Hash
from market.messages import Agreement, AgreementTerms, Blob, Receipt
from market.offer import NO_SLOT, Offer, hash_offer
from market.settlement.effects import (
    AgreementReceived,
    CallRefused,
    ChainSeen,
    Effect,
    Ending,
    FetchInput,
    Found,
    Grant,
    InputChecked,
    Outcome,
    Perform,
    ProviderEvent,
    Settled,
    Stop,
    WorkDone,
    WorkFailed,
    WorkStarted,
    submit_on,
    task_of,
)
from market.settlement.terms import Policy
from market.steps import Ignored, Send, Step
from market.units import BlockNumber, Planck, block_after

__all__ = ["LEGAL", "Phase", "Provider", "adopt", "consider", "due", "step"]

_KEEP: Final = 200
"""Blocks after it was sent for which an answer or a receipt is valid."""


class Phase(Enum):
    """Where a task is, at its provider."""

    CONSIDERING = "considering"
    SIGNED = "signed"
    WORKING = "working"
    DELIVERED = "delivered"
    CONTESTED = "contested"
    OVER = "over"


_WORLD: Final = frozenset({ChainSeen, AgreementReceived, InputChecked})
_BOUND: Final = _WORLD | {CallRefused, WorkStarted, WorkDone, WorkFailed}

LEGAL: Final[dict[Phase, frozenset[type[ProviderEvent]]]] = {
    Phase.CONSIDERING: _WORLD,
    Phase.SIGNED: _WORLD | {CallRefused},
    Phase.WORKING: _BOUND,
    Phase.DELIVERED: _BOUND,
    Phase.CONTESTED: _BOUND,
    Phase.OVER: _BOUND,
}
"""Which events may come in which phase; every other pair is refused and changes nothing."""

_PHASE_OF: Final[dict[State, Phase]] = {
    State.OPEN: Phase.SIGNED,
    State.ACCEPTED: Phase.WORKING,
    State.DELIVERED: Phase.DELIVERED,
    State.DISPUTED: Phase.CONTESTED,
    State.ESCALATED: Phase.CONTESTED,
    **dict.fromkeys(TERMINAL, Phase.OVER),
}


@attrs.frozen(kw_only=True)
class Provider:
    """The state of one task, at its provider."""

    phase: Phase
    policy: Policy
    since: BlockNumber
    """The block at which it last changed."""
    terms: AgreementTerms | None = None
    """None where only the chain's record is known."""
    proposal: Agreement | None = None
    offer_epoch: int = 0
    slot: Hash = NO_SLOT
    answer: bytes = attrs.field(default=b"", repr=False)
    """The sealed agreement with both signatures."""
    offer: Offer | None = None
    found: Found | None = None
    started: dict[int, BlockNumber] = attrs.field(factory=dict[int, BlockNumber])
    """By milestone."""
    results: dict[int, Blob] = attrs.field(factory=dict[int, Blob])
    receipts: dict[int, bytes] = attrs.field(factory=dict[int, bytes], repr=False)
    giving_back: str = ""
    """Why the work is given back; empty while it is not."""
    outcome: Outcome | None = None

    @property
    def task(self) -> AgreementTerms | Escrow:
        """Return what the task is known by."""
        return task_of(self.terms, self.found)


def consider(
    proposal: Opened[Agreement],
    expected: AgreementTerms,
    policy: Policy,
    at: Step,
    *,
    offer_epoch: int,
    slot: Hash = NO_SLOT,
) -> Provider:
    """Return a task that was proposed, as it was awarded.

    Args:
        proposal: from the requester.
        expected: the terms that we have computed on our own.
        policy: our own.
        at: the present.
        offer_epoch: of our offers, at the finalised head.
        slot: of our capacity.

    Raises:
        AgreementError: ``terms``, or ``requester``: not what was awarded, or not signed.
    """
    if proposal.body.terms != expected or proposal.sender != expected.requester:
        raise AgreementError("terms", "not the terms that follow from the award: do not sign")
    agreement.require_proposed(proposal.body, proposal.key)
    return Provider(
        phase=Phase.CONSIDERING,
        policy=policy,
        since=at.now,
        terms=expected,
        proposal=proposal.body,
        offer_epoch=offer_epoch,
        slot=slot,
    )


def adopt(found: Found, policy: Policy, at: Step) -> Provider:
    """Return a task of which only the chain's record is left, as after the loss of a journal.

    Without its terms it cannot be worked on, so it is given back in time.
    """
    state = Provider(phase=Phase.WORKING, policy=policy, since=at.now, found=found)
    return _follow(state, found, at)


def step(state: Provider, event: ProviderEvent, at: Step) -> tuple[Provider, list[Effect]]:
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
        case ChainSeen(found):
            after = _on_chain(state, found, at)
        case AgreementReceived(message):
            after, answers = _on_copy(state, message)
        case InputChecked():
            after = _on_input(state, event, at)
        case WorkStarted(milestone):
            after = _on_start(state, milestone, at)
        case WorkDone(milestone, result):
            after, answers = _on_done(state, milestone, result, at)
        case WorkFailed(milestone, reason):
            after = _on_failed(state, milestone, reason)
        case CallRefused():  # whatever it was, the chain shows what is left to do
            after = state
        case _:
            assert_never(event)
    is_news = after is not state or isinstance(event, ChainSeen)
    return after, [*answers, *(due(after, at) if is_news else ())]


def due(state: Provider, at: Step) -> list[Effect]:
    """Return everything that a task asks for at a head; asking again does no harm."""
    match state.phase:
        case Phase.CONSIDERING:
            terms = state.terms
            return [] if terms is None else [FetchInput(terms.requester, terms.input)]
        case Phase.SIGNED:
            return _while_signed(state, at)
        case Phase.OVER:
            return [] if state.outcome is None else [Stop(), Settled(state.outcome)]
        case _:
            return [] if state.found is None else _on_escrow(state, state.found, at)


def _while_signed(state: Provider, at: Step) -> list[Effect]:
    """Answer until the escrow is there; accept one that was proposed, decline what is not ours."""
    found, by = state.found, at.identity.account
    if found is None:
        is_time = (at.now - state.since) % state.policy.resend == 0
        return [Send(state.task.requester, state.answer)] if is_time and state.answer else []
    if at.now > found.escrow.deadline:
        return [submit_on(found, "timeout/Open/0", ClaimTimeout(by))]
    if state.offer is None:
        return [submit_on(found, "decline", Decline(by))]
    return [submit_on(found, "accept", Accept(by, hash_offer(state.offer)))]


def _on_escrow(state: Provider, found: Found, at: Step) -> list[Effect]:
    """Return what a live escrow asks for."""
    escrow, by = found.escrow, at.identity.account
    m, name = escrow.milestone, escrow.state.value
    if at.now > escrow.deadline:
        return [submit_on(found, f"timeout/{name}/{m}", ClaimTimeout(by))]
    result = state.results.get(m)
    if state.phase is Phase.WORKING:
        if result is not None:
            return [submit_on(found, f"deliver/{m}", Deliver(by, result.hash))]
        if state.giving_back:
            return [Stop(), submit_on(found, f"refund/{m}", Refund(by))]
        return [] if state.terms is None else [Perform(m)]
    shown: list[Effect] = [Grant(escrow.requester, escrow.result)] if escrow.result else []
    if result is not None and (at.now - state.since) % state.policy.resend == 0:
        shown.append(Send(escrow.requester, state.receipts[m]))
    return shown


def _is_ours(state: Provider, escrow: Escrow) -> bool:
    if state.offer is None:
        return state.found is not None and escrow.offer_hash == state.found.escrow.offer_hash
    return escrow.offer_hash == hash_offer(state.offer)


def _on_chain(state: Provider, found: Found | None, at: Step) -> Provider:
    """Go to where the chain is, or give up what can never be there any more."""
    if at.now < state.since or state.phase is Phase.OVER:
        return state  # a node that has fallen back behind what it has told us
    if found is not None and _is_ours(state, found.escrow):
        return _pressed(_follow(state, found, at), at)
    if state.found is not None:
        return _end(state, Outcome(Ending.FORGOTTEN, state.found.escrow.paid), at)
    if state.phase is Phase.SIGNED and state.offer and at.now > state.offer.valid_until:
        outcome = Outcome(Ending.UNOPENED, Planck(0), "requester", "it has not opened the escrow")
        return _end(state, outcome, at)
    if state.phase is Phase.CONSIDERING and at.now > state.since + state.policy.sign_within:
        outcome = Outcome(Ending.UNSIGNED, Planck(0), "requester", "its input did not come")
        return _end(state, outcome, at)
    return state


def _follow(state: Provider, found: Found, at: Step) -> Provider:
    """Take over what the chain has of our escrow."""
    escrow = found.escrow
    if state.found == found and state.phase is _PHASE_OF[escrow.state]:
        return state
    state = attrs.evolve(state, found=found, phase=_PHASE_OF[escrow.state], since=at.now)
    if escrow.state in TERMINAL:
        return attrs.evolve(state, outcome=Outcome(escrow.state, escrow.paid))
    return state


def _pressed(state: Provider, at: Step) -> Provider:
    """Give back work that is not wanted any more, or cannot be delivered in time any more."""
    if state.phase is not Phase.WORKING or state.found is None or state.giving_back:
        return state
    escrow = state.found.escrow
    if escrow.milestone in state.results:
        return state
    if escrow.cancel_requested:
        return attrs.evolve(state, giving_back="the requester asked for it")
    if at.now > escrow.deadline - state.policy.margin_of(escrow.deliver_within):
        return attrs.evolve(state, giving_back="not done in time")
    return state


def _end(state: Provider, outcome: Outcome, at: Step) -> Provider:
    return attrs.evolve(state, phase=Phase.OVER, outcome=outcome, since=at.now)


def _on_copy(state: Provider, message: Opened[Agreement]) -> tuple[Provider, list[Effect]]:
    """Answer a proposal that came again with the same bytes as before."""
    is_same = state.proposal is not None and message.body == state.proposal
    if not is_same or message.sender != state.task.requester:
        return state, [Ignored(message.sender, "not the terms that we know")]
    if state.phase is Phase.SIGNED and state.answer:
        return state, [Send(message.sender, state.answer)]
    return state, [Ignored(message.sender, "a copy")]


def _on_input(state: Provider, event: InputChecked, at: Step) -> Provider:
    """Sign, once the input is here and good."""
    terms, proposal = state.terms, state.proposal
    if state.phase is not Phase.CONSIDERING or terms is None or proposal is None:
        return state
    if event.input != terms.input.hash:
        return state
    if not event.is_good:
        reason = "the input cannot be worked on"
        return _end(state, Outcome(Ending.WITHDRAWN, Planck(0), "requester", reason), at)
    valid_until = block_after(at.now, state.policy.offer_validity)
    signed = agreement.countersign(
        proposal,
        at.identity,
        genesis=at.genesis,
        valid_until=valid_until,
        offer_epoch=state.offer_epoch,
        slot=state.slot,
    )
    offer = agreement.offer_of(
        terms,
        genesis=at.genesis,
        slot=state.slot,
        valid_until=valid_until,
        offer_epoch=state.offer_epoch,
    )
    raw = at.seal(signed, terms.requester, block_after(at.now, _KEEP))
    return attrs.evolve(state, phase=Phase.SIGNED, answer=raw, offer=offer, since=at.now)


def _current(state: Provider) -> int | None:
    """Return the milestone that is worked on; None while none is."""
    if state.phase is not Phase.WORKING or state.found is None or state.giving_back:
        return None
    milestone = state.found.escrow.milestone
    return None if milestone in state.results else milestone


def _on_start(state: Provider, milestone: int, at: Step) -> Provider:
    if milestone != _current(state) or milestone in state.started:
        return state
    return attrs.evolve(state, started={**state.started, milestone: at.now})


def _on_done(
    state: Provider, milestone: int, result: Blob, at: Step
) -> tuple[Provider, list[Effect]]:
    """Sign the receipt; its hash goes on chain once this is saved."""
    task = state.task
    if milestone != _current(state) or state.terms is None:
        return state, [Ignored(at.identity.account, "a result that nobody waits for")]
    body = Receipt(
        terms=agreement.hash_terms(state.terms),
        task_id=task.task_id,
        attempt=task.attempt,
        milestone=milestone,
        result=result,
        started=min(state.started.get(milestone, at.now), at.now),
        finished=at.now,
    )
    raw = at.seal(body, task.requester, block_after(at.now, _KEEP))
    done = attrs.evolve(
        state,
        results={**state.results, milestone: result},
        receipts={**state.receipts, milestone: raw},
    )
    return done, [Send(task.requester, raw)]


def _on_failed(state: Provider, milestone: int, reason: str) -> Provider:
    if milestone != _current(state):
        return state
    return attrs.evolve(state, giving_back=reason or "the agent failed")
