"""The escrow's mirror, held step by step to what the pallet's own tests wrote down."""

from typing import Any

import attrs
import pytest

from market.errors import RefusedError
from market.escrow.calls import Effect
from market.escrow.entries import open_escrow
from market.escrow.machine import step
from market.escrow.money import carry_out
from market.escrow.params import CI, DEVELOPMENT, TESTNET, Params, part
from market.escrow.record import Escrow, State
from market.ledger import HoldReason, Ledger
from market.standing import (
    DisputeLost,
    Draw,
    Failure,
    Pruned,
    ReduceExposure,
    StandingEffect,
    TakeOn,
    Terminal,
)
from market.units import BlockNumber
from tests.support.mirror import CHAIN, ESCROW, LABELS, PARTIES, escrow_call, ledger, offer_from

SEQUENCES: list[dict[str, Any]] = ESCROW["sequences"]
NAMES = {account: name for name, account in PARTIES.items()}


@pytest.mark.parametrize(
    ("name", "params"), [("ci", CI), ("development", DEVELOPMENT), ("testnet", TESTNET)]
)
def test_each_preset_is_the_chains(name: str, params: Params) -> None:
    def words(field: str) -> str:
        first, *rest = field.split("_")
        return first + "".join(word.capitalize() for word in rest)

    mirrored = {words(field): value for field, value in attrs.asdict(params).items()}
    assert mirrored == {field: int(value) for field, value in ESCROW["params"][name].items()}


def test_every_row_of_the_tables_of_fees_deposits_and_parts_holds() -> None:
    tables = ESCROW["tables"]
    for paid, fee in tables["fee"]:
        assert CI.fee(int(paid)) == int(fee)
    for price, deposit in tables["dispute_deposit"]:
        assert CI.dispute_deposit(int(price)) == int(deposit)
    for amount, bps, share in tables["part"]:
        assert part(int(amount), bps) == int(share)
    assert [len(rows) for rows in tables.values()] == [17, 17, 153]


def record_view(escrow: Escrow) -> dict[str, Any]:
    dispute = escrow.dispute
    state: Any = escrow.state.value
    return {
        "state": {state: escrow.ruling} if escrow.state is State.RULED else state,
        "deadline": escrow.deadline,
        "milestone": escrow.milestone,
        "paid": str(escrow.paid),
        "result": None if escrow.result is None else "0x" + escrow.result.hex(),
        "dispute": dispute and {"by": dispute.by.value, "reason": dispute.reason.value},
        "cancel_requested": escrow.cancel_requested,
        "slash_base": str(escrow.slash_base),
        "dispute_deposit": str(escrow.dispute_deposit),
        "record_deposit": str(escrow.record_deposit),
    }


def asked_view(effect: StandingEffect) -> Any:
    match effect:
        case TakeOn(_, amount):
            return {"take_on": str(amount)}
        case ReduceExposure(_, amount):
            return {"reduce_exposure": str(amount)}
        case Draw(_, amount, to):
            return {"draw": str(amount), "to": None if to is None else NAMES[to]}
        case DisputeLost():
            return "dispute_lost"
        case Terminal():
            outcome = effect.outcome
            name = type(outcome).__name__
            return {
                "terminal": {
                    "paid": str(effect.paid),
                    "unpaid": str(effect.unpaid),
                    "exposure": str(effect.exposure),
                    "slash_base": str(effect.slash_base),
                    "outcome": {name: attrs.asdict(outcome)}
                    if isinstance(outcome, Failure)
                    else name,
                }
            }
        case Pruned():
            raise AssertionError("the pallet's recorder does not see it")


def asked(effects: list[Effect]) -> list[Any]:
    kinds = (TakeOn, ReduceExposure, Draw, DisputeLost, Terminal)
    return [asked_view(effect) for effect in effects if isinstance(effect, kinds)]


def moves(before: Ledger, after: Ledger) -> dict[str, str]:
    changes = {
        name: sum(
            sign * (books.free_of(who) + books.held_of(HoldReason.ESCROW, who))
            for sign, books in ((1, after), (-1, before))
        )
        for name, who in PARTIES.items()
    }
    return {name: str(change) for name, change in changes.items() if change}


def refused(escrow: Escrow, now: int) -> dict[str, str]:
    answers: dict[str, str] = {}
    for label in LABELS:
        before = attrs.asdict(escrow)
        try:
            step(escrow, escrow_call(label, escrow, 5_000), attrs.evolve(CHAIN, now=now))
        except RefusedError as refusal:
            answers[label] = refusal.variant
        assert attrs.asdict(escrow) == before
    return answers


@pytest.mark.parametrize("sequence", SEQUENCES, ids=lambda sequence: sequence["name"])
def test_sequence_goes_as_the_pallet_wrote_it(sequence: dict[str, Any]) -> None:
    escrow: Escrow | None = None
    books = ledger()
    for row in sequence["steps"]:
        at = attrs.evolve(CHAIN, now=BlockNumber(row["block"]))
        before, effects, result = books, list[Effect](), "ok"
        bps = row.get("args", {}).get("provider_bps", 0)
        try:
            if row["call"] == "open":
                escrow, effects = open_escrow(
                    offer_from(sequence["offer"]), PARTIES["requester"], at
                )
            else:
                call = escrow_call(row["call"], escrow, bps)
                assert call.by == PARTIES.get(row["origin"])
                escrow, effects = step(escrow, call, at)
        except RefusedError as refusal:
            result = refusal.variant
        books = carry_out(books, effects)
        held = books.held_of(HoldReason.ESCROW, PARTIES["requester"])
        assert result == row["result"]
        assert asked(effects) == row["asked"]
        assert held == int(row["held"])
        if "moves" in row:
            assert moves(before, books) == row["moves"]
            assert before.issued - books.issued == int(row["burned"])
        if escrow is None:
            assert row["escrow"] is None
        else:
            assert escrow.held(at.params) == held
            assert record_view(escrow) == row["escrow"]
            assert refused(escrow, row["block"]) == row["refused"]


def test_the_vectors_are_all_there() -> None:
    steps = [row for sequence in SEQUENCES for row in sequence["steps"]]
    assert (len(SEQUENCES), len(steps)) == (216, 1112)
    assert sum(len(row.get("refused", ())) for row in steps) == 11_497
