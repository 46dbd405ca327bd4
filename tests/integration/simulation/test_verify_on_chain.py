"""``ainur auction verify --chain``: an auction held on a real runtime, checked against that chain."""

import functools
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import msgspec
import pytest
import trio
from click.testing import CliRunner, Result

from chain.devchain.chain import DevChain
from chain.devchain.rpc.sealer import parse_seal
from chain.devchain.rpc.server import open_listeners, serve
from chain.devnet import BLOB
from market.auction import bidder, requester
from market.auction.facts import Facts
from market.auction.file import AuctionFile, encode_auction_file
from market.cases import CaseKey
from market.envelope import expect
from market.identity import AccountId, ss58_from_account
from market.messages import Transcript
from market.units import BlockNumber
from node.cli import cli
from node.simulation.batch import PEACE
from node.simulation.plan import Faults
from node.simulation.settings import real
from node.simulation.tasks import TaskWorld

pytestmark = [pytest.mark.integration, pytest.mark.chain, pytest.mark.timeout(300)]


class LyingWorld(TaskWorld):
    """Its requester clears with a lower score for the first provider than the chain has."""

    def facts(self, auction: bytes, block: BlockNumber, accounts: set[AccountId]) -> Facts:
        facts = super().facts(auction, block, accounts)
        first = min(party.account for party in self.providers)
        rows = tuple(
            msgspec.structs.replace(row, score=row.score - 100) if row.account == first else row
            for row in facts.accounts
        )
        return msgspec.structs.replace(facts, accounts=rows)


@attrs.frozen
class Held:
    """An auction that was held, as a file, and the chain it was held on."""

    chain: DevChain
    contents: AuctionFile
    facts: Facts


def hold(kind: type[TaskWorld], seed: int = 1, **faults: float) -> Iterator[Held]:
    with real(BLOB.read_bytes()) as setting:
        scenario = attrs.evolve(PEACE, faults=Faults(**faults))
        world = kind(seed, "liveness", setting, scenario=scenario)
        assert world.run().violations == () or kind is LyingWorld
        [owner] = world.requesters
        assert owner.drive is not None
        [(key, conclusion)] = owner.conclusions.items()
        state = owner.drive.cases[key]
        assert isinstance(state, requester.Requester)
        facts = world.facts(key.id, state.cfp.facts_block, {*state.taken, owner.account})
        evidence: dict[bytes, None] = {}
        for party in world.providers:
            assert party.drive is not None
            bid = party.drive.cases.get(CaseKey("bid", key.id))
            if isinstance(bid, bidder.Bidder):
                evidence |= dict.fromkeys(bidder.evidence_of(bid))
        transcript = expect(world.opened(conclusion.transcript), Transcript)
        backend = world.chain.backend
        chain = backend._chain  # type: ignore[attr-defined]
        yield Held(chain, AuctionFile(transcript, facts, tuple(evidence)), facts)


@asynccontextmanager
async def served(chain: DevChain) -> AsyncIterator[str]:
    listeners = await open_listeners(0)
    url = f"ws://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
    run = functools.partial(serve, chain, listeners=listeners, seal=parse_seal("manual"))
    async with trio.open_nursery() as nursery:
        await nursery.start(run)
        yield url
        nursery.cancel_scope.cancel()


async def verify(held: Held, folder: Path, *, chain: bool, facts: Facts | None = None) -> Result:
    path = folder / "auction"
    contents = attrs.evolve(held.contents, facts=facts or held.facts)
    path.write_bytes(encode_auction_file(contents))
    async with served(held.chain) as url:
        options = ["--chain", url] if chain else []
        arguments = ["auction", "verify", str(path), "--json", *options]
        return await trio.to_thread.run_sync(CliRunner().invoke, cli, arguments)


async def test_honest_auction_holds_against_its_chain(tmp_path: Path) -> None:
    for held in hold(TaskWorld):
        result = await verify(held, tmp_path, chain=True)
        report = json.loads(result.stdout)
        assert (result.exit_code, report["ok"]) == (0, True), result.output
        assert report["facts_checked_against_chain"] is True


async def test_reveals_that_were_posted_are_found_on_the_chain(tmp_path: Path) -> None:
    for seed in range(40):
        for held in hold(TaskWorld, seed, loss=0.4):
            if not held.facts.posted or not held.contents.transcript.body.reveals:
                continue
            without = msgspec.structs.replace(held.facts, posted=())
            result = await verify(held, tmp_path, chain=True, facts=without)
            assert (result.exit_code, json.loads(result.stdout)["ok"]) == (0, True), result.output
            return
    pytest.fail("no reveal was posted")


async def test_facts_that_were_made_up_are_found_out_on_the_chain_alone(tmp_path: Path) -> None:
    for held in hold(LyingWorld):
        alone = await verify(held, tmp_path, chain=False)
        assert alone.exit_code == 0
        result = await verify(held, tmp_path, chain=True)
        report = json.loads(result.stdout)
        assert result.exit_code == 1
        assert {fault["kind"] for fault in report["faults"]} == {"weight-changed"}
        told = held.facts.accounts
        assert report["facts_that_differ"][0] in {ss58_from_account(row.account) for row in told}


async def test_another_chain_is_refused_in_one_line(tmp_path: Path) -> None:
    for held in hold(TaskWorld):
        with DevChain.open(BLOB.read_bytes(), preset="ci", salt=b"another") as other:
            other.build()
            result = await verify(attrs.evolve(held, chain=other), tmp_path, chain=True)
        assert result.exit_code == 2
        assert "Traceback" not in result.output
