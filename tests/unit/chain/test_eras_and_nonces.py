"""How long extrinsics live, and which nonces are in flight."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.eras import COVER_MILLIS, MAX_PERIOD, MIN_PERIOD, Era, compute_period
from chain.errors import UsageError
from chain.nonces import NonceLedger
from chain.units import Blocks, Nonce
from market.identity import AccountId
from market.units import BlockNumber

ALICE, BOB = AccountId(b"a" * 32), AccountId(b"b" * 32)


@pytest.mark.parametrize(
    ("millis", "blocks"),
    [(6_000, 64), (1_000, 64), (937, 128), (250, 256), (100, 1_024), (15, 4_096), (1, 4_096), (0, 4_096),
     (None, 4_096)],
)  # fmt: skip
def test_an_era_covers_a_minute_at_the_observed_rate(millis: float | None, blocks: int) -> None:
    assert compute_period(millis) == blocks


@given(st.floats(0.001, 10**6))
def test_a_period_is_a_power_of_two_within_bounds_and_covers_a_minute_if_any_does(
    millis: float,
) -> None:
    period = compute_period(millis)
    assert MIN_PERIOD <= period <= MAX_PERIOD
    assert period & (period - 1) == 0
    assert period == MAX_PERIOD or period * millis >= COVER_MILLIS


def test_an_era_that_the_chain_would_round_is_refused() -> None:
    for period in (0, 32, 65, 100, 8_192):
        with pytest.raises(UsageError, match="power of two"):
            Era(BlockNumber(1), Blocks(period))
    assert Era(BlockNumber(10), Blocks(64)).last == 73


def test_two_extrinsics_in_a_row_get_two_nonces_though_the_chain_knows_of_none() -> None:
    ledger = NonceLedger()
    assert [ledger.take(ALICE, Nonce(5)) for _ in range(3)] == [5, 6, 7]
    assert ledger.take(BOB, Nonce(5)) == 5


def test_a_nonce_that_is_given_back_leaves_a_gap_that_the_next_one_fills() -> None:
    ledger = NonceLedger()
    for _ in range(3):
        ledger.take(ALICE, Nonce(5))
    ledger.release(ALICE, Nonce(6))
    assert ledger.take(ALICE, Nonce(5)) == 6
    assert ledger.take(ALICE, Nonce(5)) == 8


def test_the_chain_is_believed_where_it_is_ahead_of_us() -> None:
    ledger = NonceLedger()
    ledger.take(ALICE, Nonce(5))
    assert ledger.take(ALICE, Nonce(9)) == 9


def test_a_nonce_that_is_not_in_flight_cannot_be_let_go_of() -> None:
    ledger = NonceLedger()
    ledger.adopt(ALICE, Nonce(1))
    with pytest.raises(UsageError):
        ledger.release(ALICE, Nonce(2))
    ledger.release(ALICE, Nonce(1))
    with pytest.raises(UsageError):
        ledger.release(ALICE, Nonce(1))


def test_a_gap_is_what_the_chain_waits_for_and_nobody_of_ours_holds() -> None:
    ledger = NonceLedger()
    ledger.adopt(ALICE, Nonce(7))
    assert ledger.gap_below(ALICE, Nonce(7), Nonce(6)) == 6
    assert ledger.gap_below(ALICE, Nonce(7), Nonce(7)) is None
    ledger.adopt(ALICE, Nonce(6))
    assert ledger.gap_below(ALICE, Nonce(7), Nonce(6)) is None


@given(st.lists(st.one_of(st.just(-1), st.integers(0, 5)), max_size=30))
def test_no_two_in_flight_ever_share_a_nonce(steps: list[int]) -> None:
    ledger, flying = NonceLedger(), []
    for step in steps:
        if step < 0:
            nonce = ledger.take(ALICE, Nonce(0))
            assert nonce not in flying
            assert nonce == min(set(range(len(flying) + 1)) - set(flying))
            flying.append(nonce)
        elif flying:
            ledger.release(ALICE, flying.pop(step % len(flying)))
