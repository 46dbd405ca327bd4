"""substrate-interface end to end: what the project's own chain client stands on."""

from collections.abc import Iterator
from typing import Any

import pytest
from substrateinterface import Keypair, SubstrateInterface
from substrateinterface.exceptions import SubstrateRequestException

from chain.devchain.rpc.sealer import MANUAL
from tests.support.rpc import Served, served

pytestmark = [pytest.mark.integration, pytest.mark.chain]
UNIT = 10**12
ALICE, BOB = (Keypair.create_from_uri(uri) for uri in ("//Alice", "//Bob"))


@pytest.fixture
def substrate(node: Served) -> Iterator[SubstrateInterface]:
    with SubstrateInterface(url=node.url) as found:
        yield found


def transfer(substrate: SubstrateInterface, planck: int) -> Any:
    return substrate.compose_call(
        "Balances", "transfer_keep_alive", {"dest": BOB.ss58_address, "value": planck}
    )


def free(substrate: SubstrateInterface, key: Keypair) -> int:
    return int(substrate.query("System", "Account", [key.ss58_address]).value["data"]["free"])


def test_a_transfer_is_included_and_moves_the_money(substrate: SubstrateInterface) -> None:
    before = free(substrate, BOB)
    extrinsic = substrate.create_signed_extrinsic(transfer(substrate, UNIT), ALICE)
    receipt = substrate.submit_extrinsic(extrinsic, wait_for_inclusion=True)
    assert receipt.is_success
    assert free(substrate, BOB) == before + UNIT
    events = {(e.value["module_id"], e.value["event_id"]) for e in receipt.triggered_events}
    assert ("Balances", "Transfer") in events


def test_a_transfer_is_final_when_the_client_asks_for_that(substrate: SubstrateInterface) -> None:
    extrinsic = substrate.create_signed_extrinsic(transfer(substrate, UNIT), ALICE)
    receipt = substrate.submit_extrinsic(extrinsic, wait_for_finalization=True)
    assert receipt.finalized
    assert receipt.block_hash == substrate.get_chain_finalised_head()


def test_a_mortal_transfer_is_included(substrate: SubstrateInterface) -> None:
    extrinsic = substrate.create_signed_extrinsic(
        transfer(substrate, UNIT), ALICE, era={"period": 64}
    )
    assert substrate.submit_extrinsic(extrinsic, wait_for_inclusion=True).is_success


def test_a_batch_reports_each_of_its_calls(substrate: SubstrateInterface) -> None:
    calls = [transfer(substrate, UNIT), transfer(substrate, 2 * UNIT)]
    batch = substrate.compose_call("Utility", "batch_all", {"calls": calls})
    extrinsic = substrate.create_signed_extrinsic(batch, ALICE)
    receipt = substrate.submit_extrinsic(extrinsic, wait_for_inclusion=True)
    assert receipt.is_success
    names = [e.value["event_id"] for e in receipt.triggered_events]
    assert names.count("Transfer") == 2


def test_a_call_that_fails_is_included_and_costs_its_fee(substrate: SubstrateInterface) -> None:
    before = free(substrate, ALICE)
    extrinsic = substrate.create_signed_extrinsic(transfer(substrate, 10**30), ALICE)
    receipt = substrate.submit_extrinsic(extrinsic, wait_for_inclusion=True)
    assert not receipt.is_success
    assert free(substrate, ALICE) == before - receipt.total_fee_amount


def test_the_fee_that_is_quoted_is_the_most_that_is_taken(substrate: SubstrateInterface) -> None:
    call = transfer(substrate, UNIT)
    quoted = substrate.get_payment_info(call, ALICE)
    assert quoted["class"].lower() == "normal"
    extrinsic = substrate.create_signed_extrinsic(call, ALICE)
    receipt = substrate.submit_extrinsic(extrinsic, wait_for_inclusion=True)
    assert 0 < receipt.total_fee_amount <= quoted["partialFee"]


def test_the_next_nonce_counts_the_pool() -> None:
    with served(seal=MANUAL) as node, SubstrateInterface(url=node.url) as substrate:
        node.build()
        for expected in range(3):
            answer = substrate.rpc_request("system_accountNextIndex", [ALICE.ss58_address])
            assert answer["result"] == expected
            extrinsic = substrate.create_signed_extrinsic(
                transfer(substrate, UNIT), ALICE, nonce=expected
            )
            substrate.submit_extrinsic(extrinsic)
        assert len(substrate.retrieve_pending_extrinsics()) == 3


def test_an_outdated_nonce_is_refused_with_the_nodes_code(substrate: SubstrateInterface) -> None:
    extrinsic = substrate.create_signed_extrinsic(transfer(substrate, UNIT), ALICE)
    substrate.submit_extrinsic(extrinsic, wait_for_inclusion=True)
    again = substrate.create_signed_extrinsic(transfer(substrate, 2 * UNIT), ALICE, nonce=0)
    with pytest.raises(SubstrateRequestException) as refused:
        substrate.submit_extrinsic(again)
    [error] = refused.value.args
    assert error == {
        "code": 1010, "message": "Invalid Transaction", "data": "Transaction is outdated"
    }  # fmt: skip


def test_a_storage_subscription_hears_of_a_change(node: Served) -> None:
    heard: list[int] = []
    with SubstrateInterface(url=node.url) as listener, SubstrateInterface(url=node.url) as sender:

        def on_change(found: Any, number: int, _subscription: str) -> int | None:
            heard.append(found.value["data"]["free"])
            if number == 0:
                extrinsic = sender.create_signed_extrinsic(transfer(sender, UNIT), ALICE)
                sender.submit_extrinsic(extrinsic, wait_for_inclusion=True)
                return None
            return number

        listener.query("System", "Account", [BOB.ss58_address], subscription_handler=on_change)
    assert heard[1] == heard[0] + UNIT


def test_maps_are_paged_and_constants_are_read(substrate: SubstrateInterface) -> None:
    accounts = list(substrate.query_map("System", "Account", page_size=5, max_results=100))
    assert len(accounts) >= 12
    assert substrate.get_constant("System", "SS58Prefix").value == 42


def test_old_state_can_be_read(substrate: SubstrateInterface) -> None:
    before, at = free(substrate, BOB), substrate.get_chain_head()
    extrinsic = substrate.create_signed_extrinsic(transfer(substrate, UNIT), ALICE)
    substrate.submit_extrinsic(extrinsic, wait_for_inclusion=True)
    old = substrate.query("System", "Account", [BOB.ss58_address], block_hash=at)
    assert old.value["data"]["free"] == before
