"""Which key signs for whom, as the finalised chain has it: the one key directory of a node.

Theory of operation. Envelopes are opened synchronously, so whoever brings one that has to be right asks
:meth:`Operators.prepare` first. A record that was read at a block holds for every later one until the registry
reports something of that account; so an answer is kept until then, and costs nothing for the second message. For an
earlier block the record is read at that very block.

Announcements of agents come in crowds, from everybody and of nearly now; for them the whole registry is read now and
then (:meth:`Operators.read_all`), and the record of the last reading is good enough (:meth:`Operators.last_key`).
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, Final

import attrs

from chain.client import Chain
from chain.errors import HistoryError, NodeError
from chain.records.registry import Agent
from chain.session import BlockEvent
from market.identity import AccountId, PublicKey
from market.units import BlockNumber

__all__ = ["Operators"]

MAX_ACCOUNTS: Final = 4_096
"""Accounts that are kept; the longest unused goes first."""


class _Lost:
    """In place of a record of a block that the node knows no more."""


@attrs.frozen
class _Known:
    agent: Agent | None
    since: BlockNumber
    """The record holds from this block on."""


class Operators:
    """The port :class:`market.envelope.KeyDirectory`."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._kept: OrderedDict[AccountId, _Known] = OrderedDict()
        self._past: OrderedDict[tuple[AccountId, BlockNumber], Agent | _Lost | None] = OrderedDict()
        self._agents: dict[AccountId, Agent] = {}
        """The whole registry, as it was read last."""
        self._changes = 0

    def operator_key(self, account: AccountId, at: BlockNumber) -> PublicKey | None:
        """Return the account's operator key at a finalised block; None where it is not known.

        Where nobody has prepared it, it is not: a message is refused rather than believed.
        """
        known = self._kept.get(account)
        agent: Agent | _Lost | None
        if known is not None and at >= known.since:
            agent = known.agent
        elif (account, at) in self._past:
            agent = self._past[account, at]
        else:
            return None
        if isinstance(agent, _Lost):
            return None
        # An account that is no agent speaks for itself: its own key is its operator key by default.
        return PublicKey(account if agent is None else agent.operator_at(at))

    def last_key(self, account: AccountId, at: BlockNumber) -> PublicKey:
        """Return the account's key at a block by the record that was read last, whenever that was."""
        known = self._kept.get(account)
        agent = known.agent if known is not None else self._agents.get(account)
        return PublicKey(account if agent is None else agent.operator_at(at))

    async def read_all(self) -> frozenset[AccountId]:
        """Read the whole registry; return whose key has changed since, or is to change.

        Raises:
            UnavailableError: the chain does not answer.
        """
        final = await self._chain.finalized()
        before, agents = self._agents, await self._chain.queries.at(final.hash).agents()
        self._agents = agents
        changed = {a for a in agents.keys() | before.keys() if agents.get(a) != before.get(a)}
        for account in changed:
            known = self._kept.get(account)
            if known is not None and known.agent != agents.get(account):
                del self._kept[account]  # also where nobody follows the events
        return frozenset(changed | {a for a, agent in agents.items() if agent.pending is not None})

    async def prepare(self, account: AccountId, at: BlockNumber) -> None:
        """Have the answer for an account at a block at hand.

        Raises:
            UnavailableError: the chain does not answer.
        """
        known = self._kept.get(account)
        if known is None:
            known = await self._read(account)
        self._kept.move_to_end(account)
        if at >= known.since or (account, at) in self._past:
            return
        agent: Agent | _Lost | None
        try:
            block = await self._chain.block_at(at)
            agent = await self._chain.queries.at(block.hash).agent(account)
        except (HistoryError, NodeError):
            agent = _Lost()
        if agent is not None and agent == known.agent and self._kept.get(account) is known:
            # Records do not change back, so the same record held all the while.
            self._kept[account] = attrs.evolve(known, since=at)
        else:
            self._past[account, at] = agent
            _shorten(self._past)

    async def _read(self, account: AccountId) -> _Known:
        while True:
            changes = self._changes
            final = await self._chain.finalized()
            known = _Known(await self._chain.queries.at(final.hash).agent(account), final.number)
            if changes == self._changes:  # nothing of the registry came in between
                self._kept[account] = known
                _shorten(self._kept)
                return known

    def on_events(self, events: Iterable[BlockEvent]) -> None:
        """Forget what a finalised block has changed."""
        for each in events:
            agent = getattr(each.event, "agent", None)
            if each.event.pallet == "Registry" and agent is not None:
                self._changes += 1
                self._kept.pop(agent, None)


def _shorten(kept: OrderedDict[Any, Any]) -> None:
    while len(kept) > MAX_ACCOUNTS:
        kept.popitem(last=False)
