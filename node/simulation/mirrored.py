"""The chain's rules as the market mirrors them, as a backend of a simulation."""

from collections.abc import Mapping, Sequence

import attrs

from market import mirror
from market.auction.facts import AccountFacts
from market.errors import RefusedError
from market.escrow.calls import Effect
from market.escrow.entries import open_escrow, open_with_offer
from market.escrow.machine import step
from market.escrow.params import Params
from market.escrow.record import TERMINAL, Chain, Escrow, State
from market.hashing import GenesisHash, TaskId
from market.identity import AccountId, PublicKey
from market.ledger import HoldReason
from market.ports import Remark
from market.reputation import book as standing
from market.reputation.params import Params as ReputationParams
from market.reputation.settlement import take_on
from market.settlement.effects import Found, OpenEscrow
from market.standing import EscrowId, Terminal
from market.units import BlockNumber, Planck
from node.simulation.chain import Signed

__all__ = ["Ledgers", "Mirrored"]


@attrs.frozen(kw_only=True)
class Ledgers:
    """All that the chain stores, at the end of one block."""

    book: standing.Book
    escrows: Mapping[EscrowId, Escrow] = attrs.field(factory=dict[EscrowId, Escrow])
    index: Mapping[tuple[AccountId, TaskId], EscrowId] = attrs.field(
        factory=dict[tuple[AccountId, TaskId], EscrowId]
    )
    ended: tuple[Terminal, ...] = ()
    """The last transitions of this block."""


class Mirrored:
    """Blocks are values here, so that going back to one costs nothing."""

    def __init__(
        self,
        book: standing.Book,
        *,
        genesis: GenesisHash,
        now: BlockNumber,
        params: Params,
        reputation: ReputationParams,
        registered: frozenset[AccountId],
        arbiters: frozenset[AccountId],
    ) -> None:
        self.genesis = genesis
        self._params, self._reputation = params, reputation
        self._registered, self._arbiters = registered, arbiters
        self._first = now
        self._blocks = [Ledgers(book=book)]

    @property
    def head(self) -> BlockNumber:
        """Return the best block."""
        return BlockNumber(self._first + len(self._blocks) - 1)

    def at(self, block: BlockNumber) -> Ledgers:
        """Return what was stored at the end of a block."""
        return self._blocks[block - self._first]

    def build(self, calls: Sequence[Signed]) -> list[RefusedError | None]:
        """Make a block on the best one, of these calls in this order."""
        ledgers = attrs.evolve(self._blocks[-1], ended=())
        now = BlockNumber(self.head + 1)
        refusals: list[RefusedError | None] = []
        for signed in calls:
            try:
                ledgers = self.carry_out(ledgers, signed, now)
                refusals.append(None)
            except RefusedError as error:
                refusals.append(error)
        self._blocks.append(ledgers)
        return refusals

    def rewind(self, to: BlockNumber) -> None:
        """Make an earlier block the best one."""
        del self._blocks[to - self._first + 1 :]

    def carry_out(self, ledgers: Ledgers, signed: Signed, now: BlockNumber) -> Ledgers:
        """Return what is stored after one call.

        Raises:
            RefusedError: the chain refuses it.
        """
        what = signed.what
        if isinstance(what, Remark):
            return ledgers
        view = self._view(ledgers, now)
        chain = self._chain(ledgers, now, view)
        if isinstance(what, OpenEscrow):
            offer = what.offer
            name = (offer.requester, offer.task_id)
            last = ledgers.escrows.get(ledgers.index.get(name, EscrowId(-1)))
            if what.signature is None:
                opened, effects = open_escrow(offer, signed.by, chain, last)
            else:
                opened, effects = open_with_offer(offer, what.signature, signed.by, chain, last)
            number = EscrowId(len(ledgers.escrows))
            ledgers = self._store(ledgers, number, opened, effects, view)
            return attrs.evolve(ledgers, index={**ledgers.index, name: number})
        following, effects = step(ledgers.escrows.get(what.escrow), what.call, chain)
        if following is None:
            raise NotImplementedError("simulations end before a record may be pruned")
        return self._store(ledgers, what.escrow, following, effects, view)

    def _store(
        self,
        ledgers: Ledgers,
        number: EscrowId,
        escrow: Escrow,
        effects: list[Effect],
        view: standing.Chain,
    ) -> Ledgers:
        return attrs.evolve(
            ledgers,
            book=mirror.carry_out(ledgers.book, effects, view),
            escrows={**ledgers.escrows, number: escrow},
            ended=(*ledgers.ended, *(e for e in effects if isinstance(e, Terminal))),
        )

    def _view(self, ledgers: Ledgers, now: BlockNumber) -> standing.Chain:
        ended = {
            number: standing.Ended(escrow.provider, escrow.deadline)
            for number, escrow in ledgers.escrows.items()
            if escrow.state in TERMINAL - {State.CANCELLED}
        }
        return standing.Chain(now=now, params=self._reputation, genesis=self.genesis, ended=ended)

    def _chain(self, ledgers: Ledgers, now: BlockNumber, view: standing.Chain) -> Chain:
        def answer(provider: AccountId, amount: Planck) -> Planck:
            return take_on(ledgers.book, provider, amount, view)[1]

        books = ledgers.book.ledger
        return Chain(
            now=now,
            params=self._params,
            genesis=self.genesis,
            treasury=books.treasury,
            min_price=books.existential_deposit,
            registered=self._registered,
            arbiters=self._arbiters,
            take_on=answer,
        )

    def found(self, requester: AccountId, task: TaskId, at: BlockNumber) -> Found | None:
        """Return the last escrow at a task."""
        ledgers = self.at(at)
        number = ledgers.index.get((requester, task))
        return None if number is None else Found(number, ledgers.escrows[number])

    def escrows(self, at: BlockNumber) -> dict[EscrowId, Escrow]:
        """Return all escrows."""
        return dict(self.at(at).escrows)

    def account(self, who: AccountId, at: BlockNumber) -> AccountFacts:
        """Return what an auction asks about an account."""
        book = self.at(at).book
        record = book.record(who)
        limit = record.exposure_limit(self._reputation)
        since = record.bonded_since
        spendable = max(book.ledger.free_of(who) - book.ledger.existential_deposit, 0)
        return AccountFacts(
            account=who,
            key=PublicKey(who),
            is_eligible=since is not None and since < at and record.suspended_at is None,
            score=record.effective,
            headroom=Planck(max(limit - record.exposure, 0)),
            free=Planck(spendable),
        )

    def score(self, who: AccountId, at: BlockNumber) -> int:
        """Return a score, milli-points."""
        return self.at(at).book.record(who).score

    def audit(self) -> list[str]:
        """Return what is wrong with the best block's money: made, lost, or held for nothing."""
        now = self._blocks[-1]
        books, wrong = now.book.ledger, list[str]()
        if sum(books.free.values()) + sum(books.held.values()) != books.issued:
            wrong.append("money was made or lost")
        for who in {escrow.requester for escrow in now.escrows.values()}:
            mine = [e for e in now.escrows.values() if e.requester == who]
            if books.held_of(HoldReason.ESCROW, who) != sum(e.held(self._params) for e in mine):
                wrong.append("what is held is not what the escrows say")
        return wrong
