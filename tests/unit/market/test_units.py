"""Amounts as people write them."""

import pytest

from market.errors import UsageError
from market.units import MAX_AMOUNT, format_amount, parse_amount


@pytest.mark.parametrize(
    ("text", "planck"),
    [
        ("0.02 AINU", 2 * 10**10),
        ("1AINU", 10**12),
        ("0.000000000001 AINU", 1),
        ("7 planck", 7),
        (f"{MAX_AMOUNT} planck", MAX_AMOUNT),
    ],
)
def test_amount_is_read_exactly(text: str, planck: int) -> None:
    assert parse_amount(text) == planck


@pytest.mark.parametrize(
    "text",
    ["", "1", "1.5 planck", "-1 AINU", "1e3 AINU", "0.0000000000001 AINU", "9223373 AINU", "1 ainu",
     f"{MAX_AMOUNT + 1} planck", "1,5 AINU", "٣ AINU."],
)  # fmt: skip
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_amount(text)


@pytest.mark.parametrize("planck", [0, 1, 10**12 - 1, 10**12, 15 * 10**11, MAX_AMOUNT])
def test_written_amount_reads_back(planck: int) -> None:
    assert parse_amount(format_amount(planck)) == planck


def test_debt_is_written_with_its_sign() -> None:
    assert format_amount(-5 * 10**11) == "-0.5 AINU"
