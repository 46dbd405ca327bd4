"""The mirror of bonds, scores and offences, held to what the pallet's own tests wrote down."""

from collections import Counter
from typing import Any

import attrs
import pytest

from market.errors import RefusedError
from market.hashing import GenesisHash, Hash
from market.identity import AccountId
from market.ledger import HoldReason, Ledger
from market.offer import decode_offer_untrusted
from market.origins import Origin
from market.reputation import bond, offences
from market.reputation.book import (
    Book,
    Chain,
    Conduct,
    Ended,
    OfEpoch,
    OfEscrow,
    Offence,
    OfSlot,
    Report,
    ReportId,
    Subject,
)
from market.reputation.params import CI, DEVELOPMENT, TESTNET, Params
from market.reputation.record import Chunk, EpochCounters, PairCounter, Record
from market.reputation.score import (
    compute_effective,
    compute_exposure_limit,
    compute_gain,
    compute_loss,
    compute_requester_part,
    compute_slash,
    compute_weight,
    is_repeated_failure,
)
from market.reputation.settlement import carry_out, draw, on_terminal, take_on
from market.standing import (
    DisputeLost,
    Draw,
    EscrowId,
    Failure,
    Neutral,
    Outcome,
    Pruned,
    ReduceExposure,
    Success,
    Terminal,
)
from market.units import BlockNumber, Planck
from tests.support.mirror import load, unhex

VECTORS = load("reputation")
TABLES: dict[str, list[dict[str, Any]]] = VECTORS["tables"]
TERMINALS: list[dict[str, Any]] = VECTORS["terminals"]
SEQUENCES: list[dict[str, Any]] = VECTORS["sequences"]
ACCOUNTS = {name: AccountId(unhex(text)) for name, text in VECTORS["accounts"].items()}
NAMES = {account: name for name, account in ACCOUNTS.items()}
PARAMS = {"ci": CI, "development": DEVELOPMENT, "testnet": TESTNET}
DEPOSIT = Planck(int(VECTORS["existential_deposit"]))
ALICE, BOB = ACCOUNTS["alice"], ACCOUNTS["bob"]


@pytest.mark.parametrize("name", sorted(PARAMS))
def test_each_preset_is_the_chains(name: str) -> None:
    params: Params = PARAMS[name]
    assert attrs.asdict(params) == {k: int(v) for k, v in VECTORS["params"][name].items()}


def test_every_row_of_the_tables_holds() -> None:
    def numbers(row: dict[str, Any]) -> dict[str, int]:
        return {k: v if isinstance(v, bool) else int(v) for k, v in row.items() if k != "offence"}

    for row in map(numbers, TABLES["weight"]):
        assert compute_weight(row["amount"], row["ref_price"]) == row["weight"]
    for row in map(numbers, TABLES["gain"]):
        gain = compute_gain(
            row["score"], row["weight"], row["earlier"], is_established=bool(row["established"])
        )
        assert gain == row["gain"]
    for row in map(numbers, TABLES["loss"]):
        assert compute_loss(row["weight"]) == row["loss"]
    for row in map(numbers, TABLES["slash"]):
        assert compute_slash(row["unpaid"], row["base"], row["weight"]) == row["slash"]
    for row in map(numbers, TABLES["requester_part"]):
        named = bool(row["named_arbiter"])
        part = compute_requester_part(row["taken"], row["unpaid"], is_named_arbiter=named)
        assert part == row["part"]
    for row in map(numbers, TABLES["effective"]):
        effective = compute_effective(row["score"], row["settled"], row["requesters"])
        assert effective == row["effective"]
    for row in map(numbers, TABLES["exposure_limit"]):
        limit = compute_exposure_limit(row["factor"], row["active"], row["effective"])
        assert limit == row["limit"]
    for shown in TABLES["repeated_failures"]:
        assert is_repeated_failure(shown["failures"], shown["terminals"]) is shown["offence"]
    for shown in TABLES["percent"]:
        assert Offence(shown["offence"]).percent == shown["percent"]


def test_the_vectors_are_all_there() -> None:
    assert sum(len(rows) for rows in TABLES.values()) == 773
    assert len(TERMINALS) == 153
    assert (len(SEQUENCES), sum(len(s["steps"]) for s in SEQUENCES)) == (7, 197)
    assert set(TABLES) == {
        "effective",
        "exposure_limit",
        "gain",
        "loss",
        "percent",
        "repeated_failures",
        "requester_part",
        "slash",
        "weight",
    }


