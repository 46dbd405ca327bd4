"""The two machines of a task: every pair that is not in their tables, and the cases that matter."""

from collections.abc import Callable

import attrs
import pytest

from market.envelope import Opened, expect, open_untrusted, seal
from market.errors import AgreementError, IllegalEventError, UsageError
from market.escrow.calls import (
    Cancel,
    ClaimTimeout,
    Decline,
    DisputeCall,
    Refund,
    Release,
    Rule,
)
from market.escrow.record import Reason, State
from market.identity import Identity
from market.messages import Agreement, AwardLine, Body, Receipt
from market.settlement import provider, requester
from market.settlement.effects import (
    AgreementReceived,
    CallRefused,
    CancelWanted,
    ChainSeen,
    Effect,
    Ending,
    Found,
    InputChecked,
    OnEscrow,
    ProviderEvent,
    ReceiptReceived,
    RequesterEvent,
    ResultChecked,
    Settled,
    Submit,
    WasAway,
    WorkDone,
    WorkFailed,
    WorkStarted,
    key_of,
)
from market.settlement.terms import milestones_of, terms_of
from market.steps import Accuse, Ignored, Opening, Send
from market.units import BlockNumber, Planck
from tests.support.samples import (
    ALICE,
    AUCTION,
    BOB,
    CAROL,
    DAVE,
    GENESIS,
    TERMS,
    OwnKeys,
    block,
    cfp,
    task_call,
)
from tests.support.settlements import (
    AWARD,
    HALF,
    JUNK,
    NUMBER,
    POLICY,
    RESULT,
    Pair,
    evolved,
    hash_of,
    kinds,
)

PROPOSAL = attrs.evolve(POLICY, opening="proposal")


def sealed(body: Body, who: Identity, to: Identity, sequence: int = 1) -> Opened[Body]:
    raw = seal(
        body,
        identity=who,
        genesis=GENESIS,
        audience=to.account,
        sequence=sequence,
        issued_at=block(100),
        expires_at=block(300),
    )
    return open_untrusted(raw, genesis=GENESIS, keys=OwnKeys())


def receipt(pair: Pair, sequence: int = 1, **changes: object) -> Opened[Receipt]:
    return expect(sealed(pair.receipt(**changes), BOB, ALICE, sequence), Receipt)


def outcome(pair: Pair) -> tuple[object, int]:
    end = pair.asked.outcome
    assert end is not None
    return end.state, end.paid


# Every pair.


def requester_states() -> dict[requester.Phase, requester.Requester]:
    drafted = Pair()
    proposed = Pair()
    proposed.propose()
    opening = Pair()
    opening.propose()
    opening.consider()
    opening.sign()
    opening.receive_signature()
    open_ = Pair(policy=PROPOSAL)
    open_.propose()
    open_.consider()
    open_.sign()
    open_.submit(open_.receive_signature())
    open_.look()
    working = Pair().to_working()
    reviewing = Pair().to_working().to_delivered()
    contested = disputed()
    over = Pair().to_working()
    over.call(Refund(BOB.account))
    over.look()
    pairs = (drafted, proposed, opening, open_, working, reviewing, contested, over)
    states = {pair.asked.phase: pair.asked for pair in pairs}
    assert set(states) == set(requester.Phase)
    return states


def disputed(milestones: int = 1) -> Pair:
    pair = Pair(milestones).to_working().to_delivered(JUNK)
    pair.submit(pair.ask(ResultChecked(0, JUNK.hash, is_good=False)))
    pair.wait()
    pair.look()
    return pair


def requester_events() -> list[RequesterEvent]:
    pair = Pair().to_working()
    assert pair.made is not None
    answer = open_untrusted(pair.made.answer, genesis=GENESIS, keys=OwnKeys())
    return [
        Opening(),
        ChainSeen(pair.found),
        CallRefused(key_of(pair.terms, "release/0"), "escrow", "TooLate"),
        AgreementReceived(expect(answer, Agreement)),
        ReceiptReceived(receipt(pair)),
        ResultChecked(0, RESULT.hash, is_good=True),
        CancelWanted(),
        WasAway(),
    ]


