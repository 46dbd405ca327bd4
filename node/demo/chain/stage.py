"""What the story's chapters have at hand: the chain, the people, and a way to tell."""

import functools
from collections.abc import Callable, Iterable
from contextlib import closing

import attrs
import trio

from chain.calls import Call
from chain.client import Chain
from chain.signing import Signer, development_signer
from chain.submission import Receipt
from market.identity import AccountId, ss58_from_account
from market.units import BlockNumber
from node.chainhost.client import Client
from node.chainhost.config import Record
from node.demo.facts import Chapter, Fact, Snapshot, Step, Told

__all__ = ["ARBITER", "OTHER", "PROVIDER", "REQUESTER", "ROOT", "Person", "Stage"]

Tell = Callable[[Told], None]
Read = Callable[[Receipt], Iterable[Fact]]


@attrs.frozen
class Person:
    """Somebody with a key."""

    name: str
    role: str
    signer: Signer

    @property
    def account(self) -> AccountId:
        """Who it is on the chain."""
        return self.signer.account

    @property
    def address(self) -> str:
        """The account as people write it."""
        return ss58_from_account(self.account)


def _person(name: str, role: str) -> Person:
    return Person(name, role, development_signer(name))


REQUESTER = _person("Eve", "buys work")
PROVIDER = _person("Dave", "sells it")
ARBITER = _person("Ferdie", "rules on disputes")
OTHER = _person("Bob", "sells work, too")
ROOT = _person("Alice", "the chain's authority")
"""The key that this chain takes for its authority; anybody may be it on a development chain."""


@attrs.define
class Stage:
    """The chain and what happened on it so far."""

    record: Record
    chain: Chain
    tell: Tell
    steps: list[tuple[str, Step]] = attrs.field(factory=list[tuple[str, Step]])
    """Each with its chapter's title."""
    snapshots: list[Snapshot] = attrs.field(factory=list[Snapshot])
    _chapter: str = ""

    def begin(self, title: str, words: str) -> None:
        """Begin a chapter."""
        self._chapter = title
        self.tell(Chapter(title, words))

    def show(self, step: Step) -> None:
        """Tell a step."""
        self.steps.append((self._chapter, step))
        self.tell(step)

    async def act(
        self, who: Person, call: Call, title: str, words: str, read: Read | None = None
    ) -> Receipt:
        """Have somebody sign a call, wait until it is final, and tell what the chain said.

        Args:
            read: what of the chain's answer is told.
        """
        receipt = await self.chain.submit(f"demo {len(self.steps)}", call, who.signer)
        self.show(
            Step(
                title,
                words,
                tuple(read(receipt)) if read is not None else (),
                call=call.name,
                signer=who.name,
                block=receipt.place.block.number,
                extrinsic=receipt.place.index,
            )
        )
        return receipt

    async def jump_past(self, block: BlockNumber, title: str, words: str) -> None:
        """Let blocks pass until one that is later than a deadline."""
        before = (await self.chain.finalized()).number
        millis = (await self.chain.queries.escrow_params()).millis_per_block
        blocks = block - before
        await trio.to_thread.run_sync(functools.partial(self._advance, blocks, blocks * millis))
        after = (await self.chain.finalized()).number
        facts = (
            Fact("blocks", "passed", after - before, "blocks"),
            Fact("block", "now", after, "block"),
        )
        self.show(Step(title, words, facts))

    def _advance(self, blocks: int, millis: int) -> None:
        with closing(Client(self.record.port)) as client:
            client.call("dev_advance", {"blocks": blocks, "seconds": millis / 1_000})

    async def remember(self) -> Snapshot:
        """Read how everybody stands, and keep it."""
        standing = await self.chain.queries.standing(PROVIDER.account)
        people = (REQUESTER, PROVIDER, ARBITER)
        free = {person.name: await self.chain.free_balance(person.account) for person in people}
        found = Snapshot(
            after=self._chapter,
            block=(await self.chain.finalized()).number,
            score=standing.score,
            effective=standing.effective,
            bond=standing.active,
            suspended=standing.suspended_at is not None,
            free={name: int(amount) for name, amount in free.items()},
        )
        self.snapshots.append(found)
        self.tell(found)
        return found