def amount(text: str) -> Planck:
    return Planck(int(text))


def record_from(view: dict[str, Any]) -> Record:
    amounts = {name: amount(view[name]) for name in ("active", "set_aside", "exposure")}
    parts = {
        "unlocking": tuple(Chunk(amount(c["amount"]), c["at"]) for c in view["unlocking"]),
        "first_requesters": tuple(ACCOUNTS[name] for name in view["first_requesters"]),
        "current": EpochCounters(**view["current"]),
        "previous": EpochCounters(**view["previous"]),
    }
    return Record(**{**view, **amounts, **parts})


def record_view(record: Record) -> dict[str, Any]:
    shown = attrs.asdict(record)
    for name in ("active", "set_aside", "exposure"):
        shown[name] = str(shown[name])
    shown["unlocking"] = [{"amount": str(c.amount), "at": c.at} for c in record.unlocking]
    shown["first_requesters"] = [NAMES[who] for who in record.first_requesters]
    return shown


def outcome_from(view: dict[str, Any]) -> Outcome:
    match view["kind"]:
        case "success":
            return Success()
        case "neutral":
            return Neutral()
        case _:
            return Failure(half=view["half"], named_arbiter=view["named_arbiter"])


def terminal_from(view: dict[str, Any]) -> Terminal:
    return Terminal(
        requester=ACCOUNTS[view["requester"]],
        provider=ACCOUNTS[view["provider"]],
        paid=amount(view["paid"]),
        unpaid=amount(view["unpaid"]),
        exposure=amount(view["exposure"]),
        slash_base=amount(view["slash_base"]),
        outcome=outcome_from(view["outcome"]),
    )


def chain(params: str, now: int) -> Chain:
    genesis = GenesisHash(unhex(VECTORS["genesis"]))
    return Chain(now=BlockNumber(now), params=PARAMS[params], genesis=genesis)


@pytest.mark.parametrize("row", TERMINALS, ids=lambda row: row["name"])
def test_terminal_moves_score_bond_and_money_as_the_pallet_wrote_it(row: dict[str, Any]) -> None:
    terminal = terminal_from(row["terminal"])
    before, after = row["before"], row["after"]
    provider, requester = terminal.provider, terminal.requester
    treasury = ACCOUNTS["treasury"]
    ledger = Ledger(
        treasury=treasury,
        existential_deposit=DEPOSIT,
        issued=Planck(0),
        free={
            requester: amount(before["requester_free"]),
            treasury: amount(before["treasury_free"]),
        },
        held={(HoldReason.BOND, provider): amount(before["provider_bond"])},
    )
    records = {provider: record_from(before["provider"])}
    if before["requester"] is not None:
        records[requester] = record_from(before["requester"])
    pairs = {} if before["pair"] is None else {(provider, requester): PairCounter(**before["pair"])}
    book = Book(ledger=ledger, records=records, pairs=pairs)

    book = on_terminal(book, terminal, chain(row["params"], row["now"]))

    pair = book.pairs.get((provider, requester))
    bond_left = book.ledger.held_of(HoldReason.BOND, provider)
    assert {
        "provider": record_view(book.record(provider)),
        "requester": record_view(book.records[requester]) if requester in book.records else None,
        "pair": None if pair is None else attrs.asdict(pair),
        "provider_bond": str(bond_left),
        "requester_free": str(book.ledger.free_of(requester)),
        "treasury_free": str(book.ledger.free_of(treasury)),
    } == after
    assert int(before["provider_bond"]) - bond_left == int(row["slash"])
    gained = book.ledger.free_of(requester) - int(before["requester_free"])
    assert gained == int(row["to_requester"])
    to_treasury = book.ledger.free_of(treasury) - int(before["treasury_free"])
    assert to_treasury == int(row["to_treasury"])
    burned = int(row["slash"]) - gained - to_treasury
    assert -book.ledger.issued == burned


def subject_view(subject: Subject) -> Any:
    match subject:
        case Conduct():
            return "conduct"
        case OfEscrow(escrow):
            return {"escrow": escrow}
        case OfSlot(slot):
            return {"slot": "0x" + slot.hex()}
        case OfEpoch(epoch):
            return {"epoch": epoch}