def provider_states() -> dict[provider.Phase, provider.Provider]:
    considering = Pair()
    considering.propose()
    considering.consider()
    signed = Pair()
    signed.propose()
    signed.consider()
    signed.sign()
    over = Pair().to_working()
    over.call(Refund(BOB.account))
    over.look()
    pairs = (
        *(considering, signed, Pair().to_working(), Pair().to_working().to_delivered()),
        *(disputed(), over),
    )
    states = {pair.made.phase: pair.made for pair in pairs if pair.made is not None}
    assert set(states) == set(provider.Phase)
    return states


def provider_events() -> list[ProviderEvent]:
    pair = Pair().to_working()
    proposal = open_untrusted(pair.asked.proposal, genesis=GENESIS, keys=OwnKeys())
    return [
        ChainSeen(pair.found),
        CallRefused(key_of(pair.terms, "deliver/0"), "escrow", "TooLate"),
        AgreementReceived(expect(proposal, Agreement)),
        InputChecked(pair.terms.input.hash, is_good=True),
        WorkStarted(0),
        WorkDone(0, RESULT),
        WorkFailed(0, "out of memory"),
    ]


def test_every_pair_that_is_absent_from_the_requesters_table_is_refused_and_changes_nothing() -> (
    None
):
    absent = 0
    for phase, state in requester_states().items():
        for event in requester_events():
            if type(event) in requester.LEGAL[phase]:
                continue
            before = repr(state)
            with pytest.raises(IllegalEventError):
                requester.step(state, event, Pair().at(ALICE))
            assert repr(state) == before
            absent += 1
    assert absent == len(requester.Phase) * len(requester_events()) - sum(
        map(len, requester.LEGAL.values())
    )


def test_every_pair_that_is_absent_from_the_providers_table_is_refused_and_changes_nothing() -> (
    None
):
    absent = 0
    for phase, state in provider_states().items():
        for event in provider_events():
            if type(event) in provider.LEGAL[phase]:
                continue
            before = repr(state)
            with pytest.raises(IllegalEventError):
                provider.step(state, event, Pair().at(BOB))
            assert repr(state) == before
            absent += 1
    assert absent == len(provider.Phase) * 7 - sum(map(len, provider.LEGAL.values()))


def test_every_legal_pair_is_taken_without_an_error() -> None:
    for phase, state in requester_states().items():
        for event in requester_events():
            if type(event) in requester.LEGAL[phase]:
                requester.step(state, event, Pair().at(ALICE))
    for phase, made in provider_states().items():
        for event in provider_events():
            if type(event) in provider.LEGAL[phase]:
                provider.step(made, event, Pair().at(BOB))


def test_nothing_that_comes_after_the_end_changes_anything() -> None:
    asked, made = (
        requester_states()[requester.Phase.OVER],
        provider_states()[provider.Phase.OVER],
    )
    for event in requester_events():
        if type(event) in requester.LEGAL[requester.Phase.OVER]:
            assert requester.step(asked, event, Pair().at(ALICE, 500))[0] is asked
    for event in provider_events():
        if type(event) in provider.LEGAL[provider.Phase.OVER]:
            assert provider.step(made, event, Pair().at(BOB, 500))[0] is made


# Terms.


def test_last_milestone_takes_what_rounding_leaves() -> None:
    assert milestones_of(100, (333_333, 333_333, 333_334)) == (33, 33, 34)
    assert milestones_of(7, (1_000_000,)) == (7,)


def test_terms_follow_from_call_award_and_transcript() -> None:
    call = cfp(task_call(1), arbiter=CAROL.account)
    line = AwardLine(task=0, provider=BOB.account, price=Planck(701))
    made = terms_of(call, line, auction=AUCTION, requester=ALICE.account, transcript=AWARD)
    assert (made.price, made.milestones) == (701, (280, 421))
    assert (made.task_id, made.arbiter, made.transcript) == (
        call.tasks[0].task_id,
        CAROL.account,
        AWARD,
    )


def test_price_that_leaves_a_milestone_without_money_has_no_terms() -> None:
    line = AwardLine(task=0, provider=BOB.account, price=Planck(1))
    with pytest.raises(UsageError, match="cannot be split"):
        terms_of(
            cfp(task_call(1)), line, auction=AUCTION, requester=ALICE.account, transcript=AWARD
        )


# Signing.


def test_proposal_goes_out_with_the_transcript_and_again_until_it_is_answered() -> None:
    pair = Pair(policy=attrs.evolve(POLICY, resend=2))
    assert kinds(pair.ask(Opening())) == ["Grant", "Send", "Send"]
    pair.wait()
    assert pair.ask(ChainSeen(None)) == []
    pair.wait()
    assert kinds(pair.ask(ChainSeen(None))) == ["Grant", "Send", "Send"]


