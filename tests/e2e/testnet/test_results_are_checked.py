"""Results that are checked by the requester's own program and by replicas; wrong ones are disputed and ruled upon."""

import json

import pytest
import trio

from chain.calls.escrow import Rule
from chain.client import open_chain
from chain.signing import signer_from_identity
from chain.stored import MemoryStore
from chain.units import BasisPoints
from market.escrow.record import Escrow, Reason, State
from market.standing import EscrowId
from node.api.client import RefusedError
from tests.support.towns import BUYER, SELLERS, Town, until

pytestmark = [pytest.mark.e2e, pytest.mark.chain, pytest.mark.market, pytest.mark.timeout(400)]

IS_SIX = ["/bin/sh", "-c", """grep -q '"words":6}' && echo true || echo '{"ok":false,"why":"not six"}'"""]  # fmt: skip
ONLY_SIX = {"const": {"words": 6}}


@pytest.fixture(scope="module")
def liar(town: Town) -> str:
    """A node that asks least and answers wrongly."""
    name = town.testnet.add_cheater("wrong-result")
    town.until_known(3)
    return name


def disputed(town: Town, task: str) -> tuple[EscrowId, Escrow]:
    """Wait until a task's escrow is disputed, and return it."""
    event = town.wait_for(task, "escrow", state="Disputed")
    number = EscrowId(event["escrow"])
    return number, town.books().escrows[number]


def rule(town: Town, escrow: EscrowId, provider_bps: int) -> None:
    async def run() -> None:
        async with open_chain(town.url, MemoryStore()) as chain:
            call = Rule(escrow, BasisPoints(provider_bps))
            await chain.submit("rule", call, signer_from_identity(town.plan.arbiter.identity))

    trio.run(run)


def evidence(town: Town, escrow: Escrow) -> dict[str, object]:
    """Read what the requester has kept under the hash that is on chain."""
    assert escrow.dispute is not None
    file = town.testnet.data_dir(BUYER) / "blobs" / escrow.dispute.evidence.hex()
    found: dict[str, object] = json.loads(file.read_bytes())
    return found


def test_a_result_that_the_requester_s_program_finds_good_is_paid(town: Town) -> None:
    task = town.submit(check_command=IS_SIX)
    assert town.ended(task).startswith("released")
    assert [e["is_good"] for e in town.events(task) if e["kind"] == "checked"] == [True]
    town.require_all_is_well(task)


def test_a_program_that_is_not_there_is_refused_at_once(town: Town) -> None:
    with pytest.raises(RefusedError, match="no program"):
        town.submit(check_command=["/no/such/program"])


def test_a_program_that_fails_decides_nothing_and_the_user_is_told(town: Town) -> None:
    task = town.submit(check_command=["/bin/false"])
    assert town.ended(task).startswith("released")
    [told] = [e for e in town.events(task) if e["kind"] == "unchecked"]
    assert "exit code 1" in told["fault"]
    town.require_all_is_well(task)


@pytest.mark.parametrize("how", [{"output_schema": ONLY_SIX}, {"check_command": IS_SIX}])
def test_a_wrong_result_is_disputed_with_evidence_and_the_arbiter_gives_the_money_back(
    town: Town, liar: str, how: dict[str, object]
) -> None:
    task = town.submit(**how)
    number, escrow = disputed(town, task)
    assert town.winner(task) == liar
    assert escrow.dispute is not None
    assert escrow.dispute.reason is Reason.RESULT_WRONG
    document = evidence(town, escrow)
    assert document["task"] == task.removeprefix("0x")
    assert document["finding"]
    rule(town, number, 0)
    assert town.ended(task).startswith("ruled: nothing was paid")
    books = town.require_all_is_well(task)
    assert town.paid_to(books, task) == {}
    assert books.escrows[number].state is State.RULED


def test_a_dispute_on_which_nobody_rules_ends_by_itself(town: Town, liar: str) -> None:
    task = town.submit(output_schema=ONLY_SIX)
    number, _ = disputed(town, task)
    assert town.ended(task).startswith("split: paid")
    books = town.require_all_is_well(task)
    assert books.escrows[number].state is State.SPLIT
    assert list(town.paid_to(books, task)) == [liar]


def test_what_most_replicas_say_is_the_result_and_who_says_otherwise_is_disputed(
    town: Town, liar: str
) -> None:
    task = town.submit(replicas=3)
    until(lambda: [e for e in town.events(task) if e.get("state") == "Disputed"])
    awards = [e["provider"] for e in town.events(task) if e["kind"] == "award"]
    assert sorted(map(town.named, awards)) == sorted([*SELLERS, liar])
    [wrong] = [e for e in town.events(task) if e["kind"] == "wrong-result"]
    assert wrong["check"] == "replicas"
    [(number, escrow)] = [(n, e) for n, e in town.books().live().items() if e.dispute]
    document = evidence(town, escrow)
    assert document["check"] == "replicas"
    assert len(document["replicas"]) == 2  # type: ignore[arg-type]  # a list
    rule(town, number, 0)
    assert town.ended(task).startswith("released: 2 of 3 replicas agree; paid ")
    assert town.result(task) == {"words": 6}
    books = town.require_all_is_well(task)
    paid = [e.provider for e in books.escrows.values() if e.paid]
    assert escrow.provider not in paid[-2:]


def test_more_replicas_than_sellers_are_done_by_those_who_are_there(town: Town, liar: str) -> None:
    town.testnet.kill(liar)
    task = town.submit(replicas=3)
    assert town.ended(task).startswith("released: 2 of 3 replicas agree")
    town.require_all_is_well(task)