def report_view(number: int, report: Report) -> dict[str, Any]:
    return {
        "report": number,
        "agent": NAMES[report.agent],
        "offence": report.offence.value,
        "subject": subject_view(report.subject),
        "reporter": report.reporter and NAMES[report.reporter],
        "hold": str(report.hold),
        "set_aside": str(report.set_aside),
        "evidence": "0x" + report.evidence.hex(),
        "deferred_until": report.deferred_until,
    }


def state_view(book: Book) -> dict[str, Any]:
    ledger, pair = book.ledger, book.pairs.get((ALICE, BOB))
    owners = {
        name: who
        for name, who in ACCOUNTS.items()
        if ledger.free_of(who) or ledger.held_of(HoldReason.BOND, who)
    }
    return {
        "records": {NAMES[who]: record_view(record) for who, record in book.records.items()},
        "balances": {
            name: {
                "free": str(ledger.free_of(who)),
                "bond": str(ledger.held_of(HoldReason.BOND, who)),
                "report": str(ledger.held_of(HoldReason.REPORT, who)),
            }
            for name, who in owners.items()
        },
        "total_issuance": str(ledger.issued),
        "pair": None if pair is None else attrs.asdict(pair),
        "reports": [report_view(number, book.reports[number]) for number in sorted(book.reports)],
        "next_report": book.next_report,
    }


def start_from(view: dict[str, Any]) -> Book:
    assert not view["records"]
    assert not view["reports"]
    assert view["pair"] is None
    return Book(
        ledger=Ledger(
            treasury=ACCOUNTS["treasury"],
            existential_deposit=DEPOSIT,
            issued=amount(view["total_issuance"]),
            free={ACCOUNTS[name]: amount(b["free"]) for name, b in view["balances"].items()},
        )
    )


def told(at: Chain, args: dict[str, Any]) -> Chain:
    """Return the chain after the registry or the escrows changed their answers."""
    match args:
        case {"compromised": {"agent": agent, "flag": flag}}:
            return attrs.evolve(at, compromised=frozenset({ACCOUNTS[agent]} if flag else ()))
        case {"offer_epoch": {"provider": provider, "epoch": epoch}}:
            return attrs.evolve(at, offer_epochs={ACCOUNTS[provider]: epoch})
        case {"operator": {"agent": agent, "key": key}}:
            return attrs.evolve(at, operators={ACCOUNTS[agent]: ACCOUNTS[key]})
        case {"ended": {"id": number, "provider": provider, "at": block}}:
            ended = Ended(ACCOUNTS[provider], BlockNumber(block))
            return attrs.evolve(at, ended={**at.ended, EscrowId(number): ended})
        case _:
            raise ValueError(args)


def signature_from(text: str) -> bytes:
    data = unhex(text)
    assert data[0] == 0  # a MultiSignature's ed25519
    return data[1:]


def perform(
    book: Book, call: str, by: Origin, args: dict[str, Any], at: Chain
) -> tuple[Book, object]:
    """Return the book after a call, and what the vectors give as its result."""
    ok = "ok"
    match call:
        case "bond":
            return bond.bond(book, by, amount(args["amount"]), at), ok
        case "bond_extra":
            return bond.bond_extra(book, by, amount(args["amount"]), at), ok
        case "unbond":
            return bond.unbond(book, by, amount(args["amount"]), at), ok
        case "withdraw_unbonded":
            return bond.withdraw_unbonded(book, by, at), ok
        case "poke":
            return offences.poke(book, by, ACCOUNTS[args["agent"]], at), ok
        case "report_offence":
            agent, evidence = ACCOUNTS[args["agent"]], Hash(unhex(args["evidence"]))
            offence = Offence(args["offence"])
            number = None if args["escrow"] is None else EscrowId(args["escrow"])
            return offences.report_offence(book, by, offence, agent, number, evidence, at), ok
        case "report_double_acceptance":
            first, second = (
                (
                    decode_offer_untrusted(unhex(args[f"offer_{x}"])),
                    signature_from(args[f"sig_{x}"]),
                )
                for x in "ab"
            )
            agent = ACCOUNTS[args["agent"]]
            return offences.report_double_acceptance(book, by, agent, first, second, at), ok
        case "cancel_slash":
            return offences.cancel_slash(book, by, ReportId(args["report"]), at), ok
        case "apply_slash":
            return offences.apply_slash(book, by, ReportId(args["report"]), at), ok
        case "reinstate":
            return offences.reinstate(book, by, ACCOUNTS[args["agent"]], at), ok
        case "take_on":
            book, base = take_on(book, ACCOUNTS[args["provider"]], amount(args["amount"]), at)
            return book, {"slash_base": str(base)}
        case "reduce_exposure":
            reduced = ReduceExposure(ACCOUNTS[args["provider"]], amount(args["amount"]))
            return carry_out(book, reduced, at), ok
        case "draw":
            to = None if args["to"] is None else ACCOUNTS[args["to"]]
            asked = Draw(ACCOUNTS[args["provider"]], amount(args["amount"]), to)
            book, taken = draw(book, asked, at)
            return book, {"taken": str(taken)}
        case "on_terminal":
            return carry_out(book, terminal_from(args), at), ok
        case "on_pruned":
            pruned = Pruned(ACCOUNTS[args["provider"]], ACCOUNTS[args["requester"]])
            return carry_out(book, pruned, at), ok
        case "on_dispute_lost":
            return carry_out(book, DisputeLost(ACCOUNTS[args["requester"]]), at), ok
        case _:
            raise ValueError(call)


