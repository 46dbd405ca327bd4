"""What is stored on the chain, typed: one line for each item, and one method for each question.

Every answer names the block that it is of; the finalised one unless the caller says otherwise, since what is
only in a block may be undone.
"""

import typing
from collections.abc import Awaitable, Callable
from typing import Any, Final, Generic, TypeVar

import attrs

from chain.records.escrow import TaskEntry
from chain.records.registry import Agent, RegistryParams
from chain.units import OfferEpoch
from chain.values import shape_of
from market.escrow.params import Params as EscrowParams
from market.escrow.record import Escrow, Party
from market.hashing import TaskId
from market.identity import AccountId
from market.reputation.book import Report, ReportId
from market.reputation.params import Params as ReputationParams
from market.reputation.record import PairCounter, Record
from market.standing import EscrowId

__all__ = ["ITEMS", "Item", "Queries"]

V = TypeVar("V")


@attrs.frozen
class Item(Generic[V]):
    """A stored item: its keys' types and its value's."""

    pallet: str
    name: str
    keys: tuple[Any, ...]
    value: Any

    def key_shape(self) -> str:
        """Return the type of its key as :mod:`chain.contract` writes it."""
        shapes = [shape_of(key) for key in self.keys]
        return shapes[0] if len(shapes) == 1 else f"({', '.join(shapes)})"


def _item(pallet: str, name: str, value: type[V], *keys: Any) -> Item[V]:
    return Item(pallet, name, keys, value)


AGENTS: Final = _item("Registry", "Agents", Agent, AccountId)
KEY_OWNER: Final = Item[AccountId]("Registry", "KeyOwner", (AccountId,), AccountId)
REGISTRY: Final = _item("Registry", "Parameters", RegistryParams)
STANDINGS: Final = _item("Reputation", "Records", Record, AccountId)
PAIRS: Final = _item("Reputation", "Pairs", PairCounter, AccountId, AccountId)
REPORTS: Final = _item("Reputation", "Reports", Report, ReportId)
REPUTATION: Final = _item("Reputation", "Parameters", ReputationParams)
ESCROWS: Final = _item("Escrow", "Escrows", Escrow, EscrowId)
TASKS: Final = _item("Escrow", "TaskIndex", TaskEntry, AccountId, TaskId)
LIVE: Final = _item("Escrow", "Live", Party, AccountId, EscrowId)
OFFER_EPOCHS: Final = Item[OfferEpoch]("Escrow", "OfferEpoch", (AccountId,), OfferEpoch)
NEXT_ESCROW: Final = Item[EscrowId]("Escrow", "NextEscrow", (), EscrowId)
ESCROW: Final = _item("Escrow", "Parameters", EscrowParams)

ITEMS: Final[tuple[Item[Any], ...]] = (
    *(AGENTS, KEY_OWNER, REGISTRY, STANDINGS, PAIRS, REPORTS, REPUTATION),
    *(ESCROWS, TASKS, LIVE, OFFER_EPOCHS, NEXT_ESCROW, ESCROW),
)


class Reader(typing.Protocol):
    """What reads storage; :class:`chain.session.Session` in the worker thread."""

    def read(self, item: Item[V], *keys: Any, at: str | None = None) -> V | None:
        """Return an item's value at a block, the finalised one if None."""
        ...

    def entries(
        self, item: Item[V], *keys: Any, at: str | None = None
    ) -> list[tuple[tuple[Any, ...], V]]:
        """Return a map's entries below some of its keys."""
        ...


Run = Callable[[Callable[[Any], Any]], Awaitable[Any]]


@attrs.frozen
class Queries:
    """The questions."""

    _run: Run
    _block: str | None = None
    """Hash of the block that is asked about; the finalised one if None."""

    def at(self, block: str) -> "Queries":
        """Return the same questions, asked about a block of that hash."""
        return attrs.evolve(self, block=block)

    async def _one(self, item: Item[V], *keys: Any) -> V | None:
        at = self._block
        found: V | None = await self._run(lambda session: session.read(item, *keys, at=at))
        return found

    async def _sure(self, item: Item[V], *keys: Any) -> V:
        at = self._block
        found: V = await self._run(lambda session: session.read(item, *keys, at=at))
        return found

    async def _all(self, item: Item[V], *keys: Any) -> list[tuple[tuple[Any, ...], V]]:
        at = self._block
        found: list[tuple[tuple[Any, ...], V]] = await self._run(
            lambda session: session.entries(item, *keys, at=at)
        )
        return found

    async def agent(self, account: AccountId) -> Agent | None:
        """Return an agent's record; None where it is not registered."""
        return await self._one(AGENTS, account)

    async def agents(self) -> dict[AccountId, Agent]:
        """Return all agents by account."""
        return {account: agent for (account,), agent in await self._all(AGENTS)}

    async def key_owner(self, key: AccountId) -> AccountId | None:
        """Return the agent that ever used or announced a key."""
        return await self._one(KEY_OWNER, key)

    async def standing(self, account: AccountId) -> Record:
        """Return bond and score; those of a newcomer where there is no record."""
        return await self._sure(STANDINGS, account)

    async def standings(self) -> dict[AccountId, Record]:
        """Return bond and score of all that have a record."""
        return {account: standing for (account,), standing in await self._all(STANDINGS)}

    async def pair(self, provider: AccountId, requester: AccountId) -> PairCounter:
        """Return how often the two settled in the last epoch in which they did."""
        return await self._sure(PAIRS, provider, requester)

    async def report(self, report: ReportId) -> Report | None:
        """Return a report; None where it was applied or cancelled, or never was."""
        return await self._one(REPORTS, report)

    async def reports(self) -> dict[ReportId, Report]:
        """Return all pending reports."""
        return {number: report for (number,), report in await self._all(REPORTS)}

    async def escrow(self, escrow: EscrowId) -> Escrow | None:
        """Return an escrow; None where it was pruned, or never was."""
        return await self._one(ESCROWS, escrow)

    async def escrows(self) -> dict[EscrowId, Escrow]:
        """Return all escrows that were not pruned."""
        return {number: record for (number,), record in await self._all(ESCROWS)}

    async def task(self, requester: AccountId, task: TaskId) -> TaskEntry | None:
        """Return the last attempt at a task, and its escrow."""
        return await self._one(TASKS, requester, task)

    async def live(self, account: AccountId) -> dict[EscrowId, Party]:
        """Return the escrows of an account that have not ended: what a restarted node resumes."""
        return {number: side for (_, number), side in await self._all(LIVE, account)}

    async def offer_epoch(self, provider: AccountId) -> OfferEpoch:
        """Return the epoch that a provider's offers must carry."""
        return await self._sure(OFFER_EPOCHS, provider)

    async def registry_params(self) -> RegistryParams:
        """Return the registry's periods and amounts."""
        return await self._sure(REGISTRY)

    async def reputation_params(self) -> ReputationParams:
        """Return the periods and amounts of bonds and scores."""
        return await self._sure(REPUTATION)

    async def escrow_params(self) -> EscrowParams:
        """Return the periods and deposits of escrows."""
        return await self._sure(ESCROW)
