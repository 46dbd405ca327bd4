"""What keys sign besides extrinsics, held to the bytes that the pallets write."""

import json
from typing import Any

import pytest

from chain.errors import UsageError
from chain.payloads import MultiSignature, operator_payload
from chain.signing import signer_from_seed
from market.hashing import GenesisHash
from market.identity import AccountId
from market.offer import decode_offer_untrusted, offer_payload
from tests.support.vectors import VECTORS

FILE = json.loads((VECTORS / "offer.json").read_text())


@pytest.mark.parametrize("case", FILE["offers"])
def test_an_offer_is_signed_as_the_pallet_does(case: dict[str, Any]) -> None:
    signer = signer_from_seed(bytes.fromhex(FILE["seed"].removeprefix("0x")))
    payload = offer_payload(
        decode_offer_untrusted(bytes.fromhex(case["encoded"].removeprefix("0x")))
    )
    assert f"0x{signer.sign(payload).signature.hex()}" == case["ed25519"]


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
