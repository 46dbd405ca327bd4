"""One sealed auction from call to transcript, over a network that loses, doubles and reorders.

The machines are the real ones, messages are really sealed and opened; only the network and the chain are
simulated. One seed gives one run.
"""

from random import Random

import attrs

from market.auction import bidder, requester
from market.auction.effects import (
    SEQUENCES_PER_STEP,
    AcceptanceReceived,
    Accuse,
    Anchor,
    AwardReceived,
    BidderEvent,
    CommitmentAckReceived,
    CommitmentReceived,
    Conclude,
    DecidedToBid,
    Effect,
    FactsRead,
    HeadMoved,
    Ignored,
    Opening,
    PostReveal,
    Publish,
    ReadFacts,
    RequesterEvent,
    RevealAckReceived,
    RevealReceived,
    RootAnchored,
    RootReceived,
    Send,
    Step,
    Withdrew,
)
from market.auction.facts import AccountFacts, Facts, FactsKeys, PostedReveal
from market.envelope import Opened, expect, open_untrusted
from market.hashing import GenesisHash, TaskId, audience_of_topic, digest
from market.identity import AccountId, Identity
from market.messages import (
    Acceptance,
    Ask,
    Award,
    Blob,
    Body,
    BundleAsk,
    Cfp,
    Commitment,
    CommitmentAck,
    CommitmentRoot,
    Reveal,
    RevealAck,
    TaskAsk,
    TaskCall,
    Transcript,
)
from market.units import BlockNumber, Planck, Ppm

__all__ = [
    "GENESIS",
    "AuctionWorld",
    "Conduct",
    "Network",
    "Outcome",
    "Participant",
    "random_auction",
]

GENESIS = GenesisHash(digest("leaf", b"simulated chain"))
_TOPIC = audience_of_topic("/ainur/v1/cfp/0")
_PLENTY = Planck(2**62)


@attrs.frozen
class Network:
    """What the network does to a message, each with its probability."""

    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    """Of taking any message under way rather than the oldest, and of time passing before it."""


@attrs.define
class Participant:
    """One bidder: its machine, and how it behaves."""

    identity: Identity
    ask: Ask
    score: int = 1000
    is_eligible: bool = True
    headroom: Planck = _PLENTY
    withholds: bool = False
    """Commits, and never reveals."""
    refuses: bool = False
    """Bids, and refuses what it wins."""
    state: bidder.Bidder | None = None
    steps: int = 0


@attrs.frozen
class Outcome:
    """A finished auction, and everything needed to verify it."""

    transcript: Opened[Transcript]
    facts: Facts
    evidence: tuple[bytes, ...]
    is_awarded: bool


class Conduct:
    """Where a requester could leave the rules; this one does not. See :mod:`node.simulation.cheats`."""

    def before_close(
        self, world: "AuctionWorld", state: requester.Requester
    ) -> requester.Requester:
        """Return the state from which the commitments are closed."""
        del world
        return state

    def before_clearing(
        self, world: "AuctionWorld", state: requester.Requester
    ) -> requester.Requester:
        """Return the state from which the bids are cleared."""
        del world
        return state

    def facts(self, world: "AuctionWorld", facts: Facts) -> Facts:
        """Return the facts that are cleared with."""
        del world
        return facts

    def root_for(self, world: "AuctionWorld", raw: bytes, to: AccountId) -> bytes:
        """Return the root that a bidder is sent."""
        del world, to
        return raw

    def award(
        self, world: "AuctionWorld", state: requester.Requester
    ) -> tuple[requester.Requester, bytes] | None:
        """Return another first award, and the state that stands by it; None to leave it."""
        del world, state
        return None


