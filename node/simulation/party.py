"""One account of a simulation: the real drive, over a simulated disk, network, chain and agent.

A party is all of the drive's ports at once. Before and after everything that it does for the drive it may crash:
then the drive is gone, and another one is started from what the disk has kept.
"""

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from market.auction import requester
from market.auction.effects import Accuse, Conclude, Ignored, TranscriptReceived
from market.auction.facts import Facts
from market.cases import CaseKey, Event
from market.drive import Drive
from market.envelope import Opened
from market.errors import FundsError, PeerError, UsageError
from market.escrow.record import TERMINAL
from market.hashing import Hash
from market.identity import AccountId, Identity, PublicKey
from market.journal import Row
from market.messages import Blob, Body, Cfp, Transcript
from market.ports import Ports, Submission
from market.settlement import requester as buying
from market.settlement.effects import (
    CancelWanted,
    Found,
    InputChecked,
    OnEscrow,
    Outcome,
    ResultChecked,
    WorkDone,
    WorkStarted,
)
from market.units import BlockNumber
from node.simulation.chain import Signed
from node.simulation.disk import Disk
from node.simulation.plan import Conduct

if TYPE_CHECKING:
    from node.simulation.tasks import TaskWorld

__all__ = ["CrashError", "Party"]


P = ParamSpec("P")


class CrashError(BaseException):
    """The power went; not an error that anything may handle on the way."""


def _effect(
    method: Callable[Concatenate["Party", P], None],
) -> Callable[Concatenate["Party", P], None]:
    """Let the power go before or after a port's call."""

    @functools.wraps(method)
    def around(self: "Party", *args: P.args, **kwargs: P.kwargs) -> None:
        self.point(f"before {method.__name__}")
        method(self, *args, **kwargs)
        self.point(f"after {method.__name__}")

    return around  # type: ignore[return-value]  # wraps() gives a type that names the first argument


