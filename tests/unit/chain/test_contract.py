"""The typed client is held to the runtime's own description of itself."""

import copy
from typing import Any

import pytest

from chain.contract import differences
from chain.devchain.chain import DevChain


@pytest.fixture
def metadata(devchain: DevChain) -> Any:
    return devchain.metadata()._metadata


def test_the_client_and_the_runtime_agree_on_every_call_event_item_and_error(metadata: Any) -> None:
    assert differences(metadata) == []


class _Changed:
    """The metadata with one thing changed in it."""

    def __init__(self, metadata: Any) -> None:
        self.portable_registry = _Value(copy.deepcopy(metadata.portable_registry.value))
        self.pallets = [_Pallet(pallet) for pallet in metadata.pallets]

    def variant(self, pallet: str, kind: str, name: str) -> dict[str, Any]:
        [found] = [p for p in self.pallets if p.value["name"] == pallet]
        [each] = [v.value for v in getattr(found, kind) if v.value["name"] == name]
        assert isinstance(each, dict)
        return each


class _Value:
    def __init__(self, value: Any) -> None:
        self.value = value


class _Pallet:
    def __init__(self, pallet: Any) -> None:
        self.value = pallet.value
        for kind in ("calls", "events", "errors"):
            setattr(
                self, kind, [_Value(copy.deepcopy(v.value)) for v in getattr(pallet, kind) or ()]
            )


def test_a_renamed_call_is_found_on_both_sides(metadata: Any) -> None:
    changed = _Changed(metadata)
    changed.variant("Escrow", "calls", "release")["name"] = "settle"
    assert differences(changed) == [
        "call Escrow.release: the runtime has none",
        "call Escrow.settle: this client has none",
    ]


def test_a_changed_argument_type_is_found(metadata: Any) -> None:
    changed = _Changed(metadata)
    release = changed.variant("Escrow", "calls", "release")
    release["fields"][0]["type"] = changed.variant("Reputation", "calls", "bond")["fields"][0][
        "type"
    ]
    [found] = differences(changed)
    assert found == (
        "call Escrow.release: we have {'escrow': 'u64'}, the runtime has {'escrow': 'u128'}"
    )


def test_a_new_error_without_a_next_action_is_found(metadata: Any) -> None:
    changed = _Changed(metadata)
    changed.variant("Escrow", "errors", "Overflow")["name"] = "Undreamt"
    assert differences(changed) == [
        "error Escrow.Undreamt: no next action",
        "error Escrow.Overflow: the runtime has none",
    ]


def test_an_error_whose_meaning_has_changed_is_found(metadata: Any) -> None:
    changed = _Changed(metadata)
    changed.variant("Escrow", "errors", "Overflow")["docs"] = ["The sky", "is the limit.", ""]
    [found] = differences(changed)
    assert "the runtime 'The sky is the limit.'" in found


def test_a_renamed_event_field_is_found(metadata: Any) -> None:
    changed = _Changed(metadata)
    changed.variant("Escrow", "events", "Ended")["fields"][2]["name"] = "sum"
    [found] = differences(changed)
    assert found.startswith("event Escrow.Ended: we have")


def test_a_field_that_is_added_deep_in_a_stored_record_is_found(metadata: Any) -> None:
    changed = _Changed(metadata)
    for each in changed.portable_registry.value["types"]:
        if each["type"]["path"][-1:] == ["Dispute"]:
            fields = each["type"]["def"]["composite"]["fields"]
            fields.append({**fields[0], "name": "added"})
    [found] = differences(changed)
    assert found.startswith("item Escrow.Escrows: we have")
