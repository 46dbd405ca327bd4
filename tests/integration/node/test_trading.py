"""Tasks from submission to their end: real sockets, a real chain, a real agent."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from chain.signing import signer_from_identity
from market import retirement
from market.auction import requester as auctioning
from market.auction.file import decode_auction_file_untrusted
from market.auction.verify import verify_transcript
from market.errors import UsageError
from market.identity import AccountId, Identity, PublicKey
from market.settlement import provider as serving
from market.settlement import requester as buying
from market.units import AINU, Planck, format_amount
from node.api.metrics import trading_metrics
from node.database import DatabaseError
from node.executor.limits import Grants, Limits
from node.executor.loading import load_agents
from node.executor.running import RunningAgent, open_executor
from node.keystore.rotation import rotate_operator
from node.trade.calls import CI_WINDOWS
from node.trade.tasks import TaskSpec
from tests.support.markets import TERMS, Market, Node, identity_of, open_market, tasks_events
from tests.support.networks import eventually, seed_of

pytestmark = [pytest.mark.integration, pytest.mark.chain, pytest.mark.market]

WORDCOUNT = """
import asyncio
from ainur import agent

@agent(capability="text.wordcount", price="0.02 AINU")
async def wordcount(task):
    await task.progress(0.5)
    await asyncio.sleep(task.input.get("seconds", 0))
    return {"words": len(task.input["text"].split())}
