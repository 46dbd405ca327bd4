"""The escrow's table: every pair that is not in it, and for every pair that is, who and when."""

from collections.abc import Callable
from typing import Any, get_args

import attrs
import pytest

from market.errors import RefusedError
from market.escrow.calls import (
    LEGAL,
    Accept,
    Call,
    Cancel,
    ClaimTimeout,
    Decline,
    Deliver,
    DisputeCall,
    Pay,
    Prune,
    Refund,
    Release,
    RequestCancel,
    Role,
    Rule,
)
from market.escrow.entries import open_escrow, open_with_offer, revoke_offers
from market.escrow.machine import AFTER_DEADLINE, step
from market.escrow.record import TERMINAL, Chain, Escrow, Reason, State
from market.escrow.turns import turns
from market.hashing import GenesisHash, Hash
from market.identity import AccountId, Identity
from market.offer import Offer, sign_offer
from market.standing import Draw, TakeOn
from market.units import MAX_BLOCK, BlockNumber, Planck
from tests.support.mirror import (
    BASE,
    CHAIN,
    ESCROW,
    PARTIES,
    PATHS,
    escrow_in,
    load,
    offer_from,
)

CALLS: tuple[type[Call], ...] = get_args(Call)
OFFER = offer_from(ESCROW["sequences"][0]["offer"])
PROVIDER = Identity.from_seed(bytes.fromhex(load("offer")["seed"][2:]))
REQUESTER, STRANGER = PARTIES["requester"], PARTIES["stranger"]
EVIDENCE = Hash(b"\x08" * 32)


def call_of(kind: type[Call], escrow: Escrow, by: AccountId | None) -> Call:
    """Return a call that nothing but its state, time and caller could refuse."""
    if kind is Accept:
        return Accept(by, escrow.offer_hash)
    if kind is Deliver:
        return Deliver(by, EVIDENCE)
    if kind is DisputeCall:
        early = escrow.state is State.ACCEPTED
        return DisputeCall(by, Reason.INPUT_WITHHELD if early else Reason.RESULT_WRONG, EVIDENCE)
    if kind is Rule:
        return Rule(by, 5_000)
    simple: dict[type[Call], Callable[[AccountId | None], Call]] = {
        Decline: Decline,
        Cancel: Cancel,
        RequestCancel: RequestCancel,
        Release: Release,
        Refund: Refund,
        ClaimTimeout: ClaimTimeout,
        Prune: Prune,
    }
    return simple[kind](by)


def refusal(escrow: Escrow | None, call: Call, at: Chain) -> str:
    """Return why a call is refused, having made sure that it changed nothing."""
    before = escrow and attrs.asdict(escrow)
    with pytest.raises(RefusedError) as caught:
        step(escrow, call, at)
    assert (escrow and attrs.asdict(escrow)) == before
    return f"{caught.value.pallet}.{caught.value.variant}"


def at_block(now: int, **changes: Any) -> Chain:
    return attrs.evolve(CHAIN, now=BlockNumber(now), **changes)


ABSENT = [(state, kind) for state in State for kind in CALLS if kind not in LEGAL[state]]
PRESENT = [(state, kind) for state in State for kind in LEGAL[state]]


def test_the_table_has_every_state_and_every_call_once() -> None:
    assert set(LEGAL) == set(State) == set(PATHS)
    assert len(ABSENT) + len(PRESENT) == len(State) * len(CALLS)
    assert {kind for _, kind in PRESENT} == set(CALLS)
    assert set(AFTER_DEADLINE) == set(State) - TERMINAL


@pytest.mark.parametrize(("state", "kind"), ABSENT)
def test_a_pair_that_is_not_in_the_table_is_refused_and_changes_nothing(
    state: State, kind: type[Call]
) -> None:
    escrow = escrow_in(state)
    for now in (escrow.deadline, escrow.deadline + 1, MAX_BLOCK):
        for by in (REQUESTER, PROVIDER.account, STRANGER, PARTIES["arbiter"]):
            refused = refusal(escrow, call_of(kind, escrow, by), at_block(now))
            assert refused == "escrow.WrongState"


@pytest.mark.parametrize("kind", CALLS)
def test_no_call_finds_an_escrow_that_was_never_opened_or_was_pruned(kind: type[Call]) -> None:
    call = call_of(kind, escrow_in(State.OPEN), STRANGER)
    assert refusal(None, call, CHAIN) == "escrow.NotFound"


