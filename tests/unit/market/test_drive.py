"""Save, then act: what a drive does with its ports, in which order, and what a restart makes of it."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from market import agreement
from market.auction.effects import TranscriptReceived
from market.auction.facts import AccountFacts, Facts
from market.auction.funds import compute_funds_needed, require_funded
from market.cases import CallHeard, CaseKey, begin, buy_key, is_over, serve_key
from market.drive import ABSENCE, Drive, TaskRef, replay
from market.envelope import Opened, expect, reopen, seal
from market.errors import FundsError, PeerError, UsageError
from market.escrow.params import CI
from market.hashing import audience_of_topic
from market.identity import AccountId, Identity, PublicKey
from market.journal import Row
from market.messages import Agreement, Cfp
from market.ports import Ports, Remark
from market.retirement import QUIET, retired
from market.settlement import provider, requester
from market.settlement.effects import CancelWanted, InputChecked, OpenEscrow
from market.steps import Ignored, Step
from market.units import AINU, BlockNumber, Planck
from tests.support.samples import ALICE, BOB, CAROL, GENESIS, ask, block, cfp, task_call
from tests.support.settlements import Pair

TOPIC = audience_of_topic("t")
RICH = Planck(1_000 * AINU)


class PowerLostError(Exception):
    """The power went."""


class World:
    """All ports of one drive at once; it writes down what was done, in order."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.log: list[tuple[str, Any]] = []
        self.rows: list[Row] = []
        self.numbers = 0
        self.fails: Callable[[str], bool] = lambda _what: False
        self.drive = self.boot()

    def boot(self) -> Drive:
        ports = Ports(self, self, self, self, self, self)  # type: ignore[arg-type]
        self.drive = Drive(self.identity, GENESIS, ports, params=CI)
        self.drive.start(block(11))
        return self.drive

    def load(self) -> Iterable[Row]:
        return list(self.rows)

    def append(self, row: Row) -> None:
        if self.fails("append"):
            raise PowerLostError
        assert (row.task_id, row.event) not in {(r.task_id, r.event) for r in self.rows}
        self.rows.append(row)
        self.log.append(("append", row.event.split("/")[-1]))

    def reserve(self, count: int) -> int:
        first, self.numbers = self.numbers, self.numbers + count
        return first

    def operator_key(self, account: AccountId, at: BlockNumber) -> PublicKey:
        return PublicKey(account)

    def __getattr__(self, name: str) -> Any:
        """Note every other port's call."""

        def noted(*arguments: Any) -> None:
            if self.fails(name):
                raise PowerLostError
            self.log.append((name, arguments))

        return noted

    def done(self, name: str) -> list[Any]:
        return [what for kind, what in self.log if kind == name]


def call() -> Cfp:
    return cfp(task_call(1, reserve=100_000_000_000), tick=Planck(1_000_000_000))


def exchange(*worlds: World) -> None:
    """Hand over everything that was sent, until nobody says anything new."""
    by_account = {world.identity.account: world for world in worlds}
    seen = set()
    while True:
        waiting = []
        for world in worlds:
            waiting += [(to, raw) for to, raw in world.done("send")]
            waiting += [
                (other, raw)
                for _, raw in world.done("publish")
                for other in by_account
                if other != world.identity.account
            ]
        fresh = [each for each in waiting if each not in seen]
        if not fresh:
            return
        for to, raw in fresh:
            seen.add((to, raw))
            by_account[to].drive.on_message(raw, (TOPIC,))


def facts(world: World, free: int = RICH) -> Facts:
    rows = [
        AccountFacts(
            account=who.account,
            key=who.key,
            is_eligible=True,
            score=1000,
            headroom=RICH,
            free=Planck(free),
        )
        for who in (ALICE, BOB)
    ]
    accounts = tuple(sorted(rows, key=lambda row: row.account))
    return Facts(genesis=GENESIS, block=block(10), accounts=accounts, posted=())


def auctioned() -> tuple[World, World, CaseKey]:
    """Let Alice call, Bob bid, and the auction come to its award; all is said and done but the signing."""
    alice, bob = World(ALICE), World(BOB)
    key = alice.drive.announce(inviting_bob(call()), TOPIC)
    exchange(alice, bob)
    [(heard,)] = bob.done("heard")
    bob.drive.bid(heard, ask((0, 50_000_000_000)), b"\5" * 32, facts(bob))
    exchange(alice, bob)
    alice.drive.on_facts(key, facts(alice))
    exchange(alice, bob)
    for case, transcript in bob.done("audit"):
        bob.drive.tell(case, TranscriptReceived(transcript))
    return alice, bob, key


