"""What the story's chapters have at hand: the testnet, its chain, its buyer's API, and a way to tell."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import attrs
import trio

from chain.client import Chain
from market.auction.facts import FactsKeys
from market.auction.file import decode_auction_file_untrusted
from market.auction.verify import verify_transcript
from market.envelope import expect, open_untrusted, reopen
from market.identity import account_from_ss58, ss58_from_account
from market.messages import Cfp, Transcript
from node.api.client import Client
from node.demo.market.told import Account, Ledger, Told, Verdict
from node.demo.market.trail import Trail
from node.facts import read_auction_facts
from node.testnet.config import TestnetView
from node.testnet.handle import Testnet
from node.testnet.home import FIRST

__all__ = ["Stage"]

WAITING: Final = 1_024
"""Events that were heard and not told yet."""
LOOK_SECONDS: Final = 0.1
FINAL_SECONDS: Final = 300.0
"""For the windows of an auction to be over."""


@attrs.define
class Stage:
    """A market that runs, and what was told of it so far."""

    testnet: Testnet
    view: TestnetView
    chain: Chain
    trail: Trail
    tell_one: Callable[[Told], None]
    told: list[Told] = attrs.field(factory=list[Told])
    said: set[str] = attrs.field(factory=set[str])
    """Steps that were explained."""

    @property
    def buyer(self) -> str:
        """The node that buys."""
        return FIRST

    @property
    def names(self) -> dict[str, str]:
        """Nodes by account."""
        return {node.account: node.name for node in self.view.nodes}

    def tell(self, what: Told) -> None:
        """Tell something, and keep it."""
        self.told.append(what)
        self.tell_one(what)

    async def ask(self, what: Callable[[Client], Any]) -> Any:
        """Ask the buyer's API something.

        Raises:
            ApiError: it refuses, or does not answer.
        """
        client = self.testnet.api(self.buyer)
        return await trio.to_thread.run_sync(what, client, abandon_on_cancel=True)

    @asynccontextmanager
    async def events(self) -> AsyncIterator[trio.MemoryReceiveChannel[dict[str, Any]]]:
        """Give the life of all tasks of the buyer, from the first on, as it happens.

        Raises:
            ApiError: the node does not answer any more.
        """
        send, receive = trio.open_memory_channel[dict[str, Any]](WAITING)
        client = self.testnet.api(self.buyer)

        def read() -> None:
            for event in client.events("/v1/events"):
                trio.from_thread.run(send.send, event)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: trio.to_thread.run_sync(read, abandon_on_cancel=True))
            yield receive
            nursery.cancel_scope.cancel()

    async def result(self, task: str) -> Any:
        """Return a task's result."""
        return json.loads(await self.ask(lambda api: api.bytes_of(f"/v1/tasks/{task}/result")))

    async def verify(self, task: str) -> Verdict:
        """Compute a task's auction again, with the facts that the chain has, and not those that its requester gives.

        Raises:
            MarketError: the file is none.
            ChainError: the chain does not say the facts.
        """
        data = await self.ask(lambda api: api.bytes_of(f"/v1/tasks/{task}/auction"))
        contents = decode_auction_file_untrusted(data)
        cfp = expect(reopen(contents.transcript.body.cfp), Cfp).body
        with trio.move_on_after(FINAL_SECONDS):
            # Till then a bidder may show its bid on chain; who asks earlier is told to wait.
            while (await self.chain.finalized()).number < cfp.reveal_by:  # noqa: ASYNC110  (the chain's matter)
                await trio.sleep(LOOK_SECONDS)
        facts = await read_auction_facts(self.view.chain.url, contents)
        raw = contents.transcript.raw
        transcript = expect(
            open_untrusted(raw, genesis=facts.genesis, keys=FactsKeys.of(facts)), Transcript
        )
        faults = verify_transcript(transcript, facts, contents.evidence)
        said, known = contents.facts.by_account(), facts.by_account()
        body = transcript.body
        return Verdict(
            auction=f"0x{body.auction.hex()}",
            tasks=len(cfp.tasks),
            bids=len(body.commitments),
            opened=len(body.reveals),
            facts_differ=tuple(
                sorted(self._name(ss58_from_account(a)) for a in said if said[a] != known.get(a))
            ),
            faults=tuple(f"{fault.kind}: {fault.about}" for fault in faults),
        )

    def _name(self, address: str) -> str:
        return self.names.get(address, address)

    async def ledger(self) -> Ledger:
        """Read what everybody has at the finalised block."""
        head = await self.chain.finalized()
        rows = []
        for node in self.view.nodes:
            account = account_from_ss58(node.account)
            standing = await self.chain.queries.at(head.hash).standing(account)
            rows.append(
                Account(
                    name=node.name,
                    address=node.account,
                    free=await self.chain.free_balance(account, head.hash),
                    bond=standing.active,
                    score=standing.score,
                )
            )
        return Ledger(block=head.number, accounts=tuple(rows))
