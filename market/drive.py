"""The loop that runs all machines of a node: an event in, saved, effects out.

Theory of operation. ``tell`` steps a case's machine, *saves* the event if it changed anything, and only then carries out
the effects. So whatever a peer or the chain has seen of us is in the journal. After a crash :meth:`Drive.start` plays
the journal, arrives at the same states with the same signed bytes, and asks again for what each case waits for;
what was asked for before the crash is harmless to repeat (:mod:`market.ports`).

The chain is the truth and the journal a cache: at every finalised head :meth:`Drive.on_head` is told what the chain has
for every open task, and an escrow that the journal does not know is adopted from its record alone.

An auction hands its winners over to settlements, and takes back what could not be opened by a provider's fault.
Both may happen again after a crash; a case that is there is not begun again.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import attrs

from market.auction import bidder, requester
from market.auction.effects import (
    Accuse,
    Anchor,
    Conclude,
    DecidedToBid,
    FactsRead,
    HeadMoved,
    Ignored,
    Opening,
    PostReveal,
    Publish,
    ReadFacts,
    RootAnchored,
    Send,
)
from market.auction.facts import Facts
from market.auction.funds import require_funded
from market.cases import (
    AuctionBegun,
    Beginning,
    CallHeard,
    CaseKey,
    Effect,
    Event,
    PurchaseAdopted,
    ServiceAdopted,
    ServiceBegun,
    State,
    begin,
    buy_key,
    is_drafted,
    is_over,
    resume,
    serve_key,
    step,
)
from market.envelope import Opened, expect, open_untrusted, reopen, require_current
from market.errors import AgreementError, UsageError
from market.escrow.params import Params
from market.handover import expected_terms, failed_opening, purchases_of
from market.hashing import GenesisHash, Hash, TaskId
from market.identity import AccountId, Identity
from market.journal import Entry, Row, event_prefix, read_row, row_of
from market.messages import (
    Agreement,
    Ask,
    Body,
    Cfp,
    Transcript,
)
from market.offer import NO_SLOT
from market.ports import Ports, Remark
from market.retirement import retired
from market.routes import route
from market.settlement import provider as serving
from market.settlement import requester as buying
from market.settlement.effects import (
    AgreementReceived,
    CallRefused,
    ChainSeen,
    Examine,
    FetchInput,
    Found,
    Grant,
    Perform,
    Settled,
    Stop,
    Submit,
    WasAway,
    prefix_of,
)
from market.settlement.terms import Policy
from market.steps import SEQUENCES_PER_STEP, Step
from market.units import MAX_BLOCK, BlockNumber

__all__ = ["ABSENCE", "Drive", "TaskRef", "replay"]

_NUMBERS: Final = 1024
"""Sequence numbers reserved at a time."""
ABSENCE: Final = 5
"""Blocks by which the head moves at once where we have been asleep."""


@attrs.frozen
class TaskRef:
    """A task, as the chain's index knows it."""

    requester: AccountId
    task_id: TaskId


def replay(
    rows: Iterable[Row], cases: dict[CaseKey, State], identity: Identity, genesis: GenesisHash
) -> Iterator[Entry]:
    """Play rows of a journal, and yield each as it is understood.

    Args:
        rows: in the order in which they were appended.
        cases: where the cases come to stand.
        identity: whose they are.
        genesis: hash of the chain's block 0.

    Raises:
        UsageError: a row cannot be read.
    """
    for row in rows:
        entry = read_row(row)
        at = Step(entry.block, identity, genesis, entry.sequence, entry.said)
        state = cases.get(entry.key)
        if state is None:
            _, cases[entry.key] = begin(entry.event, at)  # type: ignore[arg-type]  # the first row of a case is its beginning
        else:
            cases[entry.key], _ = step(state, entry.event, at)  # type: ignore[arg-type]  # and no other is
        yield entry