class Party:
    """A requester or a provider; which of them follows from what it is asked to do."""

    def __init__(self, world: "TaskWorld", identity: Identity, conduct: Conduct, name: str) -> None:
        self.world = world
        self.identity = identity
        self.conduct = conduct
        self.name = name
        self.disk = Disk()
        self.drive: Drive | None = None
        self.crashes = 0
        self.outcomes: dict[CaseKey, Outcome] = {}
        self.conclusions: dict[CaseKey, Conclude] = {}
        self.accusations: list[Accuse] = []
        self._granted: set[tuple[AccountId, Hash]] = set()
        self._running: set[tuple[CaseKey, int]] = set()
        self._told: set[str] = set()
        self._bids: set[bytes] = set()

    @property
    def account(self) -> AccountId:
        """Return its account."""
        return self.identity.account

    # Life.

    def boot(self) -> None:
        """Start a drive from what the disk has."""
        self._granted, self._running, self._told = set(), set(), set()
        self._bids = set()
        ports = Ports(self, self, self, self, self, self)
        drive = Drive(
            self.identity,
            self.world.genesis,
            ports,
            params=self.world.params,
            policy=self.world.policy,
        )
        self.world.guard(self, lambda: self._start(drive))

    def _start(self, drive: Drive) -> None:
        self.drive = drive
        head, us = self.world.seen_head(), self.account
        drive.start(head)
        escrows = self.world.chain.backend.escrows(head)
        drive.adopt(
            Found(number, escrow)
            for number, escrow in escrows.items()
            if us in (escrow.requester, escrow.provider) and escrow.state not in TERMINAL
        )
        self.world.note(self, f"starts with {len(drive.cases)} cases")

    def crash(self) -> None:
        """Lose everything but the disk."""
        self.crashes += 1
        self.drive = None
        self.disk.crash(self.world.rng)

    def point(self, what: str) -> None:
        """Be somewhere where the power may go."""
        self.world.point(self, what)

    def on_head(self) -> None:
        """Read the chain, tell the drive, and see to what was submitted."""
        drive, world = self.drive, self.world
        if drive is None:
            return
        final = world.seen_head()
        backend = world.chain.backend
        found = {r: backend.found(r.requester, r.task_id, final) for r in drive.watched()}
        drive.on_head(final, found)
        for key in list(self.disk.submissions):
            self._pursue(key)
        if self.conduct is Conduct.CANCELLING and world.rng.random() < 0.1:
            for case, state in list(drive.cases.items()):
                if isinstance(state, buying.Requester):
                    world.note(self, "wants to cancel")
                    drive.tell(case, CancelWanted())

    def on_message(self, raw: bytes) -> None:
        """Take a message from the network."""
        if self.drive is None:
            return
        try:
            self.drive.on_message(raw, (self.world.topic,))
        except PeerError as error:
            self.world.note(self, f"drops a message: {error}")

    def later(self, case: CaseKey, event: Event, delay: float) -> None:
        """Tell the drive something after a while, unless it has crashed in between."""
        drive = self.drive

        def tell() -> None:
            if drive is not None and self.drive is drive and case in drive.cases:
                drive.tell(case, event)

        self.world.after(delay, lambda: self.world.guard(self, tell))

    # Journal and numbers.

    def load(self) -> Iterable[Row]:
        """Return what the disk has kept."""
        return list(self.disk.rows)

    def append(self, row: Row) -> None:
        """Save a row."""
        self.point("before saving")
        bug = self.world.bug
        if bug.saves(self, row):
            self.disk.append(row)
            self.point("before syncing")
            if bug.syncs(self):
                self.disk.sync()
        self.world.note(self, f"saves {row.event.split('/')[-1]} ({row.event.split('/')[0]})")
        bug.saved(self, row)
        self.point("after saving")

    def retire(self, task_id: bytes, prefix: str) -> None:
        """Keep them all the same: no run is so long."""

    def reserve(self, count: int) -> int:
        """Reserve sequence numbers, above all before."""
        first = self.disk.numbers
        self.disk.numbers += count
        return first

    def operator_key(self, account: AccountId, at: BlockNumber) -> PublicKey | None:
        """Return an account's own key: nobody rotates here."""
        del at
        return PublicKey(account)

    # Network.

    @_effect
    def send(self, to: AccountId, message: bytes) -> None:
        """Send to one account."""
        self.world.post(self, to, message)

    @_effect
    def publish(self, audience: Hash, message: bytes) -> None:
        """Send to all others."""
        del audience
        for other in self.world.parties.values():
            if other is not self:
                self.world.post(self, other.account, message)

    # Chain.

    def submit(self, key: str, what: Submission) -> None:
        """Store a submission as signed, then send it, and again until it is final."""
        if self.conduct is Conduct.SILENT and isinstance(what, OnEscrow):
            return
        key = self.world.bug.key(self, key)
        if key not in self.disk.submissions:
            self.point("before signing")
            self.disk.submissions[key] = what
            self.world.note(self, f"submits {_brief(key)}")
        self.point("after signing")
        self._pursue(key)
        self.point("after submitting")

    def _pursue(self, key: str) -> None:
        world, what = self.world, self.disk.submissions[key]
        if key in self._told or world.is_rpc_lost() or world.bug.withholds(self, key):
            return
        signed = Signed(self.account, key, what, list(self.disk.submissions).index(key))
        word = world.chain.final_word(signed)
        if word is None:
            world.chain.submit(signed)
            return
        self._told.add(key)
        drive = self.drive

        def tell() -> None:
            if drive is None or self.drive is not drive:
                return
            if word.refusal is None:
                drive.on_done(key)
            else:
                world.note(self, f"is told that {_brief(key)} was refused: {word.refusal[1]}")
                drive.on_refused(key, *word.refusal)

        world.after(0.01, lambda: world.guard(self, tell))

    # The rest of the node.

    @_effect
    def heard(self, call: Opened[Cfp]) -> None:
        """Bid, soon, once."""
        drive, world = self.drive, self.world
        if drive is None or call.id in self._bids or CaseKey("bid", call.id) in drive.cases:
            return
        if call.body.facts_block > drive.now:
            return  # its weights would depend on what we cannot see yet
        self._bids.add(call.id)
        facts = Facts(
            genesis=world.genesis,
            block=call.body.facts_block,
            accounts=(world.account(call.sender, call.body.facts_block),),
            posted=(),
        )
        ask, nonce = world.ask_for(call.body), world.rng.randbytes(32)

        def bid() -> None:
            if self.drive is drive:
                try:
                    drive.bid(call, ask, nonce, facts)
                except (UsageError, FundsError) as error:
                    world.note(self, f"does not bid: {error}")

        world.after(0.05, lambda: world.guard(self, bid))

    @_effect
    def audit(self, case: CaseKey, transcript: Opened[Transcript]) -> None:
        """Believe a transcript; the run verifies all of them at its end."""
        self.later(case, TranscriptReceived(transcript), 0.01)

    @_effect
    def read_facts(
        self, case: CaseKey, block: BlockNumber, accounts: tuple[AccountId, ...]
    ) -> None:
        """Read the chain, and what was posted on it."""
        world = self.world
        if world.is_rpc_lost():
            world.after(1.0, lambda: world.guard(self, lambda: self._again(case, block, accounts)))
            return
        facts = world.facts(case.id, block, {*accounts, self.account})
        drive = self.drive

        def tell() -> None:
            if drive is not None and self.drive is drive:
                drive.on_facts(case, facts)

        world.after(0.02, lambda: world.guard(self, tell))

    def _again(self, case: CaseKey, block: BlockNumber, accounts: tuple[AccountId, ...]) -> None:
        state = self.drive.cases.get(case) if self.drive else None
        if isinstance(state, requester.Requester) and state.phase is requester.Phase.CLEARED:
            self.read_facts(case, block, accounts)

    @_effect
    def grant(self, to: AccountId, blob: Hash) -> None:
        """Serve a blob, unless it is hidden."""
        if self.conduct is not Conduct.HIDING:
            self._granted.add((to, blob))

    def serves(self, to: AccountId, blob: Hash) -> bool:
        """Return whether an account that asks now gets a blob."""
        return self.drive is not None and (to, blob) in self._granted

    @_effect
    def fetch_input(self, case: CaseKey, source: AccountId, blob: Blob) -> None:
        """Get the input from the requester."""
        if self.conduct is not Conduct.UNSIGNING:
            self._fetch(case, source, blob.hash, InputChecked(blob.hash, is_good=True))

    @_effect
    def examine(self, case: CaseKey, source: AccountId, milestone: int, result: Hash) -> None:
        """Get a result from the provider, and look at it."""
        if self.conduct is Conduct.SILENT:
            return
        is_good = self.world.is_good(result) and self.conduct is not Conduct.LIAR
        self._fetch(case, source, result, ResultChecked(milestone, result, is_good))

    def _fetch(self, case: CaseKey, source: AccountId, blob: Hash, event: Event) -> None:
        world = self.world
        delays = world.network.delays(self.account, source)
        if delays and world.parties[source].serves(self.account, blob):
            if isinstance(event, ResultChecked) and event.is_good:
                world.watcher.judged.add((self.account, blob))
            self.later(case, event, 2 * delays[0])

    @_effect
    def perform(self, case: CaseKey, milestone: int) -> None:
        """Work, unless that is under way; what is made is stored before it is told."""
        world = self.world
        if self.conduct is Conduct.SILENT or (case, milestone) in self._running:
            return
        self._running.add((case, milestone))
        world.began_work(self, case)
        result = self.disk.results.get((case, milestone))
        if result is not None:
            self.later(case, WorkDone(milestone, result), 0.05)
            return
        self.later(case, WorkStarted(milestone), 0.05)
        drive = self.drive

        def finish() -> None:
            if drive is None or self.drive is not drive or (case, milestone) not in self._running:
                return
            blob = world.make_result(case, milestone, is_good=self.conduct is not Conduct.JUNK)
            self.disk.results[case, milestone] = blob
            drive.tell(case, WorkDone(milestone, blob))

        world.after(world.rng.uniform(0.3, 4.0), lambda: world.guard(self, finish))

    @_effect
    def stop(self, case: CaseKey) -> None:
        """Stop working on a task."""
        self._running = {each for each in self._running if each[0] != case}

    @_effect
    def concluded(self, case: CaseKey, conclusion: Conclude) -> None:
        """Keep how an auction ended."""
        self.conclusions[case] = conclusion

    @_effect
    def settled(self, case: CaseKey, outcome: Outcome) -> None:
        """Keep how a task ended."""
        if self.outcomes.get(case) != outcome:
            self.world.note(self, f"is done ({case.kind}): {outcome.state.value} {outcome.reason}")
        self.outcomes[case] = outcome

    @_effect
    def accuse(self, case: CaseKey, accusation: Accuse) -> None:
        """Keep a proof."""
        self.world.note(self, f"accuses ({case.kind}): {accusation.fault}")
        self.accusations.append(accusation)

    def ignored(self, case: CaseKey, ignored: Ignored) -> None:
        """Note a message that came to nothing."""
        self.world.note(self, f"ignores a message ({case.kind}): {ignored.reason}")

    def other(self, message: Opened[Body]) -> None:
        """Nothing here sends what is for no machine."""
        del message


def _brief(key: str) -> str:
    return "/".join(part for part in key.split("/") if len(part) < 32)
