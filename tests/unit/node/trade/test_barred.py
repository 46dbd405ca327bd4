from types import SimpleNamespace
from typing import Any, cast

import pytest

from market.auction.defaults import Default
from market.identity import AccountId
from market.units import BlockNumber
from node.trade.barred import Barred

WHO, OTHER = AccountId(b"w" * 32), AccountId(b"o" * 32)


def test_who_let_an_auction_down_is_barred_until_its_block_and_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [Default("withheld", WHO, b"proof")]
    monkeypatch.setattr("node.trade.barred.defaults_in", lambda *_: found)
    nothing = cast("Any", SimpleNamespace())
    barred = Barred()
    barred.note(nothing, nothing, BlockNumber(10))
    barred.note(nothing, nothing, BlockNumber(5))  # an older transcript shortens nothing
    found[:] = [Default("refused", OTHER, b"proof")]
    barred.note(nothing, nothing, BlockNumber(7))
    assert barred.at(BlockNumber(7)) == {WHO, OTHER}
    assert barred.at(BlockNumber(8)) == {WHO}
    assert barred.at(BlockNumber(10)) == {WHO}
    assert barred.at(BlockNumber(11)) == frozenset()
