"""Which key signs what: the pallets take each call from one only."""

from typing import cast

import attrs
import pytest

from chain.signing import Signer, signer_from_seed
from market.escrow import calls as rules
from market.escrow.record import Reason
from market.hashing import Hash
from market.identity import AccountId
from market.offer import Offer
from market.origins import Origin
from market.ports import Submission
from market.settlement.effects import OnEscrow, OpenEscrow
from market.standing import EscrowId
from node.trade.submissions import signer_of

HASH = Hash(bytes(32))
BY = cast("Origin", AccountId(bytes(32)))


@attrs.frozen
class Keys:
    account: Signer = signer_from_seed(bytes([1]) * 32)
    operator: Signer = signer_from_seed(bytes([2]) * 32)


def on_escrow(call: rules.Call) -> Submission:
    return OnEscrow(EscrowId(0), call)


OF_THE_ACCOUNT = {
    "open": OpenEscrow(cast("Offer", None), None),
    "cancel": on_escrow(rules.Cancel(BY)),
    "request_cancel": on_escrow(rules.RequestCancel(BY)),
    "release": on_escrow(rules.Release(BY)),
    "rule": on_escrow(rules.Rule(BY, 5_000)),
}
OF_THE_OPERATOR = {
    "accept": on_escrow(rules.Accept(BY, HASH)),
    "decline": on_escrow(rules.Decline(BY)),
    "deliver": on_escrow(rules.Deliver(BY, HASH)),
    "refund": on_escrow(rules.Refund(BY)),
    "dispute": on_escrow(rules.DisputeCall(BY, Reason.RESULT_WRONG, HASH)),
}


@pytest.mark.parametrize("call", OF_THE_ACCOUNT)
def test_the_account_signs_what_moves_its_money(call: str) -> None:
    keys = Keys()
    assert signer_of(OF_THE_ACCOUNT[call], keys) == keys.account


@pytest.mark.parametrize("call", OF_THE_OPERATOR)
def test_the_operator_key_signs_a_providers_calls_and_either_sides_dispute(call: str) -> None:
    keys = Keys()
    assert signer_of(OF_THE_OPERATOR[call], keys) == keys.operator