def inviting_bob(body: Cfp) -> Cfp:
    return msgspec.structs.replace(body, invited=(BOB.account,))


def propose_again(alice: World, bob: World) -> None:
    """Let the head move, so that the proposal goes out again."""
    alice.drive.on_head(block(12), dict.fromkeys(alice.drive.watched()))
    exchange(alice, bob)


def test_award_becomes_a_purchase_that_the_provider_serves() -> None:
    alice, bob, _ = auctioned()
    propose_again(alice, bob)
    [purchase] = [s for s in alice.drive.cases.values() if isinstance(s, requester.Requester)]
    [service] = [s for s in bob.drive.cases.values() if isinstance(s, provider.Provider)]
    assert purchase.terms == service.terms
    assert purchase.terms is not None
    assert purchase.terms.price == 100_000_000_000  # a bidder alone is paid the reserve
    assert bob.done("fetch_input")[0][0] == serve_key(purchase.terms)


def test_nothing_is_done_before_it_is_saved() -> None:
    alice, _, key = auctioned()
    before = list(alice.log)
    alice.fails = lambda what: what == "append"
    with pytest.raises(PowerLostError):
        alice.drive.announce(call(), TOPIC)
    assert alice.log == before
    assert alice.drive.cases[key] is not None


@pytest.mark.parametrize(
    "what", ["send", "publish", "submit", "heard", "read_facts", "fetch_input"]
)
def test_crash_while_acting_leaves_a_journal_that_goes_on(what: str) -> None:
    """The power goes at the n-th call of a port, for every n; then the drive is started anew."""
    alice, bob, _ = auctioned()
    propose_again(alice, bob)
    for world in (alice, bob):
        states = dict(world.drive.cases)
        world.fails = lambda name: name == what
        with suppress(PowerLostError):
            world.boot()
        world.fails = lambda _name: False
        world.boot()
        assert dict(world.drive.cases) == states


def test_restart_says_the_same_bytes_and_nothing_else() -> None:
    alice, bob, _ = auctioned()
    propose_again(alice, bob)
    for world in (alice, bob):
        said = {raw for _, raw in (*world.done("send"), *world.done("publish"))}
        world.log = []
        world.boot()
        again = {raw for _, raw in (*world.done("send"), *world.done("publish"))}
        assert again
        assert again <= said
        assert world.done("append") == []


def test_restart_under_a_rotated_key_gives_the_same_states() -> None:
    alice, bob, _ = auctioned()
    propose_again(alice, bob)
    for world in (alice, bob):
        states = dict(world.drive.cases)
        world.identity = Identity.from_seed(b"\x66" * 32, account=world.identity.account)
        world.boot()
        assert dict(world.drive.cases) == states


def test_purchase_whose_first_message_was_lost_in_a_crash_is_proposed_after_it() -> None:
    alice, _, _ = auctioned()
    last = next(n for n, row in enumerate(alice.rows) if row.event.endswith("PurchaseBegun"))
    del alice.rows[last + 1 :]
    alice.log = []
    alice.boot()
    assert alice.done("append") == ["Opening"]
    assert any(isinstance(reopen(raw).body, Agreement) for _, raw in alice.done("send"))


def test_agreement_without_an_award_is_ignored() -> None:
    bob = World(BOB)
    pair = Pair()
    pair.propose()
    bob.drive.on_head(block(100), {})
    bob.drive.on_message(pair.asked.proposal)
    [(_, ignored)] = bob.done("ignored")
    assert isinstance(ignored, Ignored)
    assert bob.drive.cases == {}


def test_message_for_somebody_else_and_a_broken_one_are_refused() -> None:
    carol, pair = World(CAROL), Pair()
    carol.drive.on_head(block(100), {})
    with pytest.raises(PeerError, match="somebody else"):
        carol.drive.on_message(pair.asked.proposal)
    with pytest.raises(PeerError):
        carol.drive.on_message(b"noise")


