"""What keys sign besides extrinsics, held to the bytes that the pallets write."""

import json
from typing import Any

import attrs
import pytest

from chain.errors import UsageError
from chain.payloads import MultiSignature, Offer, operator_payload
from chain.signing import signer_from_seed
from chain.units import AttemptNumber, Blocks, OfferEpoch
from market.hashing import GenesisHash, Hash, TaskId
from market.identity import AccountId
from market.units import BlockNumber, Planck
from tests.support.vectors import VECTORS

FILE = json.loads((VECTORS / "offer.json").read_text())
CASES = FILE["offers"]


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def offer_of(case: dict[str, Any]) -> Offer:
    of = case["offer"]
    return Offer(
        genesis=GenesisHash(_bytes(of["genesis"])),
        requester=AccountId(_bytes(of["requester"])),
        provider=AccountId(_bytes(of["provider"])),
        task_id=TaskId(_bytes(of["task_id"])),
        attempt=AttemptNumber(of["attempt"]),
        price=Planck(int(of["price"])),
        milestones=tuple(Planck(int(amount)) for amount in of["milestones"]),
        input_hash=Hash(_bytes(of["input_hash"])),
        slot=Hash(_bytes(of["slot"])),
        terms=Hash(_bytes(of["terms"])),
        arbiter=None if of["arbiter"] is None else AccountId(_bytes(of["arbiter"])),
        deliver_within=Blocks(of["deliver_within"]),
        review_blocks=Blocks(of["review_blocks"]),
        valid_until=BlockNumber(of["valid_until"]),
        offer_epoch=OfferEpoch(of["offer_epoch"]),
    )


@pytest.mark.parametrize("case", CASES)
def test_an_offer_is_encoded_hashed_and_signed_as_the_pallet_does(case: dict[str, Any]) -> None:
    offer = offer_of(case)
    assert offer.encode() == _bytes(case["encoded"])
    assert offer.hash() == _bytes(case["hash"])
    assert offer.signing_payload() == _bytes(case["payload"])
    signer = signer_from_seed(_bytes(FILE["seed"]))
    assert signer.sign(offer.signing_payload()).signature == _bytes(case["ed25519"])


def test_what_does_not_fit_its_type_is_refused_before_it_is_hashed() -> None:
    offer = offer_of(CASES[0])
    for wrong in (
        attrs.evolve(offer, price=Planck(2**128)),
        attrs.evolve(offer, price=Planck(-1)),
        attrs.evolve(offer, attempt=AttemptNumber(256)),
        attrs.evolve(offer, slot=Hash(b"short")),
        attrs.evolve(offer, milestones=(Planck(1),) * 9),
    ):
        with pytest.raises(UsageError):
            wrong.encode()


def test_a_proof_of_an_operator_key_is_bound_to_chain_agent_and_key() -> None:
    one, two, three = (bytes([n]) * 32 for n in (1, 2, 3))
    payload = operator_payload(GenesisHash(one), AccountId(two), AccountId(three))
    assert payload.startswith(b"ainur/1/operator\0")
    others = {
        operator_payload(GenesisHash(a), AccountId(b), AccountId(c))
        for a, b, c in ((two, two, three), (one, one, three), (one, two, two))
    }
    assert payload not in others
    assert len(others) == 3


def test_a_signature_of_another_length_is_refused() -> None:
    with pytest.raises(UsageError, match="64 bytes"):
        MultiSignature("ed25519", b"\0" * 65)
