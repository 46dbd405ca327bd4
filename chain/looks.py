"""What a node asks of one block at once: its open tasks, and the facts that an auction is decided by.

Each of these is one visit to the worker thread, whatever the number of accounts and tasks.
"""

from collections.abc import Iterable

import attrs

from chain.errors import MismatchError
from chain.queries import AGENTS, ESCROWS, LIVE, OFFER_EPOCHS, REPUTATION, STANDINGS, TASKS
from chain.records.registry import Agent
from chain.session import Session
from chain.units import OfferEpoch
from market.auction.facts import AccountFacts
from market.hashing import TaskId
from market.identity import AccountId, PublicKey
from market.reputation.params import Params as ReputationParams
from market.reputation.record import Record as Standing
from market.settlement.effects import Found
from market.standing import EscrowId
from market.units import MAX_AMOUNT, BlockNumber, Planck

__all__ = ["Look", "TaskName", "account_facts", "look_at", "read_account_facts", "read_open"]

TaskName = tuple[AccountId, TaskId]
"""A task by its requester and its id, as the chain's index has it."""


@attrs.frozen
class Look:
    """What a block has of us."""

    found: dict[TaskName, Found | None]
    """The last escrow at each task that was asked for."""
    offer_epoch: OfferEpoch


def look_at(session: Session, block: str, account: AccountId, tasks: Iterable[TaskName]) -> Look:
    """Return what a block has for some tasks, and the epoch of an account's offers."""
    found: dict[TaskName, Found | None] = {}
    for requester, task in tasks:
        entry = session.read(TASKS, requester, task, at=block)
        found[requester, task] = None if entry is None else _escrow(session, entry.escrow, block)
    epoch = session.read(OFFER_EPOCHS, account, at=block)
    return Look(found, epoch or OfferEpoch(0))


def read_open(session: Session, block: str, account: AccountId) -> list[Found]:
    """Return the escrows of an account that have not ended, on either side: what a restarted node resumes."""
    live = (number for (_, number), _ in session.entries(LIVE, account, at=block))
    escrows = (_escrow(session, number, block) for number in sorted(live))
    return [found for found in escrows if found is not None]


def read_account_facts(
    session: Session, block: str, number: BlockNumber, accounts: Iterable[AccountId]
) -> tuple[AccountFacts, ...]:
    """Return what an auction asks about accounts, sorted.

    Args:
        block: hash of the facts block.
        number: its height.
        accounts: in any order.

    Raises:
        MismatchError: the chain has no bonds and scores.
    """
    params = session.read(REPUTATION, at=block)
    deposit = int(session.constant("Balances", "ExistentialDeposit"))
    rows = []
    for account in sorted(set(accounts)):
        standing = session.read(STANDINGS, account, at=block)
        if standing is None or params is None:
            raise MismatchError("the chain has no reputation pallet: it is another one")
        agent = session.read(AGENTS, account, at=block)
        free = Planck(max(session.free_balance(account, block) - deposit, 0))
        rows.append(account_facts(account, agent, standing, params, free, number))
    return tuple(rows)


def account_facts(
    account: AccountId,
    agent: Agent | None,
    standing: Standing,
    params: ReputationParams,
    free: Planck,
    at: BlockNumber,
) -> AccountFacts:
    """Return what an auction asks about an account.

    Args:
        account: whose.
        agent: its record in the registry; None where it is not registered.
        standing: its bond and score.
        params: of bonds and scores.
        free: what it may spend, planck.
        at: the block of all these.
    """
    since = standing.bonded_since
    room = max(standing.exposure_limit(params) - standing.exposure, 0)
    return AccountFacts(
        account=account,
        key=PublicKey(account if agent is None else agent.operator_at(at)),
        is_eligible=since is not None and since < at and standing.suspended_at is None,
        score=standing.effective,
        headroom=Planck(min(room, MAX_AMOUNT)),
        free=Planck(min(free, MAX_AMOUNT)),
    )


def _escrow(session: Session, number: EscrowId, block: str) -> Found | None:
    escrow = session.read(ESCROWS, number, at=block)
    return None if escrow is None else Found(number, escrow)