def test_escrow_without_a_journal_is_adopted_once_by_either_side() -> None:
    pair = Pair().to_working()
    found = pair.found
    assert found is not None
    for who, key in ((ALICE, buy_key(found.escrow)), (BOB, serve_key(found.escrow))):
        world = World(who)
        world.drive.on_head(block(102), {})
        world.drive.adopt([found])
        world.drive.adopt([found])
        assert list(world.drive.cases) == [key]
        assert world.drive.watched() == (TaskRef(ALICE.account, found.escrow.task_id),)
        states = dict(world.drive.cases)
        world.boot()
        assert dict(world.drive.cases) == states


def test_head_that_falls_back_is_not_told() -> None:
    alice, bob, _ = auctioned()
    propose_again(alice, bob)
    before = list(alice.log)
    alice.drive.on_head(block(1), {})
    assert alice.log == before
    assert alice.drive.now == 12


def test_unknown_case_is_the_callers_mistake() -> None:
    with pytest.raises(UsageError, match="never begun"):
        World(ALICE).drive.tell(CaseKey("buy", bytes(32)), CancelWanted())


def test_large_auction_waits_for_its_root_on_chain() -> None:
    alice, bob = World(ALICE), World(BOB)
    big = inviting_bob(cfp(task_call(1, reserve=11 * AINU), tick=Planck(AINU // 1000)))
    alice.drive.announce(big, TOPIC)
    exchange(alice, bob)
    [(heard,)] = bob.done("heard")
    bob.drive.bid(heard, ask((0, 5 * AINU)), b"\5" * 32, facts(bob))
    exchange(alice, bob)
    [(key, remark)] = alice.done("submit")
    assert isinstance(remark, Remark)
    assert bob.done("submit") == []
    alice.drive.on_done(key)
    exchange(alice, bob)
    assert alice.done("read_facts")


def test_opening_that_is_refused_by_the_providers_fault_is_cleared_again() -> None:
    alice, bob, auction = auctioned()
    propose_again(alice, bob)
    [service] = [k for k, s in bob.drive.cases.items() if isinstance(s, provider.Provider)]
    state = bob.drive.cases[service]
    assert isinstance(state, provider.Provider)
    assert state.terms is not None
    bob.drive.tell(service, InputChecked(state.terms.input.hash, is_good=True))
    exchange(alice, bob)
    key, what = alice.done("submit")[-1]
    assert isinstance(what, OpenEscrow)
    alice.drive.on_refused(key, "reputation", "ExposureExceeded")
    held = alice.drive.cases[auction]
    assert len(held.rounds) == 2  # type: ignore[union-attr]
    assert held.rounds[0].removed == {BOB.account}  # type: ignore[union-attr]


# What a call may cost.


def heard(body: Cfp) -> Opened[Cfp]:
    alice = World(ALICE)
    alice.drive.announce(body, TOPIC)
    [(_, raw)] = alice.done("publish")
    return expect(reopen(raw), Cfp)


def test_funds_needed_are_reserves_fees_and_deposits() -> None:
    one = call()
    reserve = one.tasks[0].reserve
    needed = compute_funds_needed(one, CI)
    assert needed == reserve + CI.fee(reserve) + CI.dispute_deposit(reserve) + CI.record_deposit
    assert needed > reserve * 102 // 100


@pytest.mark.parametrize("missing", [0, 1])
def test_nobody_bids_for_a_requester_that_lacks_a_single_planck(missing: int) -> None:
    message = heard(call())
    needed = compute_funds_needed(message.body, CI)
    known = facts(World(BOB), free=needed - missing)
    if missing:
        with pytest.raises(FundsError, match="do not bid"):
            require_funded(message, known, CI)
    else:
        require_funded(message, known, CI)


def test_facts_of_another_block_or_without_the_requester_do_not_count() -> None:
    message, known = heard(call()), facts(World(BOB))
    for wrong in (
        msgspec.structs.replace(known, block=block(9)),
        msgspec.structs.replace(known, accounts=()),
    ):
        with pytest.raises(FundsError):
            require_funded(message, wrong, CI)
    bob = World(BOB)
    with pytest.raises(FundsError):
        bob.drive.bid(message, ask((0, 5)), b"\5" * 32, facts(bob, free=0))
    assert bob.rows == []


def proposed() -> tuple[World, Agreement]:
    """Return a bidder that has accepted an award, and what it is proposed."""
    alice, bob, _ = auctioned()
    [purchase] = [s for s in alice.drive.cases.values() if isinstance(s, requester.Requester)]
    return bob, expect(reopen(purchase.proposal), Agreement).body


@pytest.mark.parametrize("change", ["price", "task", "transcript", "auction", "arbiter"])
def test_proposal_that_does_not_follow_from_the_award_begins_nothing(change: str) -> None:
    bob, body = proposed()
    other = bytes(31) + b"\x09"
    changes: dict[str, dict[str, Any]] = {
        "price": {"price": Planck(7), "milestones": (Planck(3), Planck(4))},
        "task": {"task_id": other},
        "transcript": {"transcript": other},
        "auction": {"auction": other},
        "arbiter": {"arbiter": CAROL.account},
    }
    terms = msgspec.structs.replace(body.terms, **changes[change])
    forged = agreement.propose(terms, ALICE)
    raw = seal(
        forged,
        identity=ALICE,
        genesis=GENESIS,
        audience=BOB.account,
        sequence=10_000,
        issued_at=block(11),
        expires_at=block(40),
    )
    before = set(bob.drive.cases)
    bob.drive.on_message(raw)
    assert set(bob.drive.cases) == before
    assert isinstance(bob.done("ignored")[-1][1], Ignored)


def test_award_that_gives_no_terms_is_ignored_by_both_sides() -> None:
    """Its call names the provider as the arbiter: no agreement can be made of it."""
    alice, bob = World(ALICE), World(BOB)
    key = alice.drive.announce(
        msgspec.structs.replace(inviting_bob(call()), arbiter=BOB.account), TOPIC
    )
    exchange(alice, bob)
    [(heard_,)] = bob.done("heard")
    bob.drive.bid(heard_, ask((0, 50_000_000_000)), b"\5" * 32, facts(bob))
    exchange(alice, bob)
    alice.drive.on_facts(key, facts(alice))
    exchange(alice, bob)
    assert [kind.kind for kind in alice.drive.cases] == ["auction"]
    assert "no agreement" in alice.done("ignored")[-1][1].reason


def test_cases_are_put_away_together_once_nothing_can_wake_one_of_them() -> None:
    alice, _, _ = auctioned()
    long_ago = dict.fromkeys(alice.drive.cases, block(1))
    assert retired(alice.drive.cases, long_ago, block(10_000)) == []  # its task is being bought
    now = 12
    while not all(is_over(state) for state in alice.drive.cases.values()):
        alice.drive.on_head(block(now), dict.fromkeys(alice.drive.watched()))
        now += 1
    last = max(row.block for row in alice.rows)
    alice.drive.on_head(block(last + QUIET), {})
    assert alice.drive.retire() == {}
    alice.drive.on_head(block(last + QUIET + 1), {})
    gone = alice.drive.retire()
    assert {key.kind for key in gone} == {"auction", "buy"}
    assert alice.drive.cases == {}
    put_away = alice.done("retire")
    for row in alice.rows:
        assert any(row.task_id == name and row.event.startswith(p) for name, p in put_away)
    again: dict[CaseKey, Any] = {}
    assert len(list(replay(alice.rows, again, ALICE, GENESIS))) == len(alice.rows)
    assert again == gone


def test_a_call_that_was_never_bid_for_is_put_away_in_the_end() -> None:
    alice, bob = World(ALICE), World(BOB)
    alice.drive.announce(inviting_bob(call()), TOPIC)
    exchange(alice, bob)
    [(heard,)] = bob.done("heard")
    key, state = begin(CallHeard(heard), Step(block(11), BOB, GENESIS, 0))
    assert retired({key: state}, {key: block(11)}, block(11 + QUIET)) == []
    assert retired({key: state}, {key: block(11)}, block(100_000)) == [key]


def test_a_head_that_jumps_gives_a_provider_its_time_to_sign_anew() -> None:
    alice, _, _ = auctioned()
    [buy] = [key for key in alice.drive.cases if key.kind == "buy"]
    now = alice.drive.now + ABSENCE
    alice.drive.on_head(block(now), {})
    assert alice.drive.cases[buy].absences == 0  # type: ignore[union-attr]  # a purchase
    alice.drive.on_head(block(now + ABSENCE + 1), {})
    assert alice.drive.cases[buy].absences == 1  # type: ignore[union-attr]  # as above
    assert alice.boot().cases[buy].absences == 1  # type: ignore[union-attr]  # no block was missed
