"""Money in an escrow: whatever is called when, what was held goes somewhere, and all of it."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.errors import RefusedError
from market.escrow.calls import LEGAL, Burn, Effect, Hold, Pay
from market.escrow.entries import open_escrow
from market.escrow.machine import step
from market.escrow.money import carry_out
from market.escrow.record import TERMINAL, Escrow, State
from market.ledger import HoldReason
from market.offer import Offer
from market.standing import TakeOn, Terminal
from market.units import AINU, Planck, block_after
from tests.support.mirror import (
    CHAIN,
    ESCROW,
    LABELS,
    PARTIES,
    escrow_call,
    ledger,
    offer_from,
)

pytestmark = pytest.mark.property

BOUNDARY_BPS = [0, 1, 1_999, 2_000, 2_001, 5_000, 7_999, 8_000, 9_999, 10_000]
_amounts = st.one_of(
    st.sampled_from([10**9, 10**9 + 1, 10**9 + 49, 10**9 + 50, AINU - 1, AINU, 10 * AINU + 7]),
    st.integers(10**9, 100 * AINU),
)
_steps = st.lists(
    st.tuples(
        st.integers(0, 10**6),
        st.sampled_from(["now", "deadline", "after"]),
        st.sampled_from(BOUNDARY_BPS),
    ),
    max_size=40,
)


@st.composite
def _offers(draw: st.DrawFn) -> Offer:
    milestones = tuple(Planck(m) for m in draw(st.lists(_amounts, min_size=1, max_size=8)))
    return attrs.evolve(
        offer_from(ESCROW["sequences"][0]["offer"]),
        milestones=milestones,
        price=Planck(sum(milestones)),
        deliver_within=2,
        arbiter=draw(st.sampled_from([PARTIES["arbiter"], None])),
    )


def _pick(escrow: Escrow, choice: int) -> str:
    """Return a call that the state has; the others are the table test's, and would end no walk."""
    labels = [label for label in LABELS if type(escrow_call(label, escrow)) in LEGAL[escrow.state]]
    return labels[choice % len(labels)]


@given(offer=_offers(), steps=_steps)
def test_nothing_held_is_lost_or_made_whatever_is_called(
    offer: Offer, steps: list[tuple[int, str, int]]
) -> None:
    escrow: Escrow | None
    escrow, effects = open_escrow(offer, offer.requester, CHAIN)
    books = carry_out(ledger(), effects)
    start = books.held_of(HoldReason.ESCROW, offer.requester)
    seen: list[Effect] = list(effects)
    now = CHAIN.now
    for choice, when, bps in steps:
        if escrow is None:
            break
        label = _pick(escrow, choice)
        deadline = escrow.deadline
        if escrow.state in TERMINAL:
            deadline = block_after(max(deadline, escrow.valid_until), CHAIN.params.retention)
        later = {"now": now, "deadline": deadline, "after": block_after(deadline, 1)}
        now = max(now, later[when])
        before = attrs.asdict(escrow)
        previous = escrow
        try:
            escrow, effects = step(
                escrow, escrow_call(label, escrow, bps), attrs.evolve(CHAIN, now=now)
            )
        except RefusedError:
            assert attrs.asdict(previous) == before
            continue
        seen += effects
        assert all(e.amount >= 0 for e in effects if isinstance(e, Pay | Burn | Hold))
        books = carry_out(books, effects)
        held = books.held_of(HoldReason.ESCROW, offer.requester)
        assert held == (0 if escrow is None else escrow.held(CHAIN.params))
        gone = sum(e.amount for e in seen if isinstance(e, Pay | Burn))
        assert held + gone == start
        assert sum(books.free.values()) + held == books.issued
        if escrow is not None:
            assert 0 <= escrow.paid <= escrow.price
    bound = sum(isinstance(e, TakeOn) for e in seen)
    ended = escrow is None or escrow.state in TERMINAL
    assert sum(isinstance(e, Terminal) for e in seen) == (bound if ended else 0)


@given(offer=_offers())
def test_silence_after_a_delivery_pays_the_price_and_burns_the_fee_of_each_milestone(
    offer: Offer,
) -> None:
    escrow: Escrow | None
    escrow, effects = open_escrow(offer, offer.requester, CHAIN)
    books, now = carry_out(ledger(), effects), CHAIN.now
    rich = books.free_of(offer.provider)
    for label in ("accept", *("deliver", "claim_timeout") * len(offer.milestones)):
        assert escrow is not None
        if label == "claim_timeout":
            now = block_after(escrow.deadline, 1)
        call = escrow_call(label, escrow)
        escrow, effects = step(escrow, call, attrs.evolve(CHAIN, now=now))
        books = carry_out(books, effects)
    assert escrow is not None
    assert escrow.state is State.RELEASED
    assert books.free_of(offer.provider) - rich == offer.price
    fees = sum(CHAIN.params.fee(unit) for unit in offer.milestones)
    assert ledger().issued - books.issued == fees
