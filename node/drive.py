"""The trio runner of :class:`market.drive.Drive`: one task owns the drive, everything else speaks to it through a queue.

Theory of operation. Messages of peers, finalised heads, results of work and wishes of users wait in one bounded queue.
The owner takes what is there, steps the drive inside one batch of the database, and only when that is on the disk lets
out what the drive asked for: mail, submissions, work. So whatever anybody has seen of us is saved, and many events cost
one sync. If the disk fails, or the drive breaks, nothing of the batch went out, and the node stops: started again it
goes on from what was saved.

What the drive asks of the world is only kept here (:class:`~node.trade.outbox.Outbox`), and handed on after the batch to the post, the
submissions and the host. The chain is followed block by block, finalised blocks only.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, Protocol, TypeVar

import trio

from chain.client import Chain
from chain.errors import UnavailableError
from chain.session import BlockRef
from market.auction import requester as auctioning
from market.cases import CaseKey, Event, State
from market.drive import ABSENCE, Drive, TaskRef
from market.envelope import (
    FUTURE_BLOCKS,
    decode_envelope_untrusted,
    message_id,
    reopen,
    seal,
)
from market.errors import IllegalEventError, MarketError
from market.escrow.params import Params
from market.hashing import GenesisHash, Hash, MessageId
from market.identity import AccountId, Identity, PublicKey
from market.journal import Entry, read_row
from market.messages import Body, Cfp, Transcript
from market.ports import Host, Ports
from market.settlement import provider as serving
from market.settlement import requester as buying
from market.settlement.effects import Found, prefix_of
from market.settlement.terms import Policy
from market.units import BlockNumber, block_after
from node.database import Database
from node.journal import Journal, Numbers
from node.journal import Submissions as Stored
from node.p2p.network import Network
from node.trade.archive import Archive
from node.trade.barred import Barred
from node.trade.facts import FactsReader
from node.trade.operators import Operators
from node.trade.outbox import Outbox, Recorder
from node.trade.post import Directory, Post, Whereabouts
from node.trade.running import StoppingError
from node.trade.submissions import Signers, Submissions

__all__ = ["Observer", "Runner"]

_LOG: Final = logging.getLogger("ainur.market")
T = TypeVar("T")

QUEUE: Final = 256
"""What waits for the drive; beyond that whoever brings something waits."""
BATCH: Final = 64
"""Events that are saved together, at most."""
BEHIND: Final = 3
"""Blocks that we may lie behind and still look at each."""
AHEAD: Final = 32
"""Blocks by which a sender may be ahead of us and is waited for."""
CATCH_UP: Final = 5.0
"""Seconds for which it is."""
PAUSE: Final = 1.0
"""Seconds before a chain that is gone is looked for again."""


class Observer(Protocol):
    """Told of each step once it is saved, in order."""

    def saw(self, entry: Entry, before: State | None, after: State) -> None:
        """A case went from one state to another by an event; None before its first."""
        ...


class _Work(Generic[T]):
    """Something for the drive, and what came of it."""

    def __init__(self, act: Callable[[Drive], T]) -> None:
        self._act = act
        self._result: T | None = None
        self._error: Exception | None = None
        self.is_done = trio.Event()

    def act(self, drive: Drive) -> None:
        """Step the drive; what it refuses on purpose is for whoever brought this."""
        try:
            self._result = self._act(drive)
        except MarketError as error:
            self._error = error

    def fail(self, error: Exception) -> None:
        """Say that it was not done."""
        self._error = error
        self.is_done.set()

    async def wait(self) -> T:
        """Return what came of it, once that is saved."""
        await self.is_done.wait()
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]  # it was set by act


class Runner:
    """Runs the market of one account."""

    def __init__(
        self,
        *,
        identity: Identity,
        signers: Signers,
        chain: Chain,
        genesis: GenesisHash,
        params: Params,
        database: Database,
        network: Network,
        directory: Directory,
        topics: Iterable[Hash],
        policy: Policy | None = None,
        keys: Operators | None = None,
        signing: Callable[[PublicKey | None], Identity] | None = None,
    ) -> None:
        """Make one; :meth:`run` starts it, with a host and an observer.

        Args:
            identity: whose market.
            signers: who signs on chain.
            chain: connected.
            genesis: of that chain.
            params: of its escrows.
            database: the node's.
            network: the node's.
            directory: which peer has announced itself for an account.
            topics: audiences of calls that we listen to.
            policy: ours in new settlements.
            keys: the node's key directory; one of its own if None.
            signing: gives the identity that holds the operator key; always the same one if None.
        """
        self._signing = signing or (lambda _: identity)
        self.identity, self.genesis, self.params = identity, genesis, params
        self.chain, self.database = chain, database
        self.head = BlockNumber(0)
        """The finalised head, as far as the drive has been told."""
        self.returned_at = BlockNumber(0)
        """The first head after we were away last: not running, or asleep."""
        self._moved = trio.Event()
        self.is_present = trio.Event()
        """Set once the head is the chain's present one."""
        self.barred = Barred()
        """Whom we do not ask for now."""
        self.numbers = Numbers(database)
        self.operators = keys or Operators(chain)
        self.facts = FactsReader(chain, genesis)
        self.where = Whereabouts(directory, self.operators)
        self.post = Post(network, self.where, hear=self.hear, head=lambda: self.head)
        self.submissions = Submissions(
            chain, signers, kept=Stored(database), done=self._on_done, refused=self._on_refused
        )
        self._journal = Recorder(Journal(database))
        self._archive = Archive(Journal(database), identity, genesis)
        self._outbox = Outbox()
        ports = Ports(
            self._journal, self.numbers, self._outbox, self._outbox, self._outbox, self.operators
        )
        self._drive = Drive(identity, genesis, ports, params=params, policy=policy)
        self._topics = tuple(topics)
        self._send, self._receive = trio.open_memory_channel[_Work[Any]](QUEUE)
        self._states: dict[CaseKey, State] = {}
        self._is_stopped = False
        self.audited: Callable[[MessageId], Awaitable[None]] = _at_once
        """Returns once a transcript that was handed to the host is verified, or found wanting."""

    @property
    def cases(self) -> Mapping[CaseKey, State]:
        """Return the state of every case."""
        return self._drive.cases

    def cases_of(self, name: bytes) -> dict[CaseKey, State]:
        """Return the cases of a task, or an auction, the oldest first; those that were put away, too."""
        found = {key: state for key, state in self._drive.cases.items() if key.id == name}
        return found or self._archive.cases_of(name)

    # What the rest of the node brings.

    async def wish(self, what: Callable[[Drive], T]) -> T:
        """Have something done to the drive; return what it returned, once all of it is saved.

        Raises:
            MarketError: the drive refused it.
            StoppingError: the node stops first.
        """
        work = _Work(what)
        if self._is_stopped:
            raise StoppingError("the node is being stopped")
        await self._send.send(work)
        return await work.wait()

    async def tell(self, case: CaseKey, event: Event) -> None:
        """Tell a case what happened; what it cannot be told any more is logged."""

        def act(drive: Drive) -> None:
            if case in drive.cases:
                drive.tell(case, event)

        try:
            await self.wish(act)
        except IllegalEventError as error:
            _LOG.warning("%s %s: %s", case.kind, case.id.hex()[:12], error)

    async def hear(self, raw: bytes) -> None:
        """Take a message from the network; it is saved, or was refused, when this returns.

        Raises:
            PeerError: it is nothing to act upon.
            UnavailableError: the chain does not say whose key it is.
        """
        envelope = decode_envelope_untrusted(raw)
        await self._catch_up(envelope.issued_at)
        await self.operators.prepare(envelope.sender, envelope.issued_at)
        try:
            await self.wish(lambda drive: drive.on_message(raw, self._topics))
        except IllegalEventError as error:
            _LOG.warning("a message of %s: %s", envelope.sender.hex()[:12], error)
        if envelope.kind == "transcript":
            # What follows from a transcript comes next from the same sender, and is refused before it is verified.
            await self.audited(message_id(envelope))

    async def say(self, to: AccountId, body: Body, lifetime: int) -> None:
        """Send a message that belongs to no case, such as progress; nothing of it is kept.

        Args:
            to: whom.
            body: what.
            lifetime: blocks for which it is valid.
        """
        now = self.head
        sequence = await self.wish(lambda _: self.numbers.reserve(1))
        self.post.send(
            to,
            seal(
                body,
                identity=self.identity,
                genesis=self.genesis,
                audience=to,
                sequence=sequence,
                issued_at=now,
                expires_at=block_after(now, lifetime),
            ),
        )

    async def _catch_up(self, issued_at: BlockNumber) -> None:
        """Wait a moment for the head of a sender that is ahead of ours, rather than refuse what it says."""
        if self.head + FUTURE_BLOCKS < issued_at <= self.head + AHEAD:
            with trio.move_on_after(CATCH_UP):
                await self.wait_for_head(BlockNumber(issued_at - FUTURE_BLOCKS))

    async def wait_for_head(self, block: BlockNumber) -> None:
        """Return once the finalised head has reached a block."""
        while self.head < block:
            await self._moved.wait()

    async def _on_done(self, key: str) -> None:
        await self.wish(lambda drive: drive.on_done(key))

    async def _on_refused(self, key: str, pallet: str, variant: str) -> None:
        try:
            await self.wish(lambda drive: drive.on_refused(key, pallet, variant))
        except IllegalEventError as error:
            _LOG.warning("a refusal came too late: %s", error)

    # Running.

    async def run(
        self,
        host: Host,
        observer: Observer,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Take up what is open, then run until cancelled.

        Args:
            host: does the work; it is ready.
            observer: told of each step.

        Raises:
            DatabaseError: the disk has failed; nothing was done that is not saved.
            HistoryError: the chain is another one, or was put back.
        """
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(self.submissions.run)
                await nursery.start(self.post.run)
                self._outbox.open(self.post, self.submissions, self.recipients, host)
                last = await self._take_up(observer)
                nursery.start_soon(self._own, observer)
                nursery.start_soon(self._follow, last)
                # Only who knows the present head can make calls, and understand those of others.
                await self.is_present.wait()
                task_status.started()
        finally:
            self._is_stopped = True
            self._fail_waiting()

    async def _take_up(self, observer: Observer) -> BlockRef:
        """Play the journal, and adopt what the chain has of us that the journal does not know."""
        final = await self.chain.finalized()
        found = await self.chain.open_escrows(final.hash, self.identity.account)
        self.identity = await self._identity_at(final.number)
        self._drive.sign_with(self.identity)
        self.head = self.returned_at = final.number
        async with self.database.batch():
            self._drive.start(final.number)
            self._drive.adopt(found)
        self._states = dict(self._drive.cases)
        self._let_out(observer)
        return final

    async def _own(self, observer: Observer) -> None:
        """Be the one task that touches the drive."""
        while True:
            waiting = [await self._receive.receive()]
            while len(waiting) < BATCH:
                try:
                    waiting.append(self._receive.receive_nowait())
                except trio.WouldBlock:
                    break
            try:
                async with self.database.batch():
                    for work in waiting:
                        work.act(self._drive)
            except BaseException as error:
                if isinstance(error, Exception):
                    _LOG.error(
                        "the node stops, and goes on from here when it is started: %s", error
                    )
                for work in waiting:
                    work.fail(StoppingError("the node has failed: its log says why"))
                raise
            self._let_out(observer)
            for work in waiting:
                work.is_done.set()

    def _let_out(self, observer: Observer) -> None:
        """Say what was saved, and do what was asked for."""
        for row in self._journal.take():
            entry = read_row(row)
            after = self._drive.cases[entry.key]
            observer.saw(entry, self._states.get(entry.key), after)
            self._states[entry.key] = after
        self._outbox.let_out()

    def _fail_waiting(self) -> None:
        while True:
            try:
                work = self._receive.receive_nowait()
            except trio.WouldBlock:
                return
            work.fail(StoppingError("the node is being stopped"))

    async def _follow(self, last: BlockRef) -> None:
        """Tell the drive of each finalised block."""
        while True:
            try:
                if not self.is_present.is_set():
                    await self._look(
                        last
                    )  # on a chain that seals on demand the next block may never come
                async with self.chain.follow(block_after(last.number, 1), last=last) as blocks:
                    async for final in blocks:
                        last = final.block
                        self.operators.on_events(final.events)
                        self.facts.on_events(last.number, final.events)
                        await self._look(last)
            except UnavailableError as error:
                _LOG.warning("the chain is gone: %s", error)
                await trio.sleep(PAUSE)

    async def _look(self, block: BlockRef) -> None:
        final = await self.chain.finalized()
        if final.number > block.number + BEHIND:
            return  # we have slept: only the last blocks tell what is
        names = [(ref.requester, ref.task_id) for ref in self._drive.watched()]
        look = await self.chain.look(block.hash, self.identity.account, names)
        found: dict[TaskRef, Found | None] = {TaskRef(*n): f for n, f in look.found.items()}

        if block.number > self.head + ABSENCE:
            self.returned_at = block.number
        identity = await self._identity_at(block.number)

        def act(drive: Drive) -> None:
            drive.sign_with(identity)
            drive.on_head(block.number, found, look.offer_epoch)
            self._retire(drive)

        await self.wish(act)
        self.head, self.identity = block.number, identity
        self.is_present.set()
        self._moved.set()
        self._moved = trio.Event()

    async def _identity_at(self, block: BlockNumber) -> Identity:
        """Return who signs for the account at a block: its operator key may have been rotated."""
        account = self.identity.account
        await self.operators.prepare(account, block)
        return self._signing(self.operators.operator_key(account, block))

    def _retire(self, drive: Drive) -> None:
        """Put away what is over for good, with all that is kept for it; part of the batch that is open."""
        for key, state in drive.retire().items():
            self._states.pop(key, None)
            if isinstance(state, buying.Requester | serving.Provider):
                self.submissions.forget(prefix_of(state.task))
            else:
                self.submissions.forget(f"auction/{key.id.hex()}/")

    def recipients(self, audience: Hash, message: bytes) -> Sequence[AccountId]:
        """Return who gets what is published: those invited to a call, else all who take part in the auction.

        Its transcript goes to all who were invited: who has bid in vain, because its bid came too late or we were
        away, keeps a slot free for it until it hears that it is over.
        """
        body = reopen(message).body
        if isinstance(body, Cfp):
            return body.invited
        state = self._drive.cases.get(CaseKey("auction", audience))
        if not isinstance(state, auctioning.Requester):
            return ()
        everybody = {*state.taken, *state.cfp.invited}
        return tuple(sorted(everybody) if isinstance(body, Transcript) else state.taken)


async def _at_once(_: MessageId) -> None:
    await trio.lowlevel.checkpoint()