def test_provider_that_does_not_sign_is_at_fault_and_nothing_is_spent() -> None:
    pair = Pair()
    pair.propose()
    pair.wait(5)
    pair.ask(ChainSeen(None))
    assert pair.asked.phase is requester.Phase.PROPOSED
    pair.wait()
    [settled] = pair.ask(ChainSeen(None))
    assert isinstance(settled, Settled)
    assert (settled.outcome.state, settled.outcome.at_fault) == (Ending.UNSIGNED, "provider")


def test_time_in_which_the_requester_was_away_is_not_the_providers_fault() -> None:
    pair = Pair()
    pair.propose()
    for _ in range(requester.MAX_ABSENCES):
        pair.wait(5)
        assert kinds(pair.ask(WasAway())) == ["Grant", "Send", "Send"]
        pair.wait(5)
        pair.ask(ChainSeen(None))
        assert pair.asked.phase is requester.Phase.PROPOSED
    assert pair.ask(WasAway()) == []  # it is not waited for without end
    pair.wait()
    [settled] = pair.ask(ChainSeen(None))
    assert isinstance(settled, Settled)
    assert (settled.outcome.state, settled.outcome.at_fault) == (Ending.UNSIGNED, "requester")


def test_a_dispute_names_the_evidence_of_the_check_that_failed() -> None:
    pair = Pair().to_working().to_delivered(JUNK)
    evidence = hash_of("why it is bad")
    pair.submit(pair.ask(ResultChecked(0, JUNK.hash, is_good=False, evidence=evidence)))
    pair.wait()
    pair.look()
    assert pair.escrow is not None
    assert pair.escrow.dispute is not None
    assert pair.escrow.dispute.evidence == evidence


def test_provider_signs_nothing_before_the_input_is_there() -> None:
    pair = Pair()
    pair.propose()
    pair.consider()
    assert kinds(pair.make(ChainSeen(None))) == ["FetchInput"]
    pair.make(InputChecked(hash_of("another input"), is_good=True))
    assert pair.made is not None
    assert pair.made.phase is provider.Phase.CONSIDERING
    pair.sign()
    assert pair.made.phase is provider.Phase.SIGNED


def test_input_that_is_of_no_use_or_does_not_come_ends_it_unsigned() -> None:
    useless, late = Pair(), Pair()
    for pair in (useless, late):
        pair.propose()
        pair.consider()
    useless.make(InputChecked(useless.terms.input.hash, is_good=False))
    late.wait(6)
    late.make(ChainSeen(None))
    for pair, ending in ((useless, Ending.WITHDRAWN), (late, Ending.UNSIGNED)):
        assert pair.made is not None
        assert pair.made.outcome is not None
        assert (pair.made.outcome.state, pair.made.outcome.at_fault) == (ending, "requester")
        assert pair.made.answer == b""


@pytest.mark.parametrize("change", ["price", "sender", "signature"])
def test_proposal_that_is_not_what_was_awarded_is_not_considered(change: str) -> None:
    pair = Pair()
    body = expect(
        open_untrusted(pair.asked.proposal, genesis=GENESIS, keys=OwnKeys()), Agreement
    ).body
    who, expected = ALICE, pair.terms
    if change == "price":
        expected = Pair(2).terms
    if change == "sender":
        who = DAVE
    if change == "signature":
        body = Agreement(terms=body.terms, requester=BOB.sign(b"x"), provider=None)
    message = expect(sealed(body, who, BOB), Agreement)
    with pytest.raises(AgreementError):
        provider.consider(message, expected, POLICY, pair.at(BOB), offer_epoch=0)


def test_copy_of_a_proposal_is_answered_with_the_same_bytes() -> None:
    pair = Pair()
    pair.propose()
    pair.consider()
    pair.sign()
    assert pair.made is not None
    proposal = open_untrusted(pair.asked.proposal, genesis=GENESIS, keys=OwnKeys())
    effects = pair.make(AgreementReceived(expect(proposal, Agreement)))
    assert effects == [Send(ALICE.account, pair.made.answer)]


