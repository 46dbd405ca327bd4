"""What is saved comes back as it was, and what cannot be read says so."""

from typing import Any

import attrs
import msgspec
import pytest

from market.auction.effects import (
    AcceptanceReceived,
    AwardReceived,
    CommitmentAckReceived,
    CommitmentReceived,
    DecidedToBid,
    EscrowFailed,
    FactsRead,
    HeadMoved,
    Opening,
    RevealAckReceived,
    RevealPosted,
    RevealReceived,
    RootAnchored,
    RootReceived,
    TranscriptReceived,
    Withdrew,
)
from market.auction.facts import AccountFacts, Facts, PostedReveal
from market.cases import (
    AuctionBegun,
    CallHeard,
    CaseKey,
    PurchaseAdopted,
    PurchaseBegun,
    ServiceAdopted,
    ServiceBegun,
)
from market.envelope import Opened, reopen, seal
from market.errors import UsageError
from market.escrow.record import Dispute, Party, Reason, State
from market.journal import _KINDS, Row, read_row, row_of
from market.messages import Agreement, Blob, Body
from market.offer import NO_SLOT
from market.settlement.effects import (
    AgreementReceived,
    CallRefused,
    CancelWanted,
    ChainSeen,
    Found,
    InputChecked,
    ReceiptReceived,
    ResultChecked,
    WasAway,
    WorkDone,
    WorkFailed,
    WorkStarted,
)
from market.settlement.terms import Policy
from market.standing import EscrowId
from market.steps import Step
from market.units import Planck
from tests.support.mirror import escrow_in
from tests.support.samples import ALICE, AUCTION, BOB, BODIES, GENESIS, TERMS, ask, block, cfp
from tests.support.settlements import RESULT, hash_of


def opened(index: int) -> Opened[Any]:
    body: Body = BODIES[index]
    raw = seal(
        body,
        identity=ALICE,
        genesis=GENESIS,
        audience=BOB.account,
        sequence=index,
        issued_at=block(11),
        expires_at=block(31),
    )
    return reopen(raw)


DISPUTED = attrs.evolve(
    escrow_in(State.DISPUTED), dispute=Dispute(Party.REQUESTER, Reason.RESULT_WRONG, hash_of("x"))
)
FOUND = Found(EscrowId(3), attrs.evolve(DISPUTED, ruling=9_000))
FACTS = Facts(
    genesis=GENESIS,
    block=block(10),
    accounts=(
        AccountFacts(
            account=BOB.account,
            key=BOB.key,
            is_eligible=True,
            score=300,
            headroom=Planck(5),
            free=Planck(2**62),
        ),
    ),
    posted=(PostedReveal(reveal=b"reveal", block=block(17)),),
)
EVENTS: list[Any] = [
    AuctionBegun(cfp(), hash_of("topic"), frozenset({BOB.account})),
    CallHeard(opened(1)),
    PurchaseBegun(TERMS, b"transcript", opened(7).id, Policy(opening="proposal")),
    PurchaseAdopted(FOUND, Policy()),
    ServiceBegun(opened(9), TERMS, Policy(), 3, NO_SLOT),
    ServiceAdopted(FOUND, Policy()),
    Opening(),
    HeadMoved(),
    CommitmentReceived(opened(2)),
    CommitmentAckReceived(opened(3)),
    RootAnchored(),
    RootReceived(opened(4)),
    RevealReceived(opened(5)),
    RevealPosted(opened(5), block(17)),
    RevealAckReceived(opened(6)),
    FactsRead(FACTS),
    AwardReceived(opened(7)),
    AcceptanceReceived(opened(8)),
    EscrowFailed(BOB.account),
    DecidedToBid(ask((0, 700), surcharge=(0, 5)), b"\5" * 32),
    TranscriptReceived(opened(12)),
    Withdrew("full"),
    ChainSeen(None),
    ChainSeen(FOUND),
    CallRefused("task/1/open", "escrow", "TooLate"),
    AgreementReceived(opened(9)),
    ReceiptReceived(opened(11)),
    ResultChecked(1, hash_of("result"), is_good=False, evidence=hash_of("evidence")),
    CancelWanted(),
    WasAway(),
    InputChecked(hash_of("input"), is_good=True),
    WorkStarted(2),
    WorkDone(2, RESULT),
    WorkFailed(0, "résumé"),
]
KEY = CaseKey("serve", TERMS.task_id, "a/0/b")


def row(event: Any, number: int = 4) -> Row:
    at = Step(block(12), ALICE, GENESIS, 40, {1: b"said"})
    return row_of(KEY, number, event, at)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_saved_event_comes_back_equal(event: Any) -> None:
    entry = read_row(row(event))
    assert entry.event == event
    assert (entry.key, entry.number, entry.sequence) == (KEY, 4, 40)
    assert (entry.said, entry.block) == ({1: b"said"}, 12)


def test_a_row_from_before_there_was_evidence_is_read() -> None:
    event = ResultChecked(1, hash_of("result"), is_good=True)
    saved = row(event)
    sequence, said, fields = msgspec.msgpack.decode(saved.payload)
    del fields["evidence"]
    older = attrs.evolve(saved, payload=msgspec.msgpack.encode((sequence, said, fields)))
    assert read_row(older).event == event


def test_every_kind_of_event_can_be_saved() -> None:
    assert {type(event).__name__ for event in EVENTS} == set(_KINDS)


def test_name_of_an_event_holds_its_number_within_the_case() -> None:
    """So a second process that goes on from the same state cannot save."""
    assert row(Opening()).event == row(Opening()).event
    assert row(Opening(), 5).event != row(Opening()).event
    assert row(Opening()).task_id == TERMS.task_id


@pytest.mark.parametrize(
    "damaged",
    [
        Row(bytes(32), "serve/a/0/b/000004/NoSuchEvent", b"", block(1)),
        Row(bytes(32), "nonsense", b"", block(1)),
        attrs.evolve(row(WorkStarted(1)), payload=b"\xc1"),
        attrs.evolve(row(WorkStarted(1)), event="serve/a/0/b/000004/ResultChecked"),
    ],
)
def test_damaged_row_says_what_to_do(damaged: Row) -> None:
    with pytest.raises(UsageError, match="restore the journal"):
        read_row(damaged)


def test_amount_that_does_not_fit_is_refused_before_it_is_lost() -> None:
    huge = attrs.evolve(FOUND.escrow, price=Planck(2**100))
    with pytest.raises(UsageError, match="above 2"):
        row(ChainSeen(Found(EscrowId(1), huge)))


def test_blob_and_agreement_are_those_of_the_wire() -> None:
    assert isinstance(read_row(row(WorkDone(0, RESULT))).event.result, Blob)  # type: ignore[union-attr]
    event = read_row(row(AgreementReceived(opened(9)))).event
    assert isinstance(event.message.body, Agreement)  # type: ignore[union-attr]
    assert event.message.body.terms.auction == AUCTION  # type: ignore[union-attr]
