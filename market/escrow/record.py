"""An escrow as the chain stores it, and what of the chain its rules read.

Source: ``pallets/escrow/src/types.rs``.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final

import attrs

from market.escrow.params import Params
from market.hashing import GenesisHash, Hash, TaskId
from market.identity import AccountId
from market.offer import Offer, hash_offer
from market.units import BlockNumber, Planck

__all__ = ["TERMINAL", "Chain", "Dispute", "Escrow", "Party", "Reason", "State", "record_of"]

_NOTHING: Final = Planck(0)


class State(Enum):
    """Where an escrow stands; the values are the chain's names."""

    OPEN = "Open"
    """Funded by the requester; the provider has not bound itself."""
    ACCEPTED = "Accepted"
    """Both are bound; the provider works on the current milestone."""
    DELIVERED = "Delivered"
    """The provider has put the current milestone's result hash on chain."""
    DISPUTED = "Disputed"
    """The arbiter is asked."""
    ESCALATED = "Escalated"
    """The first arbiter was silent; the chain's own is asked."""
    RELEASED = "Released"
    """Paid."""
    CANCELLED = "Cancelled"
    """Ended before the provider bound itself."""
    REFUNDED = "Refunded"
    """Given back by the provider."""
    EXPIRED = "Expired"
    """The provider missed its deadline."""
    RULED = "Ruled"
    """Ruled upon."""
    SPLIT = "Split"
    """Both arbiters were silent."""


TERMINAL: Final = frozenset(
    {
        State.RELEASED,
        State.CANCELLED,
        State.REFUNDED,
        State.EXPIRED,
        State.RULED,
        State.SPLIT,
    }
)
"""The states that nothing follows."""


class Party(Enum):
    """One of the two sides."""

    REQUESTER = "Requester"
    PROVIDER = "Provider"


class Reason(Enum):
    """What a dispute is about."""

    INPUT_WITHHELD = "InputWithheld"
    """The provider's only reason, and only before it delivers."""
    RESULT_WITHHELD = "ResultWithheld"
    RESULT_WRONG = "ResultWrong"


@attrs.frozen
class Dispute:
    """A dispute, from when it is raised to the end."""

    by: Party
    reason: Reason
    evidence: Hash
    """Of what the arbiter is shown."""


@attrs.frozen(kw_only=True)
class Escrow:
    """An escrow's record."""

    requester: AccountId
    """Who pays. Everything held is held from this account."""
    provider: AccountId
    task_id: TaskId
    attempt: int
    price: Planck
    milestones: tuple[Planck, ...]
    milestone: int = 0
    """The one at hand, from 0; those before it are paid."""
    paid: Planck = _NOTHING
    """To the provider so far."""
    input_hash: Hash
    slot: Hash
    terms: Hash
    arbiter: AccountId | None
    deliver_within: int
    """Blocks for each milestone."""
    review_blocks: int
    """Blocks in which a delivery may be disputed."""
    valid_until: BlockNumber
    """The offer's; the record is kept past it."""
    offer_hash: Hash
    state: State = State.OPEN
    ruling: int | None = None
    """Once ruled upon: the provider's part of the disputed milestone, basis points."""
    deadline: BlockNumber
    """The last block of this state; of a terminal state, the block at which it was reached."""
    result: Hash | None = None
    """Of the current milestone, once delivered."""
    dispute: Dispute | None = None
    cancel_requested: bool = False
    """The requester has asked the provider to give the work back."""
    slash_base: Planck = _NOTHING
    """Active and unlocking bond of the provider when it accepted."""
    dispute_deposit: Planck
    """D: what the loser of a dispute pays; held from the requester until the end."""
    record_deposit: Planck
    """Held from the requester until the record is pruned."""

    @property
    def unit(self) -> Planck:
        """Return the current milestone's amount."""
        return self.milestones[self.milestone]

    @property
    def remaining(self) -> Planck:
        """Return what is not paid yet, the current milestone included."""
        return Planck(self.price - self.paid)

    @property
    def is_last_milestone(self) -> bool:
        """Return whether no milestone follows the current one."""
        return self.milestone + 1 == len(self.milestones)

    def held(self, params: Params) -> Planck:
        """Return what the requester's hold carries for this escrow.

        Source: ``EscrowRecord::held``.
        """
        if self.state in TERMINAL:
            return self.record_deposit
        left = sum(unit + params.fee(unit) for unit in self.milestones[self.milestone :])
        return Planck(left + self.dispute_deposit + self.record_deposit)


def record_of(offer: Offer, params: Params, deadline: BlockNumber) -> Escrow:
    """Return the record that an offer opens.

    Args:
        offer: which has passed the checks of an opening.
        params: the chain's.
        deadline: the last block to accept at.

    Source: ``fn record``.
    """
    return Escrow(
        requester=offer.requester,
        provider=offer.provider,
        task_id=offer.task_id,
        attempt=offer.attempt,
        price=offer.price,
        milestones=offer.milestones,
        input_hash=offer.input_hash,
        slot=offer.slot,
        terms=offer.terms,
        arbiter=offer.arbiter,
        deliver_within=offer.deliver_within,
        review_blocks=offer.review_blocks,
        valid_until=offer.valid_until,
        offer_hash=hash_offer(offer),
        deadline=deadline,
        dispute_deposit=params.dispute_deposit(offer.price),
        record_deposit=params.record_deposit,
    )


@attrs.frozen(kw_only=True)
class Chain:
    """What the rules read of the chain at one block."""

    now: BlockNumber
    """The block being made."""
    params: Params
    genesis: GenesisHash
    treasury: AccountId
    min_price: Planck
    """The least amount of a milestone: the existential deposit, so that paying it cannot fail."""
    operators: Mapping[AccountId, AccountId] = attrs.field(factory=dict[AccountId, AccountId])
    """The operator keys of agents that do not operate themselves."""
    registered: frozenset[AccountId] = frozenset()
    compromised: frozenset[AccountId] = frozenset()
    """Agents whose cold account has flagged them."""
    arbiters: frozenset[AccountId] = frozenset()
    """Accounts with the active role of an arbiter."""
    offer_epochs: Mapping[AccountId, int] = attrs.field(factory=dict[AccountId, int])
    """Of the providers that ever revoked their offers."""
    take_on: Callable[[AccountId, Planck], Planck]
    """What bonds and scores answer a provider that accepts so much work: the slash base, or a refusal."""

    def operator_of(self, agent: AccountId) -> AccountId:
        """Return the key that signs and acts for an agent."""
        return self.operators.get(agent, agent)

    def may_commit(self, agent: AccountId) -> bool:
        """Return whether an agent may take on work."""
        return agent in self.registered and agent not in self.compromised