def test_signature_under_another_key_or_other_terms_opens_nothing() -> None:
    pair = Pair()
    pair.propose()
    pair.consider()
    pair.sign()
    assert pair.made is not None
    good = expect(open_untrusted(pair.made.answer, genesis=GENESIS, keys=OwnKeys()), Agreement)
    stranger = expect(sealed(good.body, DAVE, ALICE), Agreement)
    forged = attrs.evolve(good, key=DAVE.key)
    other = attrs.evolve(
        good, body=Agreement(terms=TERMS, requester=good.body.requester, provider=None)
    )
    unsigned = attrs.evolve(
        good, body=Agreement(terms=pair.terms, requester=good.body.requester, provider=None)
    )
    for message in (stranger, forged, other, unsigned):
        effects = pair.ask(AgreementReceived(message))
        assert isinstance(effects[0], Ignored)
        assert pair.asked.phase is requester.Phase.PROPOSED


def test_offer_that_has_run_out_opens_nothing() -> None:
    pair = Pair()
    pair.propose()
    pair.consider()
    pair.sign()
    pair.wait(POLICY.offer_validity + 1)
    effects = pair.receive_signature()
    assert isinstance(effects[0], Ignored)
    assert "run out" in effects[0].reason


# Opening.


def test_opening_is_given_up_only_when_no_block_can_hold_it_any_more() -> None:
    pair = Pair()
    pair.propose()
    pair.consider()
    pair.sign()
    assert kinds(pair.receive_signature()) == ["open"]
    pair.wait(POLICY.offer_validity)
    assert kinds(pair.ask(ChainSeen(None))) == ["open"]
    pair.make(ChainSeen(None))
    assert pair.made is not None
    assert pair.made.phase is provider.Phase.SIGNED
    pair.wait()
    pair.look()
    assert outcome(pair) == (Ending.UNOPENED, 0)
    assert pair.made.phase is provider.Phase.OVER


@pytest.mark.parametrize(
    ("pallet", "variant", "fault", "ending"),
    [
        ("reputation", "ExposureExceeded", "provider", Ending.REFUSED),
        ("escrow", "BadSignature", "provider", Ending.REFUSED),
        ("token", "FundsUnavailable", "requester", Ending.REFUSED),
        # It came too late, as if it had not been submitted: it may be called for anew.
        ("escrow", "BadValidity", "requester", Ending.UNOPENED),
    ],
)
def test_refused_opening_is_the_fault_of_who_caused_it(
    pallet: str, variant: str, fault: str, ending: Ending
) -> None:
    pair = Pair()
    pair.propose()
    pair.consider()
    pair.sign()
    pair.receive_signature()
    pair.ask(CallRefused(key_of(pair.terms, "open"), pallet, variant))
    end = pair.asked.outcome
    assert end is not None
    assert (end.state, end.at_fault) == (ending, fault)


def test_refusal_of_anything_else_changes_nothing() -> None:
    pair = Pair().to_working()
    before = pair.asked
    pair.ask(CallRefused(key_of(pair.terms, "open"), "escrow", "TaskTaken"))
    pair.ask(CallRefused(key_of(pair.terms, "release/0"), "escrow", "TooLate"))
    assert pair.asked is before


def test_proposed_escrow_is_accepted_by_the_offers_hash() -> None:
    pair = Pair(policy=PROPOSAL)
    pair.to_working()
    assert pair.asked.phase is requester.Phase.WORKING
    assert pair.escrow is not None
    assert pair.escrow.state is State.ACCEPTED


def test_proposed_escrow_that_nobody_accepts_is_claimed_back() -> None:
    pair = Pair(policy=PROPOSAL)
    pair.propose()
    pair.consider()
    pair.sign()
    pair.submit(pair.receive_signature())
    pair.look()
    assert pair.asked.phase is requester.Phase.OPEN
    assert pair.escrow is not None
    pair.now = BlockNumber(pair.escrow.deadline + 1)
    asked, made = pair.look()
    assert kinds(asked) == kinds(made) == ["timeout/Open/0"]
    pair.submit(asked)
    pair.look()
    assert outcome(pair) == (State.CANCELLED, 0)


def test_no_work_begins_for_the_escrow_of_another_offer() -> None:
    pair = Pair()
    pair.propose()
    pair.consider()
    pair.sign()
    pair.submit(pair.receive_signature())
    other = evolved(pair, offer_hash=hash_of("another offer"))
    assert kinds(pair.make(ChainSeen(other))) == ["Send"]
    assert pair.made is not None
    assert pair.made.phase is provider.Phase.SIGNED


