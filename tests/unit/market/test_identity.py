"""Names of people: keys, PeerIds, addresses."""

import base58
import pytest
from nacl import bindings

from market.errors import UsageError
from market.identity import (
    AccountId,
    Identity,
    account_from_ss58,
    is_sound_key,
    is_valid_signature,
    key_from_peer_id,
    peer_id_from_key,
    ss58_from_account,
)
from tests.support.contracts import SMALL_ORDER_KEYS, L
from tests.support.samples import ALICE, BOB

# Known elsewhere: Substrate's well-known //Alice (sr25519 key, but SS58 sees only bytes), and the
# first test vector of RFC 8032, section 7.1.
SUBSTRATE_ALICE = bytes.fromhex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d")
RFC_SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
RFC_KEY = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")


def test_address_is_the_one_substrate_gives() -> None:
    address = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
    assert ss58_from_account(AccountId(SUBSTRATE_ALICE)) == address
    assert account_from_ss58(address) == SUBSTRATE_ALICE


def test_seed_gives_the_key_and_signature_of_rfc_8032() -> None:
    who = Identity.from_seed(RFC_SEED)
    assert who.key == RFC_KEY
    assert who.sign(b"").hex().startswith("e5564300c360ac729086e2cc806e828a")


def test_peer_id_is_the_one_of_the_libp2p_specification() -> None:
    # github.com/libp2p/specs, peer-ids: the ed25519 example key and its PeerId's bytes.
    key = bytes.fromhex("1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e")
    peer = peer_id_from_key(Identity.from_seed(RFC_SEED).key)
    assert peer.startswith("12D3KooW")
    assert base58.b58decode(peer) == bytes.fromhex("002408011220") + RFC_KEY
    assert key_from_peer_id(base58.b58encode(bytes.fromhex("002408011220") + key).decode()) == key


def test_one_seed_gives_one_key_for_peer_and_account() -> None:
    assert ALICE.account == ALICE.key == key_from_peer_id(ALICE.peer)


def test_rotated_identity_keeps_its_account_and_changes_its_peer() -> None:
    rotated = Identity.from_seed(b"\x09" * 32, account=ALICE.account)
    assert rotated.account == ALICE.account
    assert rotated.peer != ALICE.peer


def test_seed_does_not_show_in_repr() -> None:
    assert "01010101" not in repr(ALICE)
    assert "SigningKey" not in repr(ALICE)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "5",
        "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ",  # a mistyped last letter
        "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5",  # Polkadot's own prefix
        "0GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",  # no base58
        "é" * 48,
        "1" * 5000,
        ALICE.peer,
    ],
)
def test_wrong_address_is_refused_with_a_reason(address: str) -> None:
    with pytest.raises(UsageError):
        account_from_ss58(address)


@pytest.mark.parametrize(
    "peer",
    ["", "12D3KooW", "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N", "l0O", ALICE.peer + "1"],
)
def test_wrong_peer_id_is_refused(peer: str) -> None:
    with pytest.raises(UsageError):
        key_from_peer_id(peer)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_wrong_lengths_are_refused(length: int) -> None:
    for use in (Identity.from_seed, peer_id_from_key, ss58_from_account):
        with pytest.raises(UsageError):
            use(bytes(length))  # type: ignore[operator]


@pytest.mark.parametrize("key", SMALL_ORDER_KEYS)
def test_small_order_key_is_unsound_and_its_forgery_fails(key: str) -> None:
    point = bytes.fromhex(key)
    assert not is_sound_key(point)
    assert not is_valid_signature(point, b"anything", point + bytes(32))


def test_key_with_a_small_order_part_is_unsound() -> None:
    torsion = bytes.fromhex(SMALL_ORDER_KEYS[2])
    mixed = bindings.crypto_core_ed25519_add(ALICE.key, torsion)
    assert not is_sound_key(mixed)
    assert is_sound_key(ALICE.key)


def test_signature_has_one_form_only() -> None:
    signature = ALICE.sign(b"message")
    s = int.from_bytes(signature[32:], "little")
    malleated = signature[:32] + (s + L).to_bytes(32, "little")
    assert is_valid_signature(ALICE.key, b"message", signature)
    assert not is_valid_signature(ALICE.key, b"message", malleated)
    assert not is_valid_signature(ALICE.key, b"message", signature[:63])
    assert not is_valid_signature(BOB.key, b"message", signature)