class Drive:
    """All cases of one account."""

    def __init__(
        self,
        identity: Identity,
        genesis: GenesisHash,
        ports: Ports,
        *,
        params: Params,
        policy: Policy | None = None,
    ) -> None:
        """Make one; call :meth:`start` before anything else.

        Args:
            identity: whose cases.
            genesis: hash of the chain's block 0.
            ports: the world.
            params: the chain's periods and deposits.
            policy: ours in new settlements.
        """
        self._identity = identity
        self._genesis = genesis
        self._ports = ports
        self._params = params
        self._policy = policy or Policy()
        self._cases: dict[CaseKey, State] = {}
        self._rows: dict[CaseKey, int] = {}
        self._touched: dict[CaseKey, BlockNumber] = {}
        self._now = BlockNumber(0)
        self._offer_epoch = 0
        self._next, self._end = 0, 0

    @property
    def cases(self) -> Mapping[CaseKey, State]:
        """Return the state of every case."""
        return self._cases

    @property
    def now(self) -> BlockNumber:
        """Return the finalised head that it was told last."""
        return self._now

    def sign_with(self, identity: Identity) -> None:
        """Sign with another key of the same account from now on: it was rotated.

        Raises:
            UsageError: it is another account's.
        """
        if identity.account != self._identity.account:
            raise UsageError("the cases are another account's: sign with a key of theirs")
        self._identity = identity

    # Starting.

    def start(self, now: BlockNumber) -> None:
        """Play the journal, and ask again for what each open case waits for.

        Args:
            now: the finalised head.

        Raises:
            UsageError: the journal cannot be read.
        """
        for entry in replay(self._ports.journal.load(), self._cases, self._identity, self._genesis):
            self._now = max(self._now, entry.block)
            self._rows[entry.key] = entry.number + 1
            self._touched[entry.key] = entry.block
        has_moved = now > self._now
        self._now = max(self._now, now)
        for key, state in list(self._cases.items()):
            if is_drafted(state):  # the crash came between its beginning and its first message
                self.tell(key, Opening())
            else:
                self._perform(key, resume(state, self._present()))
        if has_moved:
            self._was_away()

    def _was_away(self) -> None:
        """Tell purchases that wait for an answer that nobody could have heard it."""
        for key, state in list(self._cases.items()):
            if isinstance(state, buying.Requester) and state.phase is buying.Phase.PROPOSED:
                self.tell(key, WasAway())

    def _present(self) -> Step:
        if self._end - self._next < SEQUENCES_PER_STEP:
            self._next = self._ports.numbers.reserve(_NUMBERS)
            self._end = self._next + _NUMBERS
        return Step(self._now, self._identity, self._genesis, self._next)

    # Save, then act.

    def tell(self, key: CaseKey, event: Event) -> None:
        """Tell a case what happened.

        Raises:
            UsageError: there is no such case, or its own decision does not fit.
            IllegalEventError: the event cannot happen in its phase.
        """
        state = self._cases.get(key)
        if state is None:
            raise UsageError(f"no case {key.kind} {key.id.hex()[:16]}: it was never begun")
        at = self._present()
        after, effects = step(state, event, at)
        if after is not state or at.said:
            self._save(key, event, at)
            self._cases[key] = after
        self._perform(key, effects)

    def _begin(self, beginning: Beginning) -> CaseKey:
        at = self._present()
        key, state = begin(beginning, at)
        if key in self._cases:
            return key
        self._save(key, beginning, at)
        self._cases[key] = state
        return key

    def _save(self, key: CaseKey, event: Beginning | Event, at: Step) -> None:
        number = self._rows.get(key, 0)
        self._ports.journal.append(row_of(key, number, event, at))
        self._rows[key] = number + 1
        self._touched[key] = at.now
        if at.said:
            self._next += SEQUENCES_PER_STEP

    def retire(self) -> dict[CaseKey, State]:
        """Put cases away of which nothing can come any more; return them as they were."""
        gone = {key: self._cases[key] for key in retired(self._cases, self._touched, self._now)}
        for key in gone:
            self._ports.journal.retire(key.id, event_prefix(key))
            del self._cases[key], self._rows[key], self._touched[key]
        return gone

    # What a user or the node's own agents want.

    def announce(
        self, cfp: Cfp, audience: Hash, barred: frozenset[AccountId] = frozenset()
    ) -> CaseKey:
        """Call for proposals.

        Raises:
            UsageError: see :func:`market.auction.requester.announce`.
        """
        key = self._begin(AuctionBegun(cfp, audience, barred))
        self.tell(key, Opening())
        return key

    def bid(self, call: Opened[Cfp], ask: Ask, nonce: bytes, facts: Facts) -> CaseKey:
        """Bid in somebody's auction.

        Args:
            call: as it was heard.
            ask: our bid.
            nonce: 32 random bytes.
            facts: the chain's, at the call's facts block; of the requester at least.

        Raises:
            FundsError: the requester could not pay for what it calls for.
            UsageError: the ask does not fit the call, or comes too late.
        """
        require_funded(call, facts, self._params)
        key = self._begin(CallHeard(call))
        state = self._cases[key]
        if isinstance(state, bidder.Bidder) and state.phase is bidder.Phase.HEARD:
            self.tell(key, DecidedToBid(ask, nonce))
        return key

    def adopt(self, found: Iterable[Found]) -> None:
        """Take over escrows of ours that are open on chain, as far as they are not known."""
        for each in found:
            if each.escrow.requester == self._identity.account:
                key = buy_key(each.escrow)
                beginning: Beginning = PurchaseAdopted(each, self._policy)
            else:
                key = serve_key(each.escrow)
                beginning = ServiceAdopted(each, self._policy)
            if key not in self._cases:
                self._begin(beginning)

    # What the chain says.

    def watched(self) -> tuple[TaskRef, ...]:
        """Return the tasks whose escrows :meth:`on_head` wants to be told."""
        return tuple(
            dict.fromkeys(
                TaskRef(state.task.requester, TaskId(state.task.task_id))
                for state in self._cases.values()
                if isinstance(state, buying.Requester | serving.Provider) and not is_over(state)
            )
        )

    def on_head(
        self, now: BlockNumber, found: Mapping[TaskRef, Found | None], offer_epoch: int = 0
    ) -> None:
        """The finalised head moved.

        Args:
            now: its block number.
            found: what that very block has for each task of :meth:`watched`; tasks that are missing
                are told at the next head.
            offer_epoch: of our own offers.
        """
        if now < self._now:
            return  # a node that has fallen back says nothing new
        is_awake = now <= self._now + ABSENCE
        self._now = now
        self._offer_epoch = offer_epoch
        if not is_awake:
            self._was_away()
        for key, state in list(self._cases.items()):
            if isinstance(state, buying.Requester | serving.Provider):
                ref = TaskRef(state.task.requester, TaskId(state.task.task_id))
                if ref in found and not is_over(state):
                    self.tell(key, ChainSeen(found[ref]))
            elif not is_over(state):
                self.tell(key, HeadMoved())

    def on_done(self, key: str) -> None:
        """A submission was carried out, finally."""
        for case, state in list(self._cases.items()):
            if key == _anchor_key(case) and isinstance(state, requester.Requester):
                if state.phase is requester.Phase.CLOSED:
                    self.tell(case, RootAnchored())
                return

    def on_refused(self, key: str, pallet: str, variant: str) -> None:
        """A submission was refused by the chain, finally."""
        for case, state in list(self._cases.items()):
            if isinstance(state, buying.Requester | serving.Provider) and key.startswith(
                prefix_of(state.task)
            ):
                self.tell(case, CallRefused(key, pallet, variant))
                return

    def on_facts(self, key: CaseKey, facts: Facts) -> None:
        """The facts that an auction asked for were read; asked for twice, the second answer is dropped."""
        state = self._cases.get(key)
        if isinstance(state, requester.Requester) and state.phase is requester.Phase.CLEARED:
            self.tell(key, FactsRead(facts))

    # What peers say.

    def on_message(self, raw: bytes, topics: Iterable[Hash] = ()) -> None:
        """Take a message from the network.

        Machines tell a copy by its id and answer it with what they said before, so messages for them pass no
        replay window; what is handed to :meth:`market.ports.Host.other` is its own to filter.

        Args:
            raw: the envelope.
            topics: audiences that we listen to, besides our account and the auctions that we know.

        Raises:
            PeerError: it is malformed, badly signed, or not to be acted upon now: drop it.
        """
        message = open_untrusted(raw, genesis=self._genesis, keys=self._ports.keys)
        known = {bytes(key.id) for key in self._cases if key.kind in ("auction", "bid")}
        audiences = {bytes(self._identity.account), *known, *topics}
        require_current(message, audiences=audiences, now=self._now, max_lifetime=MAX_BLOCK)
        self._route(message)

    def _route(self, message: Opened[Body]) -> None:
        host = self._ports.host
        routed = route(message, self._identity.account)
        if routed is not None:
            key, event = routed
            if key in self._cases:
                self.tell(key, event)
            elif isinstance(event, AgreementReceived) and key.kind == "serve":
                self._consider(key, event.message)
            return
        match message.body:
            case Cfp():
                host.heard(expect(message, Cfp))
            case Transcript(auction=auction):
                state = self._cases.get(CaseKey("bid", auction))
                if isinstance(state, bidder.Bidder) and message.id not in state.transcripts:
                    host.audit(CaseKey("bid", auction), expect(message, Transcript))
            case _:
                host.other(message)

    def _consider(self, key: CaseKey, message: Opened[Agreement]) -> None:
        """Begin to serve a task that was proposed, if it is one that we were awarded."""
        bid = self._cases.get(CaseKey("bid", message.body.terms.auction))
        try:
            expected = expected_terms(bid, message, self._identity.account)
            self._begin(ServiceBegun(message, expected, self._policy, self._offer_epoch, NO_SLOT))
        except AgreementError as error:
            self._ports.host.ignored(key, Ignored(message.sender, str(error)))
        else:
            self._perform(key, resume(self._cases[key], self._present()))

    # Effects.

    def _perform(self, key: CaseKey, effects: Iterable[Effect]) -> None:
        for effect in effects:
            self._do(key, effect)

    def _do(self, key: CaseKey, effect: Effect) -> None:
        ports = self._ports
        match effect:
            case Send(to, message):
                ports.net.send(to, message)
            case Publish(message):
                ports.net.publish(reopen(message).audience, message)
            case Submit(name, what):
                ports.chain.submit(name, what)
            case Anchor(hash_):
                ports.chain.submit(_anchor_key(key), Remark(hash_))
            case PostReveal(message):
                ports.chain.submit(f"auction/{key.id.hex()}/reveal", Remark(message))
            case ReadFacts(block, accounts):
                ports.host.read_facts(key, block, accounts)
            case Grant(to, blob):
                ports.host.grant(to, blob)
            case FetchInput(source, blob):
                ports.host.fetch_input(key, source, blob)
            case Examine(source, milestone, result):
                ports.host.examine(key, source, milestone, result)
            case Perform(milestone):
                ports.host.perform(key, milestone)
            case Stop():
                ports.host.stop(key)
            case Accuse():
                ports.host.accuse(key, effect)
            case Ignored():
                ports.host.ignored(key, effect)
            case Conclude():
                self._on_conclusion(key, effect)
            case Settled(outcome):
                ports.host.settled(key, outcome)
                self._on_settled(key)

    def _on_conclusion(self, key: CaseKey, conclusion: Conclude) -> None:
        """Publish the transcript, and begin to buy what was awarded."""
        self._ports.net.publish(Hash(key.id), conclusion.transcript)
        self._ports.host.concluded(key, conclusion)
        state = self._cases[key]
        if not conclusion.is_awarded or not isinstance(state, requester.Requester):
            return
        us, known = self._identity.account, tuple(self._cases.values())
        for each in purchases_of(state, us, self._policy, known):
            if isinstance(each, Ignored):
                self._ports.host.ignored(key, each)
            elif buy_key(each.terms) not in self._cases:
                self.tell(self._begin(each), Opening())

    def _on_settled(self, key: CaseKey) -> None:
        """Give a task back to its auction, where the provider kept its escrow from being opened."""
        state = self._cases[key]
        if isinstance(state, buying.Requester) and state.terms is not None:
            auction = self._cases.get(CaseKey("auction", state.terms.auction))
            failed = failed_opening(state, auction)
            if failed is not None:
                self.tell(*failed)


def _anchor_key(case: CaseKey) -> str:
    return f"auction/{case.id.hex()}/anchor"