# Work.


def test_whole_task_of_three_milestones_is_paid_one_by_one() -> None:
    pair = Pair(3).to_working()
    for m in range(3):
        assert kinds(pair.look()[1]) == ["Perform"]
        pair.make(WorkStarted(m))
        pair.to_delivered()
        assert pair.asked.phase is requester.Phase.REVIEWING
        effects = pair.ask(ResultChecked(m, RESULT.hash, is_good=True))
        assert pair.submit(effects) == [f"release/Delivered/{m}"]
        pair.wait()
        pair.look()
    assert outcome(pair) == (State.RELEASED, 3 * HALF)
    assert pair.made is not None
    assert pair.made.outcome == pair.asked.outcome


def test_receipt_is_signed_before_the_hash_goes_on_chain() -> None:
    pair = Pair().to_working()
    pair.make(WorkStarted(0))
    pair.wait(2)
    effects = pair.make(WorkDone(0, RESULT))
    assert kinds(effects) == ["Send", "deliver/0"]
    assert isinstance(effects[0], Send)
    body = expect(open_untrusted(effects[0].message, genesis=GENESIS, keys=OwnKeys()), Receipt).body
    assert (body.result, body.finished - body.started) == (RESULT, 2)


def test_result_that_is_done_twice_has_one_receipt() -> None:
    pair = Pair().to_working()
    pair.make(WorkDone(0, RESULT))
    before = pair.made
    [ignored] = pair.make(WorkDone(0, JUNK))
    assert isinstance(ignored, Ignored)
    assert pair.made is before


def test_work_that_fails_is_given_back() -> None:
    pair = Pair().to_working()
    effects = pair.make(WorkFailed(0, "out of memory"))
    assert pair.submit(effects) == ["refund/0"]
    pair.look()
    assert outcome(pair) == (State.REFUNDED, 0)


def test_work_that_cannot_be_in_time_is_given_back_rather_than_expiring() -> None:
    pair = Pair().to_working()
    assert pair.escrow is not None
    pair.now = BlockNumber(pair.escrow.deadline - POLICY.margin)
    assert kinds(pair.make(ChainSeen(pair.found))) == ["Perform"]
    pair.wait()
    assert kinds(pair.make(ChainSeen(pair.found))) == ["Stop", "refund/0"]
    [ignored] = pair.make(WorkDone(0, RESULT))
    assert isinstance(ignored, Ignored)


def test_result_that_is_ready_is_delivered_to_the_last_block() -> None:
    pair = Pair().to_working()
    pair.make(WorkDone(0, RESULT))
    assert pair.escrow is not None
    pair.now = BlockNumber(pair.escrow.deadline)
    assert kinds(pair.make(ChainSeen(pair.found))) == ["deliver/0"]


def test_missed_deadline_is_claimed_by_both_sides() -> None:
    pair = Pair().to_working()
    assert pair.escrow is not None
    pair.now = BlockNumber(pair.escrow.deadline + 1)
    asked, made = pair.look()
    assert kinds(asked) == kinds(made) == ["timeout/Accepted/0"]
    pair.submit(asked)
    pair.look()
    assert outcome(pair) == (State.EXPIRED, 0)


# Cancelling.


def test_requester_may_withdraw_what_is_not_signed() -> None:
    pair = Pair()
    pair.propose()
    pair.ask(CancelWanted())
    assert outcome(pair) == (Ending.WITHDRAWN, 0)


def test_opening_that_may_be_under_way_is_followed_and_cancelled_on_chain() -> None:
    pair = Pair()
    pair.propose()
    pair.consider()
    pair.sign()
    opening = pair.receive_signature()
    assert kinds(pair.ask(CancelWanted())) == ["open"]
    pair.submit(opening)
    asked, _ = pair.look()
    assert pair.submit(asked) == ["request-cancel"]
    _, made = pair.look()
    assert kinds(made) == ["Stop", "refund/0"]
    pair.submit(made)
    pair.look()
    assert outcome(pair) == (State.REFUNDED, 0)


def test_proposed_escrow_is_cancelled_at_once() -> None:
    pair = Pair(policy=PROPOSAL)
    pair.propose()
    pair.consider()
    pair.sign()
    pair.submit(pair.receive_signature())
    pair.look()
    effects = pair.ask(CancelWanted())
    assert [e.what.call for e in effects if isinstance(e, Submit) and isinstance(e.what, OnEscrow)] == [Cancel(ALICE.account)]  # fmt: skip


