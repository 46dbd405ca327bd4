"""Offers and agreements: the chain's bytes, and signatures that do and do not count."""

from typing import Any

import attrs
import msgspec
import pytest

from market.agreement import countersign, hash_terms, propose, require_signed
from market.errors import AgreementError, DecodeError, UsageError
from market.hashing import GenesisHash, Hash
from market.identity import Identity, PublicKey, Signature
from market.messages import Agreement
from market.offer import (
    NO_SLOT,
    Offer,
    decode_offer_untrusted,
    encode_offer,
    hash_offer,
    is_offer_signed_by,
    offer_payload,
    sign_offer,
)
from tests.support.mirror import load, offer_from, unhex
from tests.support.samples import ALICE, BOB, CAROL, GENESIS, TERMS, block

VECTORS: dict[str, Any] = load("offer")
ROWS: list[dict[str, Any]] = VECTORS["offers"]
PROVIDER = Identity.from_seed(bytes.fromhex(VECTORS["seed"][2:]))


def test_the_domain_is_the_one_of_the_chain() -> None:
    assert offer_payload(offer_from(ROWS[0]["offer"])).startswith(unhex(VECTORS["domain"]))
    assert PROVIDER.key == unhex(VECTORS["public"])


@pytest.mark.parametrize("row", ROWS)
def test_an_offer_has_the_bytes_hash_payload_and_signature_of_the_chain(
    row: dict[str, Any],
) -> None:
    offer = offer_from(row["offer"])
    assert encode_offer(offer) == unhex(row["encoded"])
    assert decode_offer_untrusted(unhex(row["encoded"])) == offer
    assert hash_offer(offer) == unhex(row["hash"])
    assert offer_payload(offer) == unhex(row["payload"])
    assert sign_offer(offer, PROVIDER) == unhex(row["ed25519"])
    assert is_offer_signed_by(offer, unhex(row["ed25519"]), PROVIDER.key)


@pytest.mark.parametrize(
    ("row", "why"), [(row, why) for row in ROWS for why in sorted(row["refused"])]
)
def test_a_signature_that_the_chain_refuses_does_not_count(row: dict[str, Any], why: str) -> None:
    offer = offer_from(row["offer"])
    assert not is_offer_signed_by(offer, unhex(row["refused"][why]), PROVIDER.key)


@pytest.mark.parametrize("row", ROWS)
def test_an_offer_that_ends_early_or_goes_on_is_refused(row: dict[str, Any]) -> None:
    data = unhex(row["encoded"])
    for length in range(len(data)):
        with pytest.raises(DecodeError):
            decode_offer_untrusted(data[:length])
    with pytest.raises(DecodeError):
        decode_offer_untrusted(data + b"\0")


def test_a_length_in_a_long_form_and_an_odd_option_are_refused() -> None:
    data = encode_offer(offer_from(ROWS[0]["offer"]))
    length_at, option_at = 4 * 32 + 1 + 16, 4 * 32 + 1 + 16 + 1 + 16 + 3 * 32
    for at, value in ((length_at, 4 << 2 | 1), (length_at, 9 << 2), (option_at, 2)):
        with pytest.raises(DecodeError):
            decode_offer_untrusted(data[:at] + bytes([value]) + data[at + 1 :])


@pytest.mark.parametrize("field", [field.name for field in attrs.fields(Offer)])
def test_no_field_of_an_offer_can_change_under_its_signature(field: str) -> None:
    offer = offer_from(ROWS[0]["offer"])
    value = getattr(offer, field)
    if isinstance(value, bytes):
        changed: object = bytes([value[0] ^ 1]) + value[1:]
    elif isinstance(value, tuple):
        changed = (*value, 1)
    else:
        changed = value + 1
    other = attrs.evolve(offer, **{field: changed})
    assert not is_offer_signed_by(other, sign_offer(offer, PROVIDER), PROVIDER.key)


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempt": 256},
        {"attempt": -1},
        {"price": 1 << 128},
        {"milestones": (1,) * 9},
        {"slot": b"short"},
        {"valid_until": 1 << 32},
    ],
)
def test_a_field_that_does_not_fit_is_our_own_mistake(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        encode_offer(attrs.evolve(offer_from(ROWS[0]["offer"]), **wrong))


def test_nobody_signs_an_offer_or_terms_for_another() -> None:
    with pytest.raises(UsageError):
        sign_offer(offer_from(ROWS[0]["offer"]), ALICE)
    with pytest.raises(UsageError):
        propose(TERMS, BOB)
    with pytest.raises(UsageError):
        countersign(propose(TERMS, ALICE), CAROL, **WHEN)


WHEN: dict[str, Any] = {"genesis": GENESIS, "valid_until": block(50), "offer_epoch": 3}
KEYS = {"requester": ALICE.key, "provider": BOB.key}


def signed() -> Agreement:
    return countersign(propose(TERMS, ALICE), BOB, **WHEN)


def reason(agreement: Agreement, genesis: GenesisHash = GENESIS, **keys: PublicKey) -> str:
    with pytest.raises(AgreementError) as caught:
        require_signed(agreement, genesis=genesis, **{**KEYS, **keys})
    return caught.value.reason


def test_an_agreement_with_both_signatures_gives_the_offer_that_names_its_terms() -> None:
    offer = require_signed(signed(), genesis=GENESIS, **KEYS)
    assert offer.terms == hash_terms(TERMS)
    assert offer.slot == NO_SLOT
    assert offer.input_hash == TERMS.input.hash
    assert (offer.valid_until, offer.offer_epoch) == (50, 3)


def test_each_missing_or_foreign_signature_is_named() -> None:
    agreement = signed()
    assert reason(propose(TERMS, ALICE)) == "unsigned"
    assert reason(agreement, requester=CAROL.key) == "requester"
    assert reason(agreement, provider=CAROL.key) == "provider"
    assert reason(agreement, genesis=GenesisHash(bytes(32))) == "offer"
    for change in ({"slot": Hash(b"\1" * 32)}, {"valid_until": 51}, {"offer_epoch": 4}):
        provider = msgspec.structs.replace(agreement.provider, **change)
        assert reason(msgspec.structs.replace(agreement, provider=provider)) == "offer"
    swapped = msgspec.structs.replace(
        agreement.provider, terms=Signature(agreement.provider.offer) if agreement.provider else b""
    )
    assert reason(msgspec.structs.replace(agreement, provider=swapped)) == "provider"


def test_other_terms_void_both_signatures() -> None:
    other = msgspec.structs.replace(TERMS, attempt=1)
    assert reason(msgspec.structs.replace(signed(), terms=other)) == "requester"