def allowed(escrow: Escrow, role: Role, operators: dict[AccountId, AccountId]) -> AccountId | None:
    match role:
        case Role.REQUESTER:
            return escrow.requester
        case Role.REQUESTER_KEY:
            return operators.get(escrow.requester, escrow.requester)
        case Role.PROVIDER_KEY:
            return operators.get(escrow.provider, escrow.provider)
        case Role.ARBITER:
            return escrow.arbiter
        case Role.CHAIN_ARBITER:
            return None
        case Role.ANYONE:
            return AccountId(b"\x55" * 32)


KEYS = {
    REQUESTER: AccountId(b"\x66" * 32),
    PROVIDER.account: AccountId(b"\x77" * 32),
}


@pytest.mark.parametrize("operators", [{}, KEYS])
@pytest.mark.parametrize(("state", "kind"), PRESENT)
def test_a_call_is_for_its_role_alone_and_within_its_time(
    state: State, kind: type[Call], operators: dict[AccountId, AccountId]
) -> None:
    escrow = escrow_in(state)
    [turn] = [turn for turn in turns(escrow, CHAIN.params) if turn.call is kind]
    role = LEGAL[state][kind]
    who = allowed(escrow, role, operators)
    first = escrow.deadline if turn.since is None else turn.since
    at = at_block(first, operators=operators)
    step(escrow, call_of(kind, escrow, who), at)

    others = {REQUESTER, PROVIDER.account, STRANGER, PARTIES["arbiter"], *KEYS.values(), None}
    for other in others - {who}:
        call = call_of(kind, escrow, other)
        if role is Role.ANYONE and other is not None:
            step(escrow, call, at)
        elif role is Role.CHAIN_ARBITER or other is None:
            assert refusal(escrow, call, at) == "dispatch.BadOrigin"
        else:
            assert refusal(escrow, call, at) == "escrow.NotAllowed"

    call = call_of(kind, escrow, who)
    if turn.until is not None:
        late = at_block(turn.until + 1, operators=operators)
        assert refusal(escrow, call, late) == "escrow.TooLate"
    if turn.since is not None:
        early = at_block(turn.since - 1, operators=operators)
        assert refusal(escrow, call, early) in {"escrow.TooEarly", "escrow.Retained"}


# Written out by hand from the pallet's calls: `record.requester == who` or `is_operator`.
BY_ACCOUNT = {Cancel, RequestCancel, Release}
BY_REQUESTERS_KEY = {(State.DELIVERED, DisputeCall)}
BY_PROVIDERS_KEY = {Accept, Decline, Deliver, Refund} | {(State.ACCEPTED, DisputeCall)}


@pytest.mark.parametrize(("state", "kind"), PRESENT)
def test_after_a_rotation_money_is_the_accounts_and_work_is_the_new_keys(
    state: State, kind: type[Call]
) -> None:
    escrow = escrow_in(state)
    at = at_block(escrow.deadline, operators=KEYS)
    if kind in BY_ACCOUNT:
        caller = REQUESTER
    elif (state, kind) in BY_REQUESTERS_KEY:
        caller = KEYS[REQUESTER]
    elif {kind, (state, kind)} & BY_PROVIDERS_KEY:
        caller = KEYS[PROVIDER.account]
    else:
        assert kind in {Rule, ClaimTimeout, Prune}
        return
    step(escrow, call_of(kind, escrow, caller), at)
    parties = {REQUESTER, PROVIDER.account, *KEYS.values()}
    for other in parties - {caller}:
        assert refusal(escrow, call_of(kind, escrow, other), at) == "escrow.NotAllowed"


def test_a_record_is_kept_past_the_end_of_its_offer_too() -> None:
    cancelled = escrow_in(State.CANCELLED)
    assert cancelled.deadline < cancelled.valid_until
    kept = cancelled.valid_until + CHAIN.params.retention
    assert refusal(cancelled, Prune(STRANGER), at_block(kept)) == "escrow.Retained"
    pruned, _ = step(cancelled, Prune(STRANGER), at_block(kept + 1))
    assert pruned is None