def test_result_that_is_there_is_judged_although_it_is_not_wanted_any_more() -> None:
    pair = Pair().to_working().to_delivered()
    before = pair.asked
    pair.ask(CancelWanted())
    assert pair.asked is before


# Review.


def test_good_result_is_released_and_a_bad_one_disputed() -> None:
    good, bad = Pair().to_working().to_delivered(), Pair().to_working().to_delivered()
    effects = good.ask(ResultChecked(0, RESULT.hash, is_good=True))
    assert kinds(effects) == ["release/Delivered/0"]
    effects = bad.ask(ResultChecked(0, RESULT.hash, is_good=False))
    assert kinds(effects) == ["dispute/0"]


def test_verdict_on_another_result_counts_for_nothing() -> None:
    pair = Pair().to_working().to_delivered()
    for event in (
        ResultChecked(0, JUNK.hash, is_good=True),
        ResultChecked(1, RESULT.hash, is_good=True),
    ):
        before = pair.asked
        pair.ask(event)
        assert pair.asked is before


def test_receipt_for_other_bytes_than_those_on_chain_is_disputed_with_itself_as_evidence() -> None:
    pair = Pair().to_working().to_delivered()
    pair.ask(ResultChecked(0, RESULT.hash, is_good=True))
    lie = receipt(pair, result=JUNK)
    [dispute] = pair.ask(ReceiptReceived(lie))
    assert isinstance(dispute, Submit)
    assert isinstance(dispute.what, OnEscrow)
    assert dispute.what.call == DisputeCall(ALICE.account, Reason.RESULT_WRONG, lie.id)


def test_two_receipts_for_one_milestone_prove_equivocation() -> None:
    pair = Pair().to_working().to_delivered()
    one, other = receipt(pair), receipt(pair, sequence=2, result=JUNK)
    pair.ask(ReceiptReceived(one))
    [accusation] = pair.ask(ReceiptReceived(other))
    assert accusation == Accuse(BOB.account, "equivocation", (one.raw, other.raw))


@pytest.mark.parametrize(
    "changes", [{"milestone": 5}, {"attempt": 1}, {"terms": hash_of("others")}]
)
def test_receipt_for_something_else_is_ignored(changes: dict[str, object]) -> None:
    pair = Pair().to_working().to_delivered()
    [ignored] = pair.ask(ReceiptReceived(receipt(pair, **changes)))
    assert isinstance(ignored, Ignored)


def test_result_that_is_not_shown_is_disputed_before_silence_pays_it() -> None:
    pair = Pair().to_working().to_delivered()
    assert pair.escrow is not None
    pair.now = BlockNumber(pair.escrow.deadline - POLICY.margin - 1)
    assert kinds(pair.look()[0]) == ["Examine"]
    pair.wait()
    asked, _ = pair.look()
    assert kinds(asked) == ["Examine", "dispute/0"]
    pair.submit(asked)
    assert pair.escrow.dispute is not None
    assert pair.escrow.dispute.reason is Reason.RESULT_WITHHELD


def test_silence_of_the_requester_pays_the_provider() -> None:
    pair = Pair().to_working().to_delivered()
    assert pair.escrow is not None
    pair.now = BlockNumber(pair.escrow.deadline + 1)
    made = pair.make(ChainSeen(pair.found))
    assert pair.submit(made) == ["timeout/Delivered/0"]
    pair.look()
    assert outcome(pair) == (State.RELEASED, HALF)


def test_provider_shows_its_result_and_receipt_until_the_end_of_a_dispute() -> None:
    pair = disputed()
    assert kinds(pair.make(ChainSeen(pair.found))) == ["Grant", "Send"]


# Disputes.


def test_requester_concedes_when_a_result_comes_and_is_good_after_all() -> None:
    pair = Pair().to_working().to_delivered()
    assert pair.escrow is not None
    pair.now = BlockNumber(pair.escrow.deadline - 1)
    pair.submit(pair.look()[0])
    pair.look()
    assert pair.asked.phase is requester.Phase.CONTESTED
    effects = pair.ask(ResultChecked(0, RESULT.hash, is_good=True))
    assert pair.submit(effects) == ["release/Disputed/0"]
    pair.look()
    assert outcome(pair) == (State.RELEASED, HALF)


