"""Keys that sign for accounts."""

import pytest
import sr25519

from chain.errors import UsageError
from chain.signing import development_signer, signer_from_identity, signer_from_seed
from market.identity import Identity, is_valid_signature, ss58_from_account

SEED = bytes(range(32))


def test_a_seed_gives_the_account_of_its_ed25519_key() -> None:
    signer = signer_from_seed(SEED)
    assert signer.account == Identity.from_seed(SEED).account
    assert is_valid_signature(signer.account, b"message", signer.sign(b"message").signature)
    assert not signer.is_development


def test_a_seed_gives_the_account_of_its_sr25519_key() -> None:
    signer = signer_from_seed(SEED, "sr25519")
    signature = signer.sign(b"message")
    assert signature.scheme == "sr25519"
    assert sr25519.verify(signature.signature, b"message", signer.account)


def test_an_identity_signs_for_the_account_of_its_key() -> None:
    identity = Identity.from_seed(SEED)
    signer = signer_from_identity(identity)
    assert signer.account == identity.key
    assert signer.sign(b"message").signature == identity.sign(b"message")


def test_the_development_accounts_are_those_that_every_tool_knows_and_are_marked() -> None:
    alice = development_signer("Alice")
    assert ss58_from_account(alice.account) == "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
    node = development_signer("Alice", "ed25519")
    assert ss58_from_account(node.account) == "5FA9nQDVg267DEd8m1ZypXLBnvN7SFxYwV7ndqSYGiN9TTpu"
    assert alice.is_development
    assert node.is_development
    assert is_valid_signature(node.account, b"m", node.sign(b"m").signature)


def test_no_secret_is_shown() -> None:
    assert "sign" not in repr(signer_from_seed(SEED, "sr25519"))


def test_a_seed_of_another_length_is_refused() -> None:
    with pytest.raises(UsageError, match="32 bytes"):
        signer_from_seed(b"short")
