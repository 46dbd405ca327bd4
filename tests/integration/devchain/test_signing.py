import pytest

from chain.devchain.chain import DevChain
from chain.devchain.errors import UsageError
from chain.devchain.signing import Scheme, account, signed
from tests.support.extrinsics import UNIT, Key, sign, transfer

pytestmark = [pytest.mark.integration, pytest.mark.chain]


@pytest.mark.parametrize("scheme", ["sr25519", "ed25519"])
@pytest.mark.parametrize("name", ["Alice", "Ferdie"])
def test_accounts_are_the_well_known_ones(name: str, scheme: Scheme) -> None:
    assert account(name, scheme).public == Key(name, scheme).public


def test_an_extrinsic_made_by_names_is_the_one_encoded_by_hand(chain: DevChain) -> None:
    # ed25519 signs the same bytes alike each time.
    bob = account("Bob")
    made = signed(
        chain,
        account("Alice", "ed25519"),
        "Balances",
        "transfer_allow_death",
        {"dest": bob.public, "value": UNIT},
        tip=7,
    )
    by_hand = sign(chain, Key("Alice", "ed25519"), transfer(chain, Key("Bob"), UNIT), 0, tip=7)
    assert made == by_hand


def test_nonces_count_on_over_what_waits_in_the_pool(chain: DevChain) -> None:
    alice = account("Alice")
    for _ in range(3):
        chain.submit(signed(chain, alice, "System", "remark", {"remark": b"hello"}))
    assert len(chain.build().extrinsics) == 4
    chain.submit(signed(chain, alice, "System", "remark", {"remark": bytes(1000)}))
    assert len(chain.build().extrinsics) == 2


@pytest.mark.parametrize(
    ("pallet", "call", "arguments"),
    [
        ("Nowhere", "remark", {}),
        ("System", "unheard_of", {}),
        ("System", "remark", {}),
        ("Balances", "transfer_allow_death", {"dest": b"short", "value": 1}),
    ],
)
def test_a_call_that_cannot_be_encoded_says_so(
    chain: DevChain, pallet: str, call: str, arguments: dict[str, object]
) -> None:
    with pytest.raises(UsageError, match=f"{pallet}.{call}"):
        signed(chain, account("Alice"), pallet, call, arguments)