class AuctionWorld:
    """A requester, its bidders, the messages under way, and the chain."""

    def __init__(
        self,
        owner: Identity,
        cfp: Cfp,
        participants: list[Participant],
        rng: Random,
        network: Network | None = None,
        conduct: Conduct | None = None,
    ) -> None:
        self.owner = owner
        self.participants = {p.identity.account: p for p in participants}
        self.head = BlockNumber(cfp.facts_block)
        self.pool: list[tuple[AccountId, bytes]] = []
        self.posted: list[PostedReveal] = []
        self.ignored: list[Ignored] = []
        self.accused: list[tuple[AccountId, Accuse]] = []
        self.root_is_out = False
        self.concluded: list[Conclude] = []
        self.extra_keys: dict[AccountId, Identity] = {}
        """Accounts on chain that no participant answers for (a cheating requester's own)."""
        self._rng = rng
        self._network = network or Network()
        self._conduct = conduct or Conduct()
        self._steps = 0
        self.state = requester.announce(cfp, self.at_owner(), _TOPIC)

    # The present, for each party.

    def at_owner(self) -> Step:
        """Return the present of the requester, with numbers of its own."""
        self._steps += 1
        return Step(self.head, self.owner, GENESIS, self._steps * SEQUENCES_PER_STEP)

    def _at(self, who: Participant) -> Step:
        who.steps += 1
        return Step(self.head, who.identity, GENESIS, who.steps * SEQUENCES_PER_STEP)

    def facts(self) -> Facts:
        """Return what the chain says now."""
        rows = [
            AccountFacts(
                account=p.identity.account,
                key=p.identity.key,
                is_eligible=p.is_eligible,
                score=p.score,
                headroom=p.headroom,
                free=_PLENTY,
            )
            for p in self.participants.values()
        ]
        rows += [
            AccountFacts(
                account=i.account,
                key=i.key,
                is_eligible=True,
                score=1000,
                headroom=_PLENTY,
                free=_PLENTY,
            )
            for i in (self.owner, *self.extra_keys.values())
        ]
        return Facts(
            genesis=GENESIS,
            block=self.state.cfp.facts_block,
            accounts=tuple(sorted(rows, key=lambda row: row.account)),
            posted=tuple(self.posted),
        )

    # Running.

    def run(self) -> Outcome:
        """Run to the end and return it."""
        self.start()
        while not self.is_over:
            self.tick()
        return self.outcome()

    def start(self) -> None:
        """Let the call go out."""
        self.tell_owner(Opening())

    @property
    def is_over(self) -> bool:
        """Whether the transcript is out."""
        return self.state.phase in (requester.Phase.SETTLED, requester.Phase.VOID)

    def tick(self) -> None:
        """Let the network do one thing, or time pass."""
        rng = self._rng
        if not self.pool or rng.random() < self._network.reorder / 4:
            self.advance()
            return
        at = rng.randrange(len(self.pool)) if rng.random() < self._network.reorder else 0
        self.deliver(at)

    def deliver(self, at: int) -> None:
        """Take a message from those under way; it may be lost or come twice."""
        to, raw = self.pool.pop(at)
        if self._rng.random() < self._network.loss:
            return
        if self._rng.random() < self._network.duplicate:
            self.pool.append((to, raw))
        self.hand_over(to, raw)

    def advance(self) -> None:
        """Let one block be finalised, and tell everybody."""
        self.head = BlockNumber(self.head + 1)
        closing = self.head > self.state.cfp.close_block
        if self.state.phase is requester.Phase.COMMITTING and closing:
            self.state = self._conduct.before_close(self, self.state)
        self.tell_owner(HeadMoved())
        for who in self.participants.values():
            if who.state is not None:
                self.tell(who, HeadMoved())

    def hand_over(self, to: AccountId, raw: bytes) -> None:
        """Give a message to its recipient, as its node would."""
        message = open_untrusted(raw, genesis=GENESIS, keys=FactsKeys.of(self.facts()))
        if to == self.owner.account:
            event = _for_requester(message)
            if event is not None:
                self.tell_owner(event)
            return
        who = self.participants[to]
        if isinstance(message.body, Cfp):
            self._hear(who, expect(message, Cfp))
        elif who.state is not None:
            known = _for_bidder(message)
            if known is not None:
                self.tell(who, known)

    def _hear(self, who: Participant, call: Opened[Cfp]) -> None:
        if who.state is None:
            who.state = bidder.hear(call)
        cfp = call.body
        if who.state.phase is bidder.Phase.HEARD and self.head <= cfp.close_block:
            self.tell(who, DecidedToBid(who.ask, self._rng.randbytes(32)))
            if who.refuses:
                self.tell(who, Withdrew("busy"))

    def tell(self, who: Participant, event: BidderEvent) -> None:
        """Step a bidder's machine and do what it asks for."""
        if who.state is None:
            return
        who.state, effects = bidder.step(who.state, event, self._at(who))
        if who.withholds and who.state.reveal:
            return
        for effect in effects:
            self._do(effect, who.identity.account)

    def tell_owner(self, event: RequesterEvent) -> None:
        """Step the requester's machine and do what it asks for."""
        before = self.state.phase
        self.state, effects = requester.step(self.state, event, self.at_owner())
        if isinstance(event, FactsRead) and self.state.phase is requester.Phase.AWARDED:
            tampered = self._conduct.award(self, self.state)
            if tampered is not None:
                self.state, effects = tampered[0], [Publish(tampered[1])]
        if before is not requester.Phase.REVEALING is self.state.phase:
            self.root_is_out = True
        for effect in effects:
            self._do(effect, self.owner.account)

    def _do(self, effect: Effect, by: AccountId) -> None:
        match effect:
            case Send(to, message):
                self.pool.append((to, message))
            case Publish(message):
                for to in self.participants:
                    raw = message
                    if message == self.state.root:
                        raw = self._conduct.root_for(self, message, to)
                    self.pool.append((to, raw))
            case Anchor():
                self.tell_owner(RootAnchored())
            case PostReveal(message):
                self.posted.append(PostedReveal(reveal=message, block=self.head))
            case ReadFacts():
                self.state = self._conduct.before_clearing(self, self.state)
                self.tell_owner(FactsRead(self._conduct.facts(self, self.facts())))
            case Ignored():
                self.ignored.append(effect)
            case Accuse():
                self.accused.append((by, effect))
            case Conclude():
                self.concluded.append(effect)

    def outcome(self) -> Outcome:
        """Return the transcript with the evidence that bidders hold."""
        last = self.concluded[-1]
        facts = self.facts()
        opened = open_untrusted(last.transcript, genesis=GENESIS, keys=FactsKeys.of(facts))
        held = {
            raw: None
            for who in self.participants.values()
            if who.state is not None
            for raw in bidder.evidence_of(who.state)
        }
        held |= {raw: None for _, accusation in self.accused for raw in accusation.proof}
        return Outcome(expect(opened, Transcript), facts, tuple(held), last.is_awarded)