"""
NAME = "text.wordcount"
PATIENCE = 90.0
"""Seconds after which something that should happen has not."""


@pytest.fixture
async def market(tmp_path: Path) -> AsyncIterator[Market]:
    async with open_market(tmp_path) as running:
        await running.register(identity_of("Alice"))
        yield running


@pytest.fixture
async def agent(tmp_path: Path) -> AsyncIterator[RunningAgent]:
    file = tmp_path / "wordcount.py"
    file.write_text(WORDCOUNT)
    (spec,) = await load_agents(file, Limits(), Grants())
    async with open_executor(spec, Limits(workers=2)) as running:
        yield running


async def submit(node: Node, seconds: float = 0.0, **options: Any) -> bytes:
    given = json.dumps({"text": "to be or not to be", "seconds": seconds}).encode()
    wanted: dict[str, Any] = {"budget": Planck(AINU), "deadline_ms": 15_000, **options}
    return await node.trading.requester.submit(NAME, given, **wanted)


async def ended(node: Node, task: bytes) -> str:
    """Wait until a task has ended, and return what its user is told."""
    with trio.fail_after(PATIENCE):
        await tasks_events(node.trading, task, "ended")
    kept = node.trading.requester.task(task)
    assert kept is not None
    assert kept.ended is not None
    return kept.ended


async def holds_nothing(node: Node) -> bool:
    """Return whether no escrow of a node is open: everybody has what is theirs."""
    return await node.chain.queries.live(node.identity.account) == {}


def purchases(node: Node) -> list[buying.Requester]:
    cases = node.trading.runner.cases.values()
    return [state for state in cases if isinstance(state, buying.Requester)]


def services(node: Node) -> list[serving.Provider]:
    cases = node.trading.runner.cases.values()
    return [state for state in cases if isinstance(state, serving.Provider)]


async def test_a_task_goes_from_submission_to_payment(market: Market, agent: RunningAgent) -> None:
    async with (
        market.node("Bob", agents={NAME: agent}) as bob,
        market.node("Charlie", agents={NAME: agent}) as charlie,
        market.node("Alice") as alice,
    ):
        before = [await n.chain.free_balance(n.identity.account) for n in (alice, bob, charlie)]
        task = await submit(alice)
        with trio.fail_after(PATIENCE):
            kinds = await tasks_events(alice.trading, task, "ended")
        assert await ended(alice, task) == "released: paid 0.02 AINU"
        steps = [
            "called",
            "closed",
            "award",
            "concluded",
            "proposed",
            "signed",
            "checked",
            "settled",
        ]
        assert [kind for kind in kinds if kind in steps] == steps
        assert json.loads(await alice.trading.requester.result(task)) == {"words": 6}
        file = decode_auction_file_untrusted(await alice.trading.requester.auction_file(task))
        assert verify_transcript(file.transcript, file.facts, file.evidence) == []
        assert len(file.transcript.body.reveals) == 2
        for node in (alice, bob, charlie):  # nobody says what it asks before all is sealed
            for event in node.trading.life.past(task):
                if event.kind in ("closed", "opened"):
                    break
                assert not {"ask", "price", "prices", "payment", "nonce"} & event.fields.keys()
        measured = {
            tuple(sample.labels.values()): sample.value
            for metric in trading_metrics(alice.trading)
            for sample in metric.samples
            if sample.name == "ainur_cases"
        }
        assert measured == {("auction", "settled"): 1, ("buy", "over"): 1}
        assert await holds_nothing(alice)
        after = [await n.chain.free_balance(n.identity.account) for n in (alice, bob, charlie)]
        assert (
            before[0] - after[0] >= 204 * AINU // 10_000
        )  # the price and the fee of two in a hundred
        assert max(after[1] - before[1], after[2] - before[2]) > 19 * AINU // 1_000


async def test_tasks_that_come_together_are_cleared_together(
    market: Market, agent: RunningAgent
) -> None:
    # However long a submission takes, it belongs to the window in which it began.
    together = attrs.evolve(TERMS, gather_seconds=0.5)
    async with (
        market.node("Bob", agents={NAME: agent}) as bob,
        market.node("Charlie", agents={NAME: agent}) as charlie,
        market.node("Alice", terms=together) as alice,
    ):
        tasks = [await submit(alice) for _ in range(2)]
        for task in tasks:
            assert (await ended(alice, task)).startswith("released")
        auctions = {alice.trading.requester.task(task).auction for task in tasks}  # type: ignore[union-attr]
        assert len(auctions) == 1
        assert len(services(bob)) == len(services(charlie)) == 1
        for task in tasks:
            assert json.loads(await alice.trading.requester.result(task)) == {"words": 6}


async def test_who_asks_less_than_the_chain_pays_at_least_is_paid_that(
    market: Market, tmp_path: Path
) -> None:
    file = tmp_path / "cheap.py"
    file.write_text(WORDCOUNT.replace("0.02 AINU", "1 planck"))
    (spec,) = await load_agents(file, Limits(), Grants())
    async with (
        open_executor(spec) as agent,
        market.node("Bob", agents={NAME: agent}),
        market.node("Charlie", agents={NAME: agent}),
        market.node("Alice") as alice,
    ):
        least = await alice.chain.existential_deposit()
        task = await submit(alice)
        assert await ended(alice, task) == f"released: paid {format_amount(least)}"


async def test_a_lone_bidder_is_paid_what_the_work_is_worth_at_most(
    market: Market, agent: RunningAgent
) -> None:
    async with (
        market.node("Bob", agents={NAME: agent}) as bob,
        market.node("Alice") as alice,
    ):
        task = await submit(alice)
        standing = await bob.chain.queries.standing(bob.identity.account)
        worth = AINU * (500_000 + 500 * standing.effective) // 10**6
        assert await ended(alice, task) == f"released: paid {worth / AINU:g} AINU"


async def test_without_providers_nothing_is_called_and_the_user_is_told(market: Market) -> None:
    async with market.node("Alice") as alice:
        task = await submit(alice)
        assert await ended(alice, task) == (
            "no-provider: nobody is known who offers text.wordcount version 1"
        )
        assert alice.trading.runner.cases == {}


async def test_a_budget_below_every_cost_finds_no_bid_and_costs_nothing(
    market: Market, agent: RunningAgent
) -> None:
    async with (
        market.node("Bob", agents={NAME: agent}),
        market.node("Alice", terms=attrs.evolve(TERMS, windows=CI_WINDOWS)) as alice,
    ):
        before = await alice.chain.free_balance(alice.identity.account)
        task = await submit(alice, budget=Planck(AINU // 100))
        assert "your money was not touched" in await ended(alice, task)
        assert await alice.chain.free_balance(alice.identity.account) == before


async def test_a_wrong_result_is_disputed_and_its_price_stays_held(
    market: Market, agent: RunningAgent
) -> None:
    schema = {"type": "object", "required": ["letters"]}
    async with (
        market.node("Bob", agents={NAME: agent}),
        market.node("Alice") as alice,
    ):
        task = await submit(alice, output_schema=schema)
        with trio.fail_after(PATIENCE):
            kinds = await tasks_events(alice.trading, task, "wrong-result")
            assert "released" not in kinds
            await eventually(
                lambda: [s.phase for s in purchases(alice)] == [buying.Phase.CONTESTED],
                seconds=PATIENCE,
            )
        found = purchases(alice)[0].found
        assert found is not None
        assert found.escrow.dispute is not None


async def test_a_check_of_the_requesters_own_decides(market: Market, agent: RunningAgent) -> None:
    seen: list[Any] = []

    async def is_six(spec: TaskSpec, result: Any) -> str | None:
        seen.append((spec.capability, result))
        return None if result == {"words": 6} else "not six"

    async with (
        market.node("Bob", agents={NAME: agent}),
        market.node("Alice", checks={"six": is_six}) as alice,
    ):
        task = await submit(alice, check="six")
        assert (await ended(alice, task)).startswith("released")
        assert seen == [(NAME, {"words": 6})]
        with pytest.raises(UsageError, match="there is no check"):
            await submit(alice, check="seven")


async def test_a_provider_killed_while_it_works_goes_on_after_its_restart(
    market: Market, agent: RunningAgent
) -> None:
    async with market.node("Alice") as alice:
        async with market.node("Bob", agents={NAME: agent}) as bob:
            task = await submit(alice, seconds=1.0)
            await eventually(lambda: any(s.started for s in services(bob)), seconds=PATIENCE)
        async with market.node("Bob", agents={NAME: agent}) as bob:
            assert (await ended(alice, task)).startswith("released")
            assert len(services(bob)) == 1


async def test_a_provider_that_is_gone_expires_and_the_requester_gets_its_money_back(
    market: Market, agent: RunningAgent
) -> None:
    async with market.node("Alice") as alice:
        before = await alice.chain.free_balance(alice.identity.account)
        async with market.node("Bob", agents={NAME: agent}) as bob:
            task = await submit(alice, seconds=5.0, deadline_ms=10_000)
            await eventually(lambda: any(s.started for s in services(bob)), seconds=PATIENCE)
        assert (await ended(alice, task)).startswith("expired: nothing was paid")
        assert await holds_nothing(alice)
        spent = before - await alice.chain.free_balance(alice.identity.account)
        assert spent < AINU // 10  # fees, and the record's deposit until it is pruned


async def test_a_winner_killed_before_it_signs_costs_nothing(
    market: Market, agent: RunningAgent
) -> None:
    async with market.node("Alice") as alice:
        async with market.node("Bob", agents={NAME: agent}) as bob:
            task = await submit(alice)
            await eventually(lambda: bool(bob.trading.runner.cases), seconds=PATIENCE)
        told = await ended(alice, task)
        assert "your money was not touched" in told
        assert await holds_nothing(alice)


@pytest.mark.parametrize(
    "at", [auctioning.Phase.COMMITTING, auctioning.Phase.SETTLED, buying.Phase.WORKING]
)
async def test_a_requester_killed_at_any_step_goes_on_after_its_restart(
    market: Market, agent: RunningAgent, at: auctioning.Phase | buying.Phase
) -> None:
    def has_come(node: Node) -> bool:
        return any(
            isinstance(state, auctioning.Requester | buying.Requester)
            and (state.phase is at or isinstance(state, buying.Requester))
            and not (isinstance(at, buying.Phase) and state.phase is not at)
            for state in node.trading.runner.cases.values()
        )

    async with market.node("Bob", agents={NAME: agent}):
        async with market.node("Alice") as alice:
            task = await submit(alice, seconds=1.0, deadline_ms=120_000)
            await eventually(lambda: has_come(alice), seconds=PATIENCE, every=0.002)
        async with market.node("Alice") as alice:
            told = await ended(alice, task)
            # Away for longer than a provider has to sign, it can no longer tell whose fault that was.
            assert told.startswith(("released", "unsigned: nothing was paid")), told
            assert len(purchases(alice)) == 1
            assert await holds_nothing(alice)


async def test_a_task_that_waits_when_its_node_stops_is_called_for_afterwards(
    market: Market, agent: RunningAgent
) -> None:
    async with market.node("Bob", agents={NAME: agent}):
        async with market.node("Alice") as alice:
            task = await submit(alice)
        async with market.node("Alice") as alice:
            assert (await ended(alice, task)).startswith("released")


async def test_a_cancelled_task_is_given_back_and_costs_fees_alone(
    market: Market, agent: RunningAgent
) -> None:
    async with (
        market.node("Bob", agents={NAME: agent}) as bob,
        market.node("Alice") as alice,
    ):
        task = await submit(alice, seconds=8.0)
        await eventually(lambda: any(s.started for s in services(bob)), seconds=PATIENCE)
        await alice.trading.requester.cancel(task)
        assert (await ended(alice, task)).startswith("refunded: nothing was paid")
        assert await holds_nothing(alice)
        with pytest.raises(UsageError, match="it has ended"):
            await alice.trading.requester.cancel(task)


async def test_a_chain_that_is_gone_for_a_while_delays_a_task_and_no_more(
    market: Market, agent: RunningAgent
) -> None:
    async with (
        market.node("Bob", agents={NAME: agent}) as bob,
        market.node("Alice") as alice,
    ):
        task = await submit(alice, seconds=0.5, deadline_ms=60_000)
        await eventually(lambda: any(s.started for s in services(bob)), seconds=PATIENCE)
        await market.chain.restart()
        assert (await ended(alice, task)).startswith("released")
        assert await holds_nothing(alice)


async def test_a_full_disk_stops_the_node_which_goes_on_once_there_is_room(
    market: Market, agent: RunningAgent
) -> None:
    submitted: list[bytes] = []

    async def run_until_the_disk_is_full() -> None:
        async with market.node("Alice") as alice:
            submitted.append(await submit(alice, seconds=0.5, deadline_ms=60_000))
            database = alice.trading.runner.database
            pages = database.execute("PRAGMA page_count").fetchone()[0]
            database.execute(f"PRAGMA max_page_count = {pages}")
            await trio.sleep(PATIENCE)

    async with market.node("Bob", agents={NAME: agent}):
        with pytest.raises(BaseExceptionGroup) as failed:
            await run_until_the_disk_is_full()
        assert failed.value.subgroup(DatabaseError) is not None
        [task] = submitted
        async with market.node("Alice") as alice:
            told = await ended(alice, task)
            assert told.startswith("released"), told
            assert len(purchases(alice)) == 1


async def test_impossible_tasks_are_refused_before_anything_is_kept(market: Market) -> None:
    async with market.node("Alice") as alice:
        requester = alice.trading.requester
        good: dict[str, Any] = {"budget": Planck(AINU), "deadline_ms": 10_000}
        for given, options, words in (
            (b"no json", {}, "JSON"),
            (b"{}", {"budget": Planck(1)}, "the least is"),
            (b"{}", {"deadline_ms": 100}, "at least"),
            (b"{}", {"deadline_ms": 10**12}, "at most"),
            (b"{}", {"output_schema": {"type": "nonsense"}}, "schema"),
        ):
            with pytest.raises(UsageError, match=words):
                await requester.submit(NAME, given, **{**good, **options})
        with pytest.raises(UsageError, match="no such task"):
            await requester.submit("Not A Name", b"{}", **good)
        assert requester.tasks() == []


async def test_an_account_without_funds_is_told_before_anybody_hears_of_it(
    market: Market, agent: RunningAgent
) -> None:
    await market.register(identity_of("poor"), funds=AINU)
    async with (
        market.node("Bob", agents={NAME: agent}) as bob,
        market.node("poor") as poor,
    ):
        task = await submit(poor, budget=Planck(50 * AINU))
        told = await ended(poor, task)
        assert told.startswith("no-funds: it may cost")
        assert "fund it" in told
        assert bob.trading.runner.cases == {}


async def test_what_is_over_for_good_is_put_away_and_is_still_shown(
    market: Market, agent: RunningAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retirement, "QUIET", 8)
    async with market.node("Bob", agents={NAME: agent}) as bob:
        async with market.node("Alice") as alice:
            task = await submit(alice)
            told = await ended(alice, task)
            for node in (alice, bob):
                cases = node.trading.runner.cases
                await eventually(lambda cases=cases: not cases, seconds=PATIENCE)
        async with market.node("Alice") as alice:
            assert alice.trading.runner.cases == {}
            requester = alice.trading.requester
            kept, state = requester.task(task), requester.purchase(task)
            assert kept is not None
            assert kept.ended == told
            assert state is not None
            assert state.outcome is not None
            assert state.outcome.paid
            assert json.loads(await requester.result(task)) == {"words": 6}
            file = decode_auction_file_untrusted(await requester.auction_file(task))
            assert verify_transcript(file.transcript, file.facts, file.evidence) == []
            assert (await ended(alice, await submit(alice))).startswith("released")


async def test_trading_goes_on_under_a_key_that_is_rotated_in_while_it_works(
    market: Market, agent: RunningAgent
) -> None:
    old, cold = identity_of("rita"), identity_of("rita's cold key")
    new = Identity.from_seed(seed_of("rita's next key"), account=old.account)
    await market.register(old, bond=200 * AINU, cold=cold.account)
    for key in (cold.account, AccountId(new.key)):  # a key pays the fees of what it signs
        await market.fund(key, 10 * AINU)

    def signing(key: PublicKey | None) -> Identity:
        return new if key == new.key else old

    async with (
        market.node("rita", agents={NAME: agent}, signing=signing) as rita,
        market.node("Alice") as alice,
    ):
        task = await submit(alice, seconds=3.0, deadline_ms=60_000)
        await eventually(lambda: any(s.started for s in services(rita)), seconds=PATIENCE)
        await rotate_operator(rita.chain, old.account, new, signer_from_identity(cold))
        assert (await ended(alice, task)).startswith("released")
        assert (await ended(alice, await submit(alice))).startswith("released")
        keys = [state.receipts[0].key for state in purchases(alice)]
        assert keys == [new.key, new.key]
        assert rita.trading.runner.identity.key == new.key
        assert await holds_nothing(alice)
