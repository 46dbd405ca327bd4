"""Whole tasks, from the call to the settlement, in one process and without I/O; the same for the same seed.

The machines, the drive and the signatures are the real ones. Network, disk, chain and agents are simulated and
go wrong as the seed says. Two modes:

- *safety*: things go wrong to the end; what must never happen is looked for after every event.
- *liveness*: after a while nothing goes wrong any more; then everything must come to its end.
"""

import heapq
import itertools
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Literal

import attrs

from market.auction.facts import AccountFacts, Facts, PostedReveal
from market.cases import CaseKey
from market.envelope import Opened, reopen, seal
from market.errors import MarketError
from market.escrow.calls import Rule
from market.escrow.params import CI
from market.escrow.record import Dispute, Escrow, Reason, State
from market.hashing import Hash, audience_of_topic, digest
from market.identity import AccountId, Identity
from market.messages import Ask, Blob, Body, Cfp, Reveal
from market.ports import Remark
from market.settlement.effects import Found, OnEscrow
from market.settlement.terms import Policy
from market.units import BlockNumber
from node.simulation.chain import Backend, Signed, SimChain
from node.simulation.demand import draw_ask, draw_call
from node.simulation.disk import DuplicateRowError
from node.simulation.invariants import Watcher
from node.simulation.network import Network
from node.simulation.party import CrashError, Party
from node.simulation.plan import Conduct, Faults, Ruling, Scenario, draw_scenario
from node.simulation.planted import Bug

__all__ = ["Mode", "Report", "Setting", "TaskWorld", "run"]

Mode = Literal["safety", "liveness"]
CALM_AT = 50
"""The block at which faults end, in liveness mode."""
SAFETY_BLOCKS = 70
LIVENESS_BLOCKS = 190


@attrs.frozen
class Setting:
    """A chain on which some accounts have bonds, and the accounts."""

    backend: Backend
    requesters: tuple[Identity, ...]
    providers: tuple[Identity, ...]
    arbiter: AccountId


@attrs.frozen(kw_only=True)
class Report:
    """What came of a run."""

    seed: int
    mode: Mode
    violations: tuple[str, ...]
    blocks: int
    events: int
    points: int
    """Places at which a party could have crashed."""
    crashes: int
    reorgs: int
    ends: tuple[tuple[str, str, int], ...]
    """Of every escrow: its state, who deals with whom, and what was paid, planck."""
    unopened: tuple[str, ...]
    """How tasks ended that never had an escrow, at their requesters."""
    digest: str
    """Of everything that happened, in order."""
    story: tuple[str, ...] = ()