def test_of_an_odd_deposit_the_winner_gets_the_planck_more() -> None:
    price = Planck(OFFER.price + 10)
    offer = attrs.evolve(OFFER, price=price, milestones=(price,))
    escrow = escrow_in(State.DISPUTED, offer)
    deposit = escrow.dispute_deposit
    assert deposit % 2 == 1
    arbiter, provider = PARTIES["arbiter"], PROVIDER.account
    _, won = step(escrow, Rule(arbiter, 8_000), CHAIN)
    assert Pay(REQUESTER, arbiter, Planck(deposit // 2)) in won
    assert Pay(REQUESTER, provider, Planck(deposit // 2 + 1)) in won
    _, lost = step(escrow, Rule(arbiter, 2_000), CHAIN)
    assert Draw(provider, Planck(deposit // 2), arbiter) in lost
    assert Draw(provider, Planck(deposit // 2 + 1), REQUESTER) in lost


@pytest.mark.parametrize("state", sorted(set(State) - TERMINAL, key=str))
def test_every_state_has_an_exit_for_both_sides_and_none_stays_for_ever(state: State) -> None:
    roles = LEGAL[state]
    assert roles[ClaimTimeout] is Role.ANYONE
    exits = {kind for kind in roles if kind in {Decline, Cancel, Refund, Release, ClaimTimeout}}
    assert len(exits) >= 2
    escrow: Escrow | None = escrow_in(state)
    for _ in range(4):
        assert escrow is not None
        if escrow.state in TERMINAL:
            break
        escrow, _ = step(escrow, ClaimTimeout(STRANGER), at_block(escrow.deadline + 1))
    assert escrow is not None
    assert escrow.state in TERMINAL


def test_a_call_by_no_account_is_refused_before_the_escrow_is_looked_up() -> None:
    assert refusal(None, Release(None), CHAIN) == "dispatch.BadOrigin"


def test_where_no_arbiter_is_named_only_the_chains_own_rules() -> None:
    escrow = escrow_in(State.DISPUTED, attrs.evolve(OFFER, arbiter=None))
    assert refusal(escrow, Rule(PARTIES["arbiter"], 1), CHAIN) == "dispatch.BadOrigin"
    ruled, _ = step(escrow, Rule(None, 1), CHAIN)
    assert ruled is not None
    assert (ruled.state, ruled.ruling) == (State.RULED, 1)


@pytest.mark.parametrize("bps", [-1, 10_001, 65_535])
def test_a_ruling_beyond_the_whole_is_refused_even_without_an_escrow(bps: int) -> None:
    assert refusal(None, Rule(None, bps), CHAIN) == "escrow.BadRuling"


def test_each_party_has_its_own_reasons_to_dispute() -> None:
    early, late = escrow_in(State.ACCEPTED), escrow_in(State.DELIVERED)
    for reason in (Reason.RESULT_WRONG, Reason.RESULT_WITHHELD):
        call = DisputeCall(PROVIDER.account, reason, EVIDENCE)
        assert refusal(early, call, CHAIN) == "escrow.BadReason"
    call = DisputeCall(REQUESTER, Reason.INPUT_WITHHELD, EVIDENCE)
    assert refusal(late, call, CHAIN) == "escrow.BadReason"


def test_a_deadline_stops_at_the_last_block_of_the_chain() -> None:
    last = attrs.evolve(CHAIN, now=BlockNumber(MAX_BLOCK))
    escrow, _ = open_escrow(attrs.evolve(OFFER, valid_until=MAX_BLOCK), REQUESTER, last)
    assert escrow.deadline == MAX_BLOCK
    accepted, _ = step(escrow, Accept(PROVIDER.account, escrow.offer_hash), last)
    assert accepted is not None
    assert accepted.deadline == MAX_BLOCK


def entry_refusal(offer: Offer, by: AccountId | None, at: Chain, last: Escrow | None) -> str:
    variants = set[str]()
    for opening in (
        lambda: open_escrow(offer, by, at, last),
        lambda: open_with_offer(offer, sign_offer(OFFER, PROVIDER), by, at, last),
    ):
        with pytest.raises(RefusedError) as caught:
            opening()
        variants.add(caught.value.variant)
    [variant] = variants
    return variant


@pytest.mark.parametrize(
    ("changes", "variant"),
    [
        ({"requester": STRANGER}, "NotAllowed"),
        ({"genesis": GenesisHash(bytes(32))}, "WrongChain"),
        ({"provider": REQUESTER}, "SameParty"),
        ({"price": OFFER.price + 1}, "BadMilestones"),
        ({"milestones": (), "price": 0}, "BadMilestones"),
        ({"milestones": (OFFER.price, 0)}, "BadMilestones"),
        ({"milestones": (OFFER.price - 10**9 + 1, 10**9 - 1)}, "BadMilestones"),
        ({"deliver_within": 0}, "BadPeriod"),
        ({"deliver_within": 21}, "BadPeriod"),
        ({"milestones": (OFFER.price // 2,) * 2, "deliver_within": 11}, "BadPeriod"),
        ({"review_blocks": 1}, "BadPeriod"),
        ({"review_blocks": 21}, "BadPeriod"),
        ({"valid_until": 0}, "BadValidity"),
        ({"valid_until": 22}, "BadValidity"),
        ({"offer_epoch": 1}, "Revoked"),
        ({"arbiter": REQUESTER}, "BadArbiter"),
        ({"arbiter": PROVIDER.account}, "BadArbiter"),
        ({"arbiter": STRANGER}, "BadArbiter"),
        ({"attempt": 1}, "BadAttempt"),
    ],
)
def test_both_ways_of_opening_refuse_the_same_offers(changes: dict[str, Any], variant: str) -> None:
    at = attrs.evolve(CHAIN, arbiters=CHAIN.arbiters | {REQUESTER, PROVIDER.account})
    assert entry_refusal(attrs.evolve(OFFER, **changes), REQUESTER, at, None) == variant


@pytest.mark.parametrize("changes", [{"valid_until": 1}, {"valid_until": 21}, {"review_blocks": 2}])
def test_an_offer_at_the_edge_of_what_is_allowed_opens(changes: dict[str, Any]) -> None:
    open_escrow(attrs.evolve(OFFER, **changes), REQUESTER, CHAIN)


def test_nobody_opens_without_an_account() -> None:
    assert entry_refusal(OFFER, None, CHAIN, None) == "BadOrigin"


@pytest.mark.parametrize("state", sorted(State, key=str))
def test_a_new_attempt_needs_the_last_one_ended_and_unpaid(state: State) -> None:
    last = escrow_in(state)
    again = attrs.evolve(OFFER, attempt=1)
    if state in TERMINAL and last.paid == 0:
        opened, _ = open_escrow(again, REQUESTER, CHAIN, last)
        assert opened.attempt == 1
        assert entry_refusal(OFFER, REQUESTER, CHAIN, last) == "BadAttempt"
    else:
        assert entry_refusal(again, REQUESTER, CHAIN, last) == "TaskTaken"


def test_no_attempt_follows_the_last_that_can_be_counted() -> None:
    last = attrs.evolve(escrow_in(State.CANCELLED), attempt=255)
    for attempt in (0, 255):
        offer = attrs.evolve(OFFER, attempt=attempt)
        assert entry_refusal(offer, REQUESTER, CHAIN, last) == "BadAttempt"


def test_a_signed_offer_binds_both_at_once() -> None:
    escrow, effects = open_with_offer(OFFER, sign_offer(OFFER, PROVIDER), REQUESTER, CHAIN)
    assert (escrow.state, escrow.slash_base) == (State.ACCEPTED, BASE)
    assert escrow.deadline == CHAIN.now + OFFER.deliver_within
    assert effects[-1] == TakeOn(PROVIDER.account, OFFER.price)


def test_a_signature_counts_while_its_key_is_the_operators() -> None:
    signature = sign_offer(OFFER, PROVIDER)
    rotated = attrs.evolve(CHAIN, operators=KEYS)
    with pytest.raises(RefusedError, match=r"escrow\.BadSignature"):
        open_with_offer(OFFER, signature, REQUESTER, rotated)


@pytest.mark.parametrize(
    "flags",
    [
        {"compromised": frozenset({REQUESTER})},
        {"compromised": frozenset({PROVIDER.account})},
        {"registered": frozenset[AccountId]()},
    ],
)
def test_who_is_flagged_or_unknown_is_not_bound(flags: dict[str, Any]) -> None:
    at = attrs.evolve(CHAIN, **flags)
    with pytest.raises(RefusedError, match=r"escrow\.MayNotCommit"):
        open_with_offer(OFFER, sign_offer(OFFER, PROVIDER), REQUESTER, at)
    if REQUESTER not in at.compromised:
        escrow = escrow_in(State.OPEN)
        accept = Accept(PROVIDER.account, escrow.offer_hash)
        assert refusal(escrow, accept, at) == "escrow.MayNotCommit"


def test_what_bonds_and_scores_refuse_leaves_the_escrow_open() -> None:
    def take_on(provider: AccountId, amount: Planck) -> Planck:
        raise RefusedError("reputation", "ExposureExceeded")

    escrow = escrow_in(State.OPEN)
    accept = Accept(PROVIDER.account, escrow.offer_hash)
    at = attrs.evolve(CHAIN, take_on=take_on)
    assert refusal(escrow, accept, at) == "reputation.ExposureExceeded"


def test_revoking_raises_the_epoch_until_none_is_left() -> None:
    assert revoke_offers(0) == 1
    at = attrs.evolve(CHAIN, offer_epochs={PROVIDER.account: 1})
    assert entry_refusal(OFFER, REQUESTER, at, None) == "Revoked"
    with pytest.raises(RefusedError, match=r"escrow\.Overflow"):
        revoke_offers(MAX_BLOCK)
