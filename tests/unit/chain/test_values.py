"""The one converter between the chain's values and ours."""

from typing import Any

import pytest

from chain.calls import escrow
from chain.calls.frame import Sudo
from chain.errors import MismatchError
from chain.events import Other, read_event
from chain.events.escrow import Ended
from chain.events.known import KNOWN
from chain.events.reputation import Reported, ScoreMoved
from chain.records.escrow import Stage
from chain.units import BasisPoints, Roles
from chain.values import decode, encode
from market.escrow.record import Party, Reason, State
from market.hashing import Hash
from market.identity import AccountId, ss58_from_account
from market.reputation.book import Conduct, OfEpoch, OfEscrow, OfSlot, ReportId, Subject
from market.standing import EscrowId
from market.units import Planck

ACCOUNT = AccountId(bytes([7]) * 32)
HASH = Hash(bytes([9]) * 32)


def test_an_event_is_read_into_the_projects_terms() -> None:
    raw = {"escrow": 3, "state": {"Ruled": {"provider_bps": 2_500}}, "paid": 10**20, "refunded": 0}
    assert read_event("Escrow", "Ended", raw, KNOWN) == Ended(
        EscrowId(3), Stage(State.RULED, BasisPoints(2_500)), Planck(10**20), Planck(0)
    )


def test_a_field_that_is_a_word_of_python_has_a_name_of_ours() -> None:
    raw = {"agent": ss58_from_account(ACCOUNT), "escrow": 1, "from": 500_000, "to": 510_000}
    event = read_event("Reputation", "ScoreMoved", raw, KNOWN)
    assert isinstance(event, ScoreMoved)
    assert (event.before, event.after) == (500_000, 510_000)


def test_an_event_of_a_pallet_that_is_not_ours_is_kept_as_it_is() -> None:
    assert read_event("Utility", "BatchCompleted", None, KNOWN) == Other(
        "Utility", "BatchCompleted", None
    )


@pytest.mark.parametrize(
    "raw",
    [
        {"escrow": 3, "state": "Open", "paid": 1},
        {"escrow": 3, "state": "Open", "paid": 1, "refunded": 0, "more": 0},
        {"escrow": "3", "state": "Open", "paid": 1, "refunded": 0},
        {"escrow": 3, "state": "Undreamt", "paid": 1, "refunded": 0},
        {"escrow": True, "state": "Open", "paid": 1, "refunded": 0},
        None,
        [3, "Open", 1, 0],
    ],
)
def test_an_event_of_ours_that_does_not_fit_is_an_error_and_never_left_out(raw: Any) -> None:
    with pytest.raises(MismatchError):
        read_event("Escrow", "Ended", raw, KNOWN)


@pytest.mark.parametrize(
    ("raw", "subject"),
    [
        ("Conduct", Conduct()),
        ({"Escrow": 5}, OfEscrow(EscrowId(5))),
        ({"Slot": "0x" + "09" * 32}, OfSlot(HASH)),
        ({"Epoch": 7}, OfEpoch(7)),
    ],
)
def test_a_subject_is_read_by_its_kind(raw: Any, subject: Subject) -> None:
    assert decode(Subject, raw) == subject


@pytest.mark.parametrize(
    "raw", ["Escrow", {"Conduct": 1}, {"Undreamt": 1}, {"Escrow": "5"}, None, {}]
)
def test_a_subject_that_is_none_of_them_is_an_error(raw: Any) -> None:
    with pytest.raises(MismatchError):
        decode(Subject, raw)


def test_a_report_is_read_with_all_its_kinds_of_fields() -> None:
    raw = {
        "report": 0,
        "agent": ss58_from_account(ACCOUNT),
        "offence": "FraudulentResult",
        "subject": {"Escrow": 5},
        "reporter": None,
        "evidence": "0x" + "09" * 32,
        "set_aside": 1,
        "deferred_until": 2,
    }
    event = read_event("Reputation", "Reported", raw, KNOWN)
    assert isinstance(event, Reported)
    assert (event.report, event.agent, event.reporter) == (ReportId(0), ACCOUNT, None)
    assert event.evidence == HASH


def test_a_call_is_named_and_written_as_the_chain_has_it() -> None:
    call = escrow.Dispute(EscrowId(4), Reason.INPUT_WITHHELD, HASH)
    assert call.name == "Escrow.dispute"
    assert escrow.ClaimTimeout(EscrowId(4)).name == "Escrow.claim_timeout"
    assert call.arguments() == {
        "escrow": 4,
        "reason": "InputWithheld",
        "evidence": "0x" + "09" * 32,
    }


def test_a_call_made_as_root_keeps_the_name_of_the_call_inside() -> None:
    call = Sudo(escrow.Rule(EscrowId(4), BasisPoints(10_000)))
    assert call.name == "Escrow.rule"
    assert call.arguments()["call"]["call_args"] == {"escrow": 4, "provider_bps": 10_000}


def test_values_of_every_kind_are_written() -> None:
    values = (ACCOUNT, None, True, Roles.ARBITER, Party.PROVIDER)
    written = ["0x" + "07" * 32, None, True, 1, "Provider"]
    assert [encode(value) for value in values] == written


@pytest.mark.parametrize("milestones", [(), (Planck(1),), (Planck(1), Planck(2))])
def test_a_bounded_list_of_any_length_keeps_brackets_of_its_own(
    milestones: tuple[Planck, ...],
) -> None:
    assert encode(milestones) == [list(milestones)]


def test_a_type_without_a_rule_is_a_defect_that_says_where_to_mend_it() -> None:
    with pytest.raises(TypeError, match=r"chain/values\.py"):
        decode(float, 1.0)
    with pytest.raises(TypeError, match=r"chain/values\.py"):
        encode(1.5)