class TaskWorld:
    """Parties, the network between them, and the chain."""

    def __init__(
        self,
        seed: int,
        mode: Mode,
        setting: Callable[[Scenario, Random], Setting],
        *,
        bug: Bug | None = None,
        scenario: Scenario | None = None,
        crash_at: frozenset[int] = frozenset(),
        narrate: bool = False,
    ) -> None:
        self.rng = Random(seed)  # noqa: S311  # a simulation's, not a secret
        self.seed, self.mode = seed, mode
        self.bug = bug or Bug()
        drawn = draw_scenario(self.rng)
        self.scenario = scenario or drawn
        self.faults = self.scenario.faults
        self.params = CI
        self.policy = Policy(
            sign_within=6,
            offer_validity=8,
            margin=5,
            opening="proposal" if self.scenario.proposes else "offer",
        )
        made = setting(self.scenario, self.rng)
        self.genesis = made.backend.genesis
        self.chain = SimChain(made.backend, self.faults.lag, self.rng)
        self.network = Network(self.faults, self.rng)
        self.topic = audience_of_topic("/ainur/v1/cfp/0")
        self.arbiter = made.arbiter
        self.parties: dict[AccountId, Party] = {}
        for kind, who, conducts in (
            ("requester", made.requesters, self.scenario.requesters),
            ("provider", made.providers, self.scenario.providers),
        ):
            for n, (identity, conduct) in enumerate(zip(who, conducts, strict=True)):
                self.parties[identity.account] = Party(self, identity, conduct, f"{kind} {n}")
        self.requesters = [self.parties[i.account] for i in made.requesters]
        self.providers = [self.parties[i.account] for i in made.providers]
        self.now = 0.0
        self.events = 0
        self.points = 0
        self.is_calm = False
        self.story: list[str] = []
        self.watcher = Watcher(self)
        self._narrates = narrate
        self._crash_at = crash_at
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._digest = bytes(32)
        self._opened: dict[bytes, Opened[Body]] = {}
        self._good: dict[Hash, bool] = {}
        self._extra = itertools.count(2**40)

    # Time.

    def after(self, delay: float, what: Callable[[], None]) -> None:
        """Let something happen so many blocks from now."""
        heapq.heappush(self._queue, (self.now + delay, next(self._order), what))

    def run(self) -> Report:
        """Run to the end."""
        start = self.chain.backend.head
        last = SAFETY_BLOCKS if self.mode == "safety" else LIVENESS_BLOCKS
        self._prepare()
        while self._queue:
            self.now, _, what = heapq.heappop(self._queue)
            what()
            self.events += 1
            if self.watcher.violations:
                break
            if self.now > last or (self.is_calm and self._is_over()):
                break
        if not self.watcher.violations:
            self.watcher.at_end(is_live=self.mode == "liveness")
        return self._report(self.chain.backend.head - start)

    def _prepare(self) -> None:
        for party in self.parties.values():
            party.boot()
        self.after(1.0, self._block)
        for _ in range(self.scenario.auctions):
            owner = self.rng.choice(self.requesters)
            at = self.rng.uniform(self.faults.lag + 1, self.faults.lag + 8)
            self.after(at, partial(self._announce, owner))
        for _ in range(self.faults.partitions):
            begin = self.rng.uniform(1, 30)
            end = begin + self.rng.uniform(0, self.faults.cut)
            self.after(begin, self._part)
            self.after(end, self._heal)
        if self.mode == "liveness":
            self.after(CALM_AT, self._calm)

    def _announce(self, owner: Party) -> None:
        drive = owner.drive
        if drive is None:
            self.after(2.0, lambda: self._announce(owner))
            return
        cfp = draw_call(
            self.rng,
            drive.now,
            self.scenario,
            arbiter=self.arbiter,
            providers=[party.account for party in self.providers],
        )
        self.note(owner, f"calls for {len(cfp.tasks)} tasks until block {cfp.close_block}")

        def announce() -> None:
            drive.announce(cfp, self.topic)

        self.guard(owner, announce)

    def _calm(self) -> None:
        self.is_calm = True
        self.network.faults = Faults(delay=0.05, lag=self.faults.lag)
        self._heal()
        self.note(None, "nothing goes wrong any more")

    def _part(self) -> None:
        if not self.is_calm:
            some = [a for a in self.parties if self.rng.random() < 0.5]
            self.network.cut = frozenset(some)
            self.note(None, f"{len(some)} parties are cut off from the others")

    def _heal(self) -> None:
        self.network.cut = frozenset()

    def _block(self) -> None:
        rng = self.rng
        if not self.is_calm and rng.random() < self.faults.reorg:
            gone = self.chain.reorganise()
            if gone:
                self.note(None, f"{gone} blocks are undone")
                self.watcher.after_reorg()
        self._rule()
        self.chain.make_block(0.0 if self.is_calm else self.faults.miss)
        head, final = self.chain.backend.head, self.chain.final
        for carried in self.chain.blocks[head]:
            what = "refused: " + carried.refusal[1] if carried.refusal else "done"
            self.note(None, f"block {head}: {_tail(carried.signed.key)} {what}")
        self.watcher.after_block()
        for party in list(self.parties.values()):
            if party.drive is not None and not self.is_rpc_lost():
                self.guard(party, party.on_head)
        self.watcher.after_heads(final)
        self.after(1.0, self._block)

    def _is_over(self) -> bool:
        return self.watcher.is_over()

    # Parties.

    def guard(self, party: Party, what: Callable[[], None]) -> None:
        """Let a party do something; it may crash, and comes back later."""
        try:
            what()
        except CrashError:
            party.crash()
            self.note(party, "crashes")
            down = self.rng.uniform(0.1, 1.0 if self.is_calm else self.faults.down)
            self.after(down, party.boot)
        except (MarketError, DuplicateRowError) as error:
            self.watcher.violate(f"{party.name} fails: {type(error).__name__}: {error}")

    def point(self, party: Party, what: str) -> None:
        """Crash here, if that is due.

        Raises:
            CrashError: it is.
        """
        self.points += 1
        is_due = self.points in self._crash_at
        if is_due or (not self.is_calm and self.rng.random() < self.faults.crash):
            self.note(party, f"loses power {what}")
            raise CrashError(what)

    def is_rpc_lost(self) -> bool:
        """Return whether a request to the chain's node is lost."""
        return not self.is_calm and self.rng.random() < self.faults.rpc_loss

    def seen_head(self) -> BlockNumber:
        """Return the block that nodes believe in."""
        return self.bug.seen_head(self)

    def post(self, source: Party, to: AccountId, raw: bytes) -> None:
        """Put a message on its way."""
        message = self.opened(raw)
        self.watcher.on_said(source, message)
        party = self.parties[to]
        for delay in self.network.delays(source.account, to):
            self.after(delay, lambda: self.guard(party, lambda: party.on_message(raw)))

    def opened(self, raw: bytes) -> Opened[Body]:
        """Return what is in an envelope of one of our parties."""
        if raw not in self._opened:
            self._opened[raw] = reopen(raw)
        return self._opened[raw]

    def began_work(self, party: Party, case: CaseKey) -> None:
        """Note that a party works."""
        self.watcher.on_work(party, case)

    def seal_for(self, party: Party, body: Body, to: AccountId) -> bytes:
        """Return a message that a party seals outside of its machines."""
        return seal(
            body,
            identity=party.identity,
            genesis=self.genesis,
            audience=to,
            sequence=next(self._extra),
            issued_at=self.seen_head(),
            expires_at=BlockNumber(self.seen_head() + 20),
        )

    # Work.

    def make_result(self, case: CaseKey, milestone: int, *, is_good: bool) -> Blob:
        """Return a result that an agent has made; each is another one."""
        data = case.id + bytes([milestone, is_good]) + self.rng.randbytes(8)
        blob = Blob(hash=digest("leaf", data), size=len(data), media_type="text/plain")
        self._good[blob.hash] = is_good
        return blob

    def is_good(self, result: Hash | None) -> bool:
        """Return whether a result is what was asked for."""
        return result is not None and self._good.get(result, False)

    def ask_for(self, cfp: Cfp) -> Ask:
        """Return what a provider asks: a price for each task."""
        return draw_ask(self.rng, cfp)

    # The chain.

    def facts(self, auction: bytes, block: BlockNumber, accounts: set[AccountId]) -> Facts:
        """Return what the chain has of accounts at a block, and what was posted since."""
        rows = [self.account(who, block) for who in sorted(accounts)]
        posted: dict[AccountId, PostedReveal] = {}
        for number, carried in sorted(self.chain.blocks.items()):
            for each in carried:
                what = each.signed.what
                if number > self.seen_head() or not isinstance(what, Remark):
                    continue
                message = self._opened.get(what.data)
                if message and isinstance(message.body, Reveal) and message.body.auction == auction:
                    reveal = PostedReveal(reveal=what.data, block=BlockNumber(number))
                    posted.setdefault(message.sender, reveal)
        return Facts(
            genesis=self.genesis, block=block, accounts=tuple(rows), posted=tuple(posted.values())
        )

    def account(self, who: AccountId, block: BlockNumber) -> AccountFacts:
        """Return what the chain has of an account at a block."""
        backend = self.chain.backend
        return backend.account(who, min(block, backend.head))

    def escrows_of(self, party: Party) -> list[Found]:
        """Return the escrows of a party, on the best block."""
        backend = self.chain.backend
        return [
            Found(number, escrow)
            for number, escrow in backend.escrows(backend.head).items()
            if party.account in (escrow.requester, escrow.provider)
        ]

    def _rule(self) -> None:
        """Let arbiters rule, justly, if they ever do."""
        backend = self.chain.backend
        for number, escrow in backend.escrows(self.chain.final).items():
            asked = {State.DISPUTED: escrow.arbiter, State.ESCALATED: None}
            if escrow.state not in asked or escrow.dispute is None:
                continue
            by = asked[escrow.state]
            ruling = self.scenario.authority if by is None else self.scenario.arbiter
            if ruling is Ruling.JUST and self.rng.random() < 0.5:
                bps = self._just(escrow, escrow.dispute)
                key = f"rule/{number}/{escrow.state.value}"
                self.chain.submit(Signed(by, key, OnEscrow(number, Rule(by, bps))))

    def _just(self, escrow: Escrow, dispute: Dispute) -> int:
        provider = self.parties[escrow.provider]
        if dispute.reason is Reason.RESULT_WITHHELD and provider.conduct is Conduct.HIDING:
            return 0
        return 10_000 if self.is_good(escrow.result) else 0

    # Telling.

    def note(self, party: Party | None, what: str) -> None:
        """Add to what happened."""
        line = f"{self.now:7.2f}  {party.name if party else 'chain'}: {what}"
        self._digest = digest("leaf", self._digest + line.encode())
        if self._narrates:
            self.story.append(line)

    def name_of(self, account: AccountId) -> str:
        """Return what a party is called."""
        return self.parties[account].name if account in self.parties else account.hex()[:8]

    def _report(self, blocks: int) -> Report:
        backend = self.chain.backend
        escrows = backend.escrows(backend.head).values()
        return Report(
            seed=self.seed,
            mode=self.mode,
            violations=tuple(self.watcher.violations),
            blocks=blocks,
            events=self.events,
            points=self.points,
            crashes=sum(party.crashes for party in self.parties.values()),
            reorgs=self.chain.reorgs,
            ends=tuple(
                (
                    e.state.value,
                    f"{self.name_of(e.requester)} and {self.name_of(e.provider)}",
                    int(e.paid),
                )
                for e in escrows
            ),
            unopened=tuple(
                outcome.state.value
                for party in self.requesters
                for outcome in party.outcomes.values()
                if not isinstance(outcome.state, State)
            ),
            digest=self._digest.hex()[:16],
            story=tuple(self.story),
        )


def _tail(key: str) -> str:
    return "/".join(part for part in key.split("/") if len(part) < 32)


def run(
    seed: int,
    mode: Mode,
    setting: Callable[[Scenario, Random], Setting],
    *,
    bug: Bug | None = None,
    scenario: Scenario | None = None,
    crash_at: frozenset[int] = frozenset(),
    narrate: bool = False,
) -> Report:
    """Run one seed.

    Args:
        seed: of everything.
        mode: whether things go wrong to the end.
        setting: makes the chain; :func:`node.simulation.settings.mirrored`, or the real one.
        bug: what is wrong on purpose.
        scenario: instead of the one that the seed draws.
        crash_at: also crash at these points, counted from 1.
        narrate: whether to keep the story.
    """
    return TaskWorld(
        seed, mode, setting, bug=bug, scenario=scenario, crash_at=crash_at, narrate=narrate
    ).run()
