"""Refusals of the chain as exceptions."""

import pytest

from chain.devchain.chain import DevChain
from chain.errors import DispatchError, EscrowError, Fault, FrameError, TokenError, dispatch_error
from chain.events import Event, Other
from chain.outcome import refusal_in
from chain.refusals import REFUSALS


@pytest.mark.parametrize(
    ("pallet", "variant"), [(p, v) for p, variants in REFUSALS.items() for v in variants]
)
def test_every_refusal_has_a_class_and_carries_pallet_variant_call_fault_and_next_action(
    pallet: str, variant: str
) -> None:
    error = dispatch_error(pallet, variant, "Escrow.release")
    assert type(error) is not DispatchError
    assert (error.pallet, error.variant, error.call) == (pallet, variant, "Escrow.release")
    assert isinstance(error.fault, Fault)
    assert error.next_action.endswith(".")
    assert f"{pallet}.{variant}" in str(error)
    assert error.next_action in str(error)


def test_a_refusal_that_is_unknown_here_still_says_what_it_is_and_what_to_do() -> None:
    error = dispatch_error("Undreamt", "Of", "Undreamt.call")
    assert (error.pallet, error.variant) == ("Undreamt", "Of")
    assert "compare the runtime's version" in error.next_action


@pytest.mark.parametrize(
    ("raw", "kind", "variant"),
    [
        ({"Module": {"index": 12, "error": "0x02000000"}}, EscrowError, "WrongState"),
        ({"Token": "FundsUnavailable"}, TokenError, "FundsUnavailable"),
        ("ConsumerRemaining", FrameError, "ConsumerRemaining"),
        ("BadOrigin", FrameError, "BadOrigin"),
    ],
)
def test_what_the_library_leaves_without_a_message_is_decoded(
    devchain: DevChain, raw: object, kind: type[DispatchError], variant: str
) -> None:
    metadata = devchain.metadata()._metadata
    for event in (
        Other("System", "ExtrinsicFailed", {"dispatch_error": raw, "dispatch_info": {}}),
        Other("Sudo", "Sudid", {"sudo_result": {"Err": raw}}),
    ):
        events: list[Event | Other] = [Other("Balances", "Withdraw", {}), event]
        error = refusal_in(events, "Escrow.release", metadata)
        assert type(error) is kind
        assert error is not None
        assert error.variant == variant


def test_a_success_is_no_refusal(devchain: DevChain) -> None:
    events: list[Event | Other] = [
        Other("Sudo", "Sudid", {"sudo_result": {"Ok": None}}),
        Other("System", "ExtrinsicSuccess", {}),
    ]
    assert refusal_in(events, "Escrow.rule", devchain.metadata()._metadata) is None