def _for_requester(message: Opened[Body]) -> RequesterEvent | None:
    match message.body:
        case Commitment():
            return CommitmentReceived(expect(message, Commitment))
        case Reveal():
            return RevealReceived(expect(message, Reveal))
        case Acceptance():
            return AcceptanceReceived(expect(message, Acceptance))
        case _:
            return None


def _for_bidder(message: Opened[Body]) -> BidderEvent | None:
    match message.body:
        case CommitmentAck():
            return CommitmentAckReceived(expect(message, CommitmentAck))
        case CommitmentRoot():
            return RootReceived(expect(message, CommitmentRoot))
        case RevealAck():
            return RevealAckReceived(expect(message, RevealAck))
        case Award():
            return AwardReceived(expect(message, Award))
        case _:
            return None


def random_auction(
    rng: Random,
    *,
    tasks: int,
    bidders: int,
    network: Network | None = None,
    conduct: Conduct | None = None,
    misbehaving: float = 0.0,
    bundles: bool = False,
) -> AuctionWorld:
    """Return an auction of random tasks and bidders, not yet started.

    Args:
        rng: of everything in it.
        tasks: how many are called for.
        bidders: how many hear of it.
        network: what happens to messages; nothing when None.
        conduct: how the requester cheats; not at all when None.
        misbehaving: share of bidders that withhold, and share that refuse.
        bundles: whether tasks may be bid for together.
    """
    tick = 1_000_000_000  # 0.001 AINU
    calls = sorted(
        (_task(rng, tick) for _ in range(tasks)),
        key=lambda call: call.task_id,
    )
    start = rng.randrange(1, 1_000)
    cfp = Cfp(
        method="vcg-bundles" if bundles else "vcg-assignment",
        tasks=tuple(calls),
        tick=Planck(tick),
        quality_rule="score-1",
        facts_block=BlockNumber(start),
        close_block=BlockNumber(start + 2),
        reveal_by=BlockNumber(start + 4),
        accept_blocks=3,
        arbiter=None,
        invited=(),
    )
    people = [
        _participant(rng, [int(call.reserve) for call in calls], tick, misbehaving, bundles=bundles)
        for _ in range(bidders)
    ]
    return AuctionWorld(Identity.from_seed(rng.randbytes(32)), cfp, people, rng, network, conduct)


def _task(rng: Random, tick: int) -> TaskCall:
    return TaskCall(
        task_id=TaskId(rng.randbytes(32)),
        attempt=0,
        capability="text.summarize",
        capability_version=1,
        reserve=Planck(tick * rng.randint(20, 100)),
        input=Blob(hash=digest("leaf", rng.randbytes(8)), size=100, media_type="text/plain"),
        input_features=(),
        deliver_within=100,
        review_blocks=10,
        milestones_ppm=(Ppm(1_000_000),),
    )


def _participant(
    rng: Random, reserves: list[int], tick: int, misbehaving: float, *, bundles: bool
) -> Participant:
    named = sorted(rng.sample(range(len(reserves)), rng.randint(1, len(reserves))))
    prices = {t: tick * rng.randint(1, max(1, reserves[t] * 4 // 5 // tick)) for t in named}
    slots = rng.randint(1, 3)
    surcharge = sorted(tick * rng.choice([0, 0, 1, 5]) for _ in range(slots))
    in_bundles = bundles and rng.random() < 0.7
    sets = _prefixes(named) if in_bundles else []
    ask = Ask(
        prices=()
        if sets
        else tuple(TaskAsk(task=t, price=Planck(price)) for t, price in prices.items()),
        slot_surcharge=tuple(Planck(s) for s in surcharge),
        bundles=tuple(
            BundleAsk(
                tasks=each, price=Planck(sum(prices[t] for t in each) // tick * 4 // 5 * tick)
            )
            for each in sets
        ),
    )
    return Participant(
        Identity.from_seed(rng.randbytes(32)),
        ask,
        score=rng.randint(300, 1000),
        withholds=rng.random() < misbehaving,
        refuses=rng.random() < misbehaving,
    )


def _prefixes(tasks: list[int]) -> list[tuple[int, ...]]:
    """Return bundles of the first one, two, ... of some tasks, in order."""
    return [tuple(tasks[: n + 1]) for n in range(len(tasks))]