def test_ruling_ends_it_for_both() -> None:
    pair = disputed()
    pair.call(Rule(CAROL.account, 0))
    pair.look()
    assert outcome(pair) == (State.RULED, 0)
    assert pair.made is not None
    assert pair.made.outcome == pair.asked.outcome


def test_silent_arbiters_are_passed_by_and_the_milestone_is_split() -> None:
    pair = disputed(2)
    for state in ("Disputed", "Escalated"):
        assert pair.escrow is not None
        pair.now = BlockNumber(pair.escrow.deadline + 1)
        asked, made = pair.look()
        assert kinds(asked) == kinds(made) == [f"timeout/{state}/0"]
        pair.submit(made)
        pair.look()
    assert outcome(pair) == (State.SPLIT, HALF // 2)


# Restarts.


def test_machine_goes_to_where_the_chain_is_whatever_it_has_missed() -> None:
    pair = Pair(2)
    pair.propose()
    pair.consider()
    pair.sign()
    pair.submit(pair.receive_signature())
    sleeping = pair.asked
    pair.look()
    pair.to_delivered()
    pair.call(Release(ALICE.account))
    pair.look()
    pair.to_delivered()
    late, effects = requester.step(sleeping, ChainSeen(pair.found), pair.at(ALICE))
    assert late.phase is requester.Phase.REVIEWING
    assert kinds(effects) == ["Examine"]


@pytest.mark.parametrize(
    ("way", "asked", "made"),
    [
        (lambda p: p, ["Grant"], []),
        (lambda p: p.to_delivered(), ["Examine"], ["Grant"]),
    ],
)
def test_escrow_without_a_journal_is_adopted_from_its_record(
    way: Callable[[Pair], Pair], asked: list[str], made: list[str]
) -> None:
    pair = way(Pair().to_working())
    found = pair.found
    assert found is not None
    buying = requester.adopt(found, POLICY, pair.at(ALICE))
    serving = provider.adopt(found, POLICY, pair.at(BOB))
    assert kinds(requester.due(buying, pair.at(ALICE))) == asked
    assert kinds(provider.due(serving, pair.at(BOB))) == made
    at = pair.at(BOB, found.escrow.deadline + 1)
    [claim] = provider.step(serving, ChainSeen(found), at)[1]
    assert isinstance(claim, Submit)
    assert claim.what == OnEscrow(NUMBER, ClaimTimeout(BOB.account))


def test_adopted_work_is_given_back_and_an_adopted_proposal_declined() -> None:
    pair = Pair().to_working()
    found = pair.found
    assert found is not None
    serving = provider.adopt(found, POLICY, pair.at(BOB))
    late = pair.at(BOB, found.escrow.deadline)
    assert kinds(provider.step(serving, ChainSeen(found), late)[1]) == ["Stop", "refund/0"]
    proposed = Found(NUMBER, attrs.evolve(found.escrow, state=State.OPEN))
    declining = provider.adopt(proposed, POLICY, pair.at(BOB))
    [decline] = provider.due(declining, pair.at(BOB))
    assert isinstance(decline, Submit)
    assert decline.what == OnEscrow(NUMBER, Decline(BOB.account))


def test_escrow_that_was_pruned_while_we_were_away_is_over() -> None:
    pair = Pair().to_working()
    pair.wait(500)
    pair.escrow = None
    pair.look()
    assert outcome(pair) == (Ending.FORGOTTEN, 0)
    assert pair.made is not None
    assert pair.made.phase is provider.Phase.OVER


def test_node_that_has_fallen_back_says_nothing_new() -> None:
    pair = Pair().to_working()
    before = pair.asked
    requester.step(before, ChainSeen(None), pair.at(ALICE, 1))
    state, _ = requester.step(before, ChainSeen(None), pair.at(ALICE, 1))
    assert state is before


def test_keys_tell_milestones_apart() -> None:
    one = Pair().terms
    effects: list[Effect] = []
    for m in range(2):
        pair = Pair(2).to_working()
        found = evolved(pair, milestone=m)
        pair.made = attrs.evolve(pair.made, found=found)
        effects += pair.make(WorkDone(m, RESULT))
    keys = {e.key for e in effects if isinstance(e, Submit)}
    assert keys == {key_of(one, "deliver/0"), key_of(one, "deliver/1")}