@pytest.mark.parametrize("sequence", SEQUENCES, ids=lambda sequence: sequence["name"])
def test_sequence_goes_as_the_pallet_wrote_it(sequence: dict[str, Any]) -> None:
    book, at = start_from(sequence["start"]), chain(sequence["params"], 1)
    for number, row in enumerate(sequence["steps"]):
        at = attrs.evolve(at, now=BlockNumber(row["block"]))
        result: object = "ok"
        if row["call"] == "env":
            at = told(at, row["args"])
        else:
            by = ACCOUNTS.get(row["origin"])
            before = state_view(book)
            try:
                book, result = perform(book, row["call"], by, row["args"], at)
            except RefusedError as refusal:
                result = (
                    f"Token.{refusal.variant}" if refusal.pallet == "token" else refusal.variant
                )
                assert state_view(book) == before
        assert result == row["result"], f"step {number}, {row['call']}"
        assert state_view(book) == row["state"], f"step {number}, {row['call']}"


def test_every_refusal_of_the_pallet_is_in_the_vectors() -> None:
    results = Counter(str(row["result"]) for sequence in SEQUENCES for row in sequence["steps"])
    refusals = {each for each in results if each[0].isupper() and "." not in each}
    assert len(refusals) == 31


AUTHORITY_ONLY = [
    lambda by, at: offences.report_offence(
        EMPTY, by, Offence.PROTOCOL_VIOLATION, ALICE, None, Hash(bytes(32)), at
    ),
    lambda by, at: offences.cancel_slash(EMPTY, by, ReportId(0), at),
    lambda by, at: offences.reinstate(EMPTY, by, ALICE, at),
]
SIGNED_ONLY = [
    lambda by, at: bond.bond(EMPTY, by, 1, at),
    lambda by, at: bond.bond_extra(EMPTY, by, 1, at),
    lambda by, at: bond.unbond(EMPTY, by, 1, at),
    lambda by, at: bond.withdraw_unbonded(EMPTY, by, at),
    lambda by, at: offences.poke(EMPTY, by, ALICE, at),
    lambda by, at: offences.apply_slash(EMPTY, by, ReportId(0), at),
]
EMPTY = start_from(SEQUENCES[0]["start"])


@pytest.mark.parametrize(
    ("call", "by"),
    [*((call, ALICE) for call in AUTHORITY_ONLY), *((call, None) for call in SIGNED_ONLY)],
)
def test_a_call_of_the_wrong_origin_is_refused_first(call: Any, by: Origin) -> None:
    with pytest.raises(RefusedError) as caught:
        call(by, chain("ci", 1))
    assert (caught.value.pallet, caught.value.variant) == ("dispatch", "BadOrigin")


def test_no_more_jobs_are_taken_on_than_can_be_counted() -> None:
    record = Record(active=Planck(200 * 10**12), open_jobs=2**32 - 1)
    book = EMPTY.with_record(ALICE, record)
    with pytest.raises(RefusedError, match=r"arithmetic\.Overflow"):
        take_on(book, ALICE, 1, chain("ci", 1))
