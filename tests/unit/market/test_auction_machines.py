"""The two machines of an auction: every pair that is not in their tables, and the cases that matter."""

from collections.abc import Callable
from random import Random

import attrs
import msgspec
import pytest

from market.auction import bidder, requester
from market.auction.defaults import defaults_in
from market.auction.effects import (
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
    EscrowFailed,
    FactsRead,
    HeadMoved,
    Ignored,
    Opening,
    PostReveal,
    Publish,
    ReadFacts,
    RequesterEvent,
    RevealAckReceived,
    RevealPosted,
    RevealReceived,
    RootAnchored,
    RootReceived,
    Send,
    Step,
    TranscriptReceived,
    Withdrew,
)
from market.auction.facts import AccountFacts, Facts, FactsKeys, PostedReveal
from market.auction.verify import verify_transcript
from market.envelope import Opened, expect, open_untrusted
from market.errors import IllegalEventError, UsageError
from market.hashing import audience_of_topic
from market.identity import AccountId, Identity
from market.messages import (
    Acceptance,
    Ask,
    Award,
    Body,
    Cfp,
    Commitment,
    CommitmentAck,
    CommitmentRoot,
    Reveal,
    RevealAck,
    Transcript,
)
from market.units import AINU, Planck
from tests.support.samples import ALICE, BOB, CAROL, DAVE, GENESIS, ask, block, cfp, task_call

BIDDERS = (BOB, CAROL, DAVE)
NONCE = b"\5" * 32
_counter = iter(range(10**9))


def at(head: int, who: Identity = ALICE) -> Step:
    return Step(block(head), who, GENESIS, 4 * next(_counter))


def facts(posted: tuple[PostedReveal, ...] = (), **changes: object) -> Facts:
    rows = [
        AccountFacts(
            account=who.account,
            key=who.key,
            is_eligible=True,
            score=1000,
            headroom=Planck(2**62),
            free=Planck(2**62),
        )
        for who in (ALICE, *BIDDERS)
    ]
    rows = [msgspec.structs.replace(row, **changes) for row in rows]
    accounts = tuple(sorted(rows, key=lambda row: row.account))
    return Facts(genesis=GENESIS, block=block(10), accounts=accounts, posted=posted)


def opened(raw: bytes) -> Opened[Body]:
    return open_untrusted(raw, genesis=GENESIS, keys=FactsKeys.of(facts()))


def sent(effects: list[Effect], kind: type) -> list:
    return [effect for effect in effects if isinstance(effect, kind)]


class Table:
    """A requester and three bidders on a perfect network, one step at a time."""

    def __init__(self, call: Cfp | None = None, **asks: Ask) -> None:
        call = call or cfp(task_call(1))
        self.owner = requester.announce(call, at(11), audience_of_topic("t"))
        self.call = expect(opened(self.owner.call), Cfp)
        self.parties = {who.account: bidder.hear(self.call) for who in BIDDERS}
        self.effects: list[Effect] = []
        self.tell(Opening(), 11)

    def tell(self, event: RequesterEvent, head: int) -> list[Effect]:
        self.owner, effects = requester.step(self.owner, event, at(head))
        self.effects += effects
        return effects

    def bid(self, who: Identity, price: int, head: int = 12) -> bytes:
        """Let somebody commit, and return the acknowledgement."""
        state, effects = bidder.step(
            self.parties[who.account], DecidedToBid(ask((0, price)), NONCE), at(head, who)
        )
        self.parties[who.account] = state
        [commitment] = sent(effects, Send)
        message = expect(opened(commitment.message), Commitment)
        acks = sent(self.tell(CommitmentReceived(message), head), Send)
        return acks[0].message if acks else b""

    def close(self) -> bytes:
        """Let the commit window end, and return the root."""
        self.tell(HeadMoved(), 16)
        return self.owner.root

    def reveal_of(self, who: Identity, head: int = 16) -> Opened[Reveal]:
        message = expect(opened(self.owner.root), CommitmentRoot)
        state, effects = bidder.step(
            self.parties[who.account], RootReceived(message), at(head, who)
        )
        self.parties[who.account] = state
        [reveal] = sent(effects, Send)
        return expect(opened(reveal.message), Reveal)

    def reveal(self, who: Identity, head: int = 16) -> list[Effect]:
        return self.tell(RevealReceived(self.reveal_of(who, head)), head)

    def award(self) -> Award:
        """Read the facts, and return the award."""
        self.tell(FactsRead(facts()), 17)
        return self.last_award().body

    def last_award(self) -> Opened[Award]:
        return expect(opened(self.owner.rounds[-1].award), Award)

    def answer_of(
        self, who: Identity, head: int = 18, *, withdraw: bool = False
    ) -> Opened[Acceptance]:
        state = self.parties[who.account]
        if withdraw:
            state, _ = bidder.step(state, Withdrew("full"), at(head, who))
        state, effects = bidder.step(state, AwardReceived(self.last_award()), at(head, who))
        self.parties[who.account] = state
        [answer] = sent(effects, Send)
        return expect(opened(answer.message), Acceptance)

    def answer(self, who: Identity, head: int = 18, *, withdraw: bool = False) -> list[Effect]:
        return self.tell(AcceptanceReceived(self.answer_of(who, head, withdraw=withdraw)), head)


def awarded() -> Table:
    """Bob asks 300, Carol 500, Dave 800, for a task worth 1,000."""
    table = Table()
    for who, price in zip(BIDDERS, (300, 500, 800), strict=True):
        table.bid(who, price)
    table.close()
    for who in BIDDERS:
        table.reveal(who)
    table.award()
    return table


def prices(award: Award) -> list[tuple[AccountId, int]]:
    return [(line.provider, line.price) for line in award.lines]


# Every pair.


def requester_states() -> dict[requester.Phase, requester.Requester]:
    """Return one state of every phase, reached by the rules."""
    fresh = requester.announce(cfp(), at(11), audience_of_topic("t"))
    table = Table(cfp(task_call(1, reserve=11 * AINU), tick=Planck(10)))
    states = {requester.Phase.ANNOUNCED: fresh, requester.Phase.COMMITTING: table.owner}
    table.bid(BOB, 300)
    table.close()
    states[table.owner.phase] = table.owner
    table.tell(RootAnchored(), 16)
    states[table.owner.phase] = table.owner
    table.reveal(BOB)
    states[table.owner.phase] = table.owner
    table.award()
    states[table.owner.phase] = table.owner
    table.answer(BOB)
    states[table.owner.phase] = table.owner
    empty = Table()
    empty.close()
    states[empty.owner.phase] = empty.owner
    assert set(states) == set(requester.Phase)
    return states


def requester_events() -> list[RequesterEvent]:
    table = awarded()
    commitment = table.owner.taken[BOB.account].message
    reveal = table.owner.shown[BOB.account].message
    return [
        Opening(),
        HeadMoved(),
        CommitmentReceived(commitment),
        RootAnchored(),
        RevealReceived(reveal),
        RevealPosted(reveal, block(17)),
        FactsRead(facts()),
        AcceptanceReceived(table.answer_of(BOB)),
        EscrowFailed(BOB.account),
    ]


def transcript_of(table: Table) -> Opened[Transcript]:
    table.answer(BOB)
    return expect(opened(table.owner.transcript), Transcript)


def bidder_states() -> dict[bidder.Phase, bidder.Bidder]:
    table = Table()
    states = {bidder.Phase.HEARD: table.parties[BOB.account]}
    table.bid(BOB, 300)
    states[bidder.Phase.COMMITTED] = table.parties[BOB.account]
    table.close()
    effects = table.reveal(BOB)
    states[bidder.Phase.REVEALED] = table.parties[BOB.account]
    ack = expect(opened(sent(effects, Send)[0].message), RevealAck)
    waiting, _ = bidder.step(table.parties[BOB.account], RevealAckReceived(ack), at(16, BOB))
    over, _ = bidder.step(waiting, HeadMoved(), at(500, BOB))
    states |= {waiting.phase: waiting, over.phase: over}
    assert set(states) == set(bidder.Phase)
    return states


def bidder_events() -> list[BidderEvent]:
    table = awarded()
    ack = expect(opened(table.owner.taken[BOB.account].ack), CommitmentAck)
    shown = expect(opened(table.owner.shown[BOB.account].ack), RevealAck)
    return [
        DecidedToBid(ask((0, 300)), NONCE),
        CommitmentAckReceived(ack),
        RootReceived(expect(opened(table.owner.root), CommitmentRoot)),
        RevealAckReceived(shown),
        AwardReceived(table.last_award()),
        TranscriptReceived(transcript_of(table)),
        Withdrew("full"),
        HeadMoved(),
    ]


def test_every_pair_that_is_absent_from_the_requesters_table_is_refused_and_changes_nothing() -> (
    None
):
    absent = 0
    for phase, state in requester_states().items():
        for event in requester_events():
            if type(event) in requester.LEGAL[phase]:
                continue
            before = repr(state)
            with pytest.raises(IllegalEventError):
                requester.step(state, event, at(12))
            assert repr(state) == before
            absent += 1
    assert absent == len(requester.Phase) * 9 - sum(map(len, requester.LEGAL.values()))


def test_every_pair_that_is_absent_from_the_bidders_table_is_refused_and_changes_nothing() -> None:
    absent = 0
    for phase, state in bidder_states().items():
        for event in bidder_events():
            if type(event) in bidder.LEGAL[phase]:
                continue
            before = repr(state)
            with pytest.raises(IllegalEventError):
                bidder.step(state, event, at(12, BOB))
            assert repr(state) == before
            absent += 1
    assert absent == len(bidder.Phase) * 8 - sum(map(len, bidder.LEGAL.values()))


def test_every_legal_pair_is_taken_without_an_error() -> None:
    """Messages of another auction among them: strays are ignored, wherever they come."""
    for phase, state in requester_states().items():
        for event in requester_events():
            if type(event) in requester.LEGAL[phase]:
                requester.step(state, event, at(12))
    for phase, party in bidder_states().items():
        for event in bidder_events():
            if type(event) in bidder.LEGAL[phase]:
                bidder.step(party, event, at(12, BOB))


# The requester.


def test_whole_auction_pays_the_second_price_and_its_transcript_has_no_fault() -> None:
    table = awarded()
    assert prices(table.last_award().body) == [(BOB.account, 500)]
    effects = table.answer(BOB)
    [conclusion] = sent(effects, Conclude)
    assert conclusion.is_awarded
    assert table.owner.phase is requester.Phase.SETTLED
    transcript = expect(opened(conclusion.transcript), Transcript)
    assert verify_transcript(transcript, facts()) == []


def test_step_is_a_function_so_that_a_restart_says_nothing_new() -> None:
    table = awarded()
    answer = AcceptanceReceived(table.answer_of(BOB))
    now = at(18)
    assert requester.step(table.owner, answer, now) == requester.step(table.owner, answer, now)


@pytest.mark.parametrize(("head", "counts"), [(14, True), (15, True), (16, False), (99, False)])
def test_commitment_counts_until_the_close_block(head: int, counts: bool) -> None:
    table = Table()
    table.parties[BOB.account], effects = bidder.step(
        table.parties[BOB.account], DecidedToBid(ask((0, 300)), NONCE), at(12, BOB)
    )
    message = expect(opened(sent(effects, Send)[0].message), Commitment)
    effects = table.tell(CommitmentReceived(message), head)
    assert bool(sent(effects, Send)) == counts == (BOB.account in table.owner.taken)


def test_copy_of_a_commitment_gets_the_same_acknowledgement_again() -> None:
    table = Table()
    ack = table.bid(BOB, 300)
    copy = table.owner.taken[BOB.account].message
    before = table.owner
    assert table.tell(CommitmentReceived(copy), 14) == [Send(BOB.account, ack)]
    assert table.owner == before


def test_second_commitment_is_proof_of_equivocation_and_the_first_stands() -> None:
    table = Table()
    table.bid(BOB, 300)
    first = table.owner.taken[BOB.account].message
    table.parties[BOB.account] = bidder.hear(table.call)
    assert table.bid(BOB, 200) == b""
    [accusation] = sent(table.effects, Accuse)
    assert accusation.account == BOB.account
    assert accusation.proof[0] == first.raw != accusation.proof[1]
    assert table.owner.taken[BOB.account].message == first


def test_only_invited_bidders_are_taken_and_the_phase_ends_when_all_have_come() -> None:
    invited = tuple(sorted((BOB.account, CAROL.account)))
    table = Table(cfp(task_call(1), invited=invited))
    assert table.bid(DAVE, 100) == b""
    table.bid(BOB, 300)
    assert table.owner.phase is requester.Phase.COMMITTING
    table.bid(CAROL, 500)
    assert table.owner.phase is requester.Phase.REVEALING


def test_nobody_bids_in_its_own_auction() -> None:
    table = Table()
    table.parties[ALICE.account] = bidder.hear(table.call)
    assert table.bid(ALICE, 10) == b""


def test_large_auction_waits_for_its_root_to_be_on_chain() -> None:
    table = Table(cfp(task_call(1, reserve=10 * AINU + 10), tick=Planck(10)))
    table.bid(BOB, 300)
    effects = table.tell(HeadMoved(), 16)
    assert sent(effects, Anchor)
    assert not sent(effects, Publish)
    assert table.owner.phase is requester.Phase.CLOSED
    assert table.tell(RootAnchored(), 17) == [Publish(table.owner.root)]
    assert table.owner.phase is requester.Phase.REVEALING


def test_root_that_never_gets_on_chain_voids_the_auction() -> None:
    table = Table(cfp(task_call(1, reserve=11 * AINU), tick=Planck(10)))
    table.bid(BOB, 300)
    table.close()
    [conclusion] = sent(table.tell(HeadMoved(), 21), Conclude)
    assert not conclusion.is_awarded
    assert table.owner.phase is requester.Phase.VOID


def test_auction_without_bids_is_void() -> None:
    table = Table()
    [conclusion] = sent(table.tell(HeadMoved(), 16), Conclude)
    transcript = expect(opened(conclusion.transcript), Transcript)
    assert verify_transcript(transcript, facts()) == []


def test_withheld_reveals_do_not_hold_the_auction_up() -> None:
    table = Table()
    for who, price in zip(BIDDERS, (300, 500, 800), strict=True):
        table.bid(who, price)
    table.close()
    table.reveal(CAROL)
    assert table.owner.phase is requester.Phase.REVEALING
    effects = table.tell(HeadMoved(), 21)
    [reading] = sent(effects, ReadFacts)
    assert reading.accounts == tuple(sorted(who.account for who in BIDDERS))
    assert prices(table.award()) == [(CAROL.account, 1_000)]


@pytest.mark.parametrize(("posted", "counts"), [(20, True), (21, False)])
def test_reveal_that_was_posted_in_time_counts_as_received(posted: int, counts: bool) -> None:
    table = Table()
    table.bid(BOB, 300)
    table.bid(CAROL, 500)
    table.close()
    table.reveal(CAROL)
    lost = table.reveal_of(BOB)
    table.tell(HeadMoved(), 21)
    found = facts(posted=(PostedReveal(reveal=lost.raw, block=block(posted)),))
    table.tell(FactsRead(found), 21)
    winner, price = (BOB.account, 500) if counts else (CAROL.account, 1_000)
    assert prices(table.last_award().body) == [(winner, price)]
    [conclusion] = sent(table.answer(BOB if counts else CAROL, 22), Conclude)
    transcript = expect(opened(conclusion.transcript), Transcript)
    assert verify_transcript(transcript, found) == []


def test_posted_reveal_found_while_revealing_needs_no_acknowledgement() -> None:
    table = Table()
    table.bid(BOB, 300)
    table.close()
    message = table.reveal_of(BOB)
    effects = table.tell(RevealPosted(message, block(18)), 18)
    assert not sent(effects, Send)
    assert table.owner.phase is requester.Phase.CLEARED


def test_garbage_posted_on_chain_is_no_reveal() -> None:
    table = Table()
    table.bid(BOB, 300)
    table.close()
    table.tell(HeadMoved(), 21)
    junk = (PostedReveal(reveal=b"junk", block=block(18)),)
    table.tell(FactsRead(facts(posted=junk)), 21)
    assert table.owner.phase is requester.Phase.VOID


def _forge(reveal: Opened[Reveal], **changes: object) -> Opened[Reveal]:
    return attrs.evolve(reveal, body=msgspec.structs.replace(reveal.body, **changes))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda r: _forge(r, nonce=b"\6" * 32), "does not open its seal"),
        (lambda r: _forge(r, ask=ask((0, 290))), "does not open its seal"),
        (lambda r: _forge(r, root=bytes(32)), "another root"),
        (lambda r: _forge(r, auction=bytes(32)), "another auction"),
        (lambda r: attrs.evolve(r, sender=DAVE.account), "never committed"),
    ],
)
def test_reveal_that_does_not_fit_is_ignored(
    change: Callable[[Opened[Reveal]], Opened[Reveal]], reason: str
) -> None:
    table = Table()
    table.bid(BOB, 300)
    table.close()
    message = change(table.reveal_of(BOB))
    assert table.tell(RevealReceived(message), 17) == [Ignored(message.sender, reason)]


def test_ask_between_ticks_is_refused_before_it_is_sealed() -> None:
    table = Table()
    with pytest.raises(UsageError, match="multiples of the tick"):
        bidder.step(table.parties[BOB.account], DecidedToBid(ask((0, 305)), NONCE), at(12, BOB))


def test_refusal_clears_the_whole_auction_again_and_never_pays_below_the_ask() -> None:
    table = awarded()
    effects = table.answer(BOB, withdraw=True)
    assert sent(effects, Publish)
    assert table.last_award().body.round == 2
    assert prices(table.last_award().body) == [(CAROL.account, 800)]
    [conclusion] = sent(table.answer(CAROL, 19), Conclude)
    transcript = expect(opened(conclusion.transcript), Transcript)
    assert len(transcript.body.rounds[0].refusals) == 1
    assert verify_transcript(transcript, facts()) == []


def test_silent_winner_is_removed_when_its_window_ends() -> None:
    table = awarded()
    assert table.tell(HeadMoved(), 27) == []
    table.tell(HeadMoved(), 28)
    assert prices(table.last_award().body) == [(CAROL.account, 800)]
    assert table.owner.rounds[0].removed == {BOB.account}


def test_three_rounds_without_agreement_are_the_end() -> None:
    table = awarded()
    for head, who in ((18, BOB), (19, CAROL), (20, DAVE)):
        table.answer(who, head, withdraw=True)
    assert table.owner.phase is requester.Phase.VOID
    assert [c.is_awarded for c in sent(table.effects, Conclude)] == [False]


def test_escrow_that_fails_by_the_providers_fault_is_a_refusal() -> None:
    table = awarded()
    table.answer(BOB)
    with pytest.raises(IllegalEventError, match="won nothing"):
        table.tell(EscrowFailed(DAVE.account), 19)
    table.tell(EscrowFailed(BOB.account), 19)
    assert table.owner.phase is requester.Phase.AWARDED
    assert prices(table.last_award().body) == [(CAROL.account, 800)]


def test_contradicting_answers_are_proof_against_their_author() -> None:
    table = Table(cfp(task_call(1), task_call(2)))
    table.bid(BOB, 300)
    table.bid(CAROL, 500)
    table.close()
    table.reveal(BOB)
    table.reveal(CAROL)
    table.award()
    yes = table.answer_of(BOB)
    no = attrs.evolve(yes, id=bytes(32), body=msgspec.structs.replace(yes.body, accepted=False))
    owner, _ = requester.step(
        attrs.evolve(table.owner, cfp=table.owner.cfp), AcceptanceReceived(yes), at(18)
    )
    assert owner.phase is requester.Phase.SETTLED
    _, effects = requester.step(owner, AcceptanceReceived(no), at(18))
    assert [a.account for a in sent(effects, Accuse)] == [BOB.account]


def test_ineligible_bidders_win_nothing() -> None:
    table = Table()
    table.bid(BOB, 300)
    table.close()
    table.reveal(BOB)
    table.tell(FactsRead(facts(is_eligible=False)), 17)
    assert table.owner.weights[0].quality == 0
    assert table.owner.phase is requester.Phase.VOID


def test_exposure_limits_how_many_tasks_are_won() -> None:
    call = cfp(task_call(1), task_call(2))
    table = Table(call)
    two = ask((0, 100), (1, 100), surcharge=(0, 0))
    table.parties[BOB.account], effects = bidder.step(
        table.parties[BOB.account], DecidedToBid(two, NONCE), at(12, BOB)
    )
    message = expect(opened(sent(effects, Send)[0].message), Commitment)
    table.tell(CommitmentReceived(message), 12)
    table.close()
    table.reveal(BOB)
    table.tell(FactsRead(facts(headroom=Planck(1_999))), 17)
    assert table.owner.weights[0].capacity == 1
    assert len(table.last_award().body.lines) == 1


@pytest.mark.parametrize("head", [9, 15])
def test_call_is_announced_between_its_facts_and_its_close(head: int) -> None:
    with pytest.raises(UsageError, match="choose windows"):
        requester.announce(cfp(), at(head), audience_of_topic("t"))


# The bidder.


def test_acknowledgement_dated_to_another_block_is_not_believed() -> None:
    table = Table()
    ack = expect(opened(table.bid(BOB, 300)), CommitmentAck)
    for head, believed in ((10, False), (11, True), (13, True), (14, False)):
        state, _ = bidder.step(
            table.parties[BOB.account], CommitmentAckReceived(ack), at(head, BOB)
        )
        assert (state.ack is not None) == believed


def test_reveal_without_acknowledgement_is_posted_once_from_half_the_window_on() -> None:
    table = Table()
    table.bid(BOB, 300)
    table.close()
    table.reveal_of(BOB)
    state = table.parties[BOB.account]
    state, effects = bidder.step(state, HeadMoved(), at(16, BOB))
    assert effects == []
    state, effects = bidder.step(state, HeadMoved(), at(17, BOB))
    assert effects == [PostReveal(state.reveal)]
    _, effects = bidder.step(state, HeadMoved(), at(18, BOB))
    assert effects == []


def test_bidder_reveals_nothing_without_a_root_and_nothing_after_the_window() -> None:
    table = Table()
    table.bid(BOB, 300)
    state, effects = bidder.step(table.parties[BOB.account], HeadMoved(), at(19, BOB))
    assert effects == []
    assert state.reveal == b""
    table.close()
    root = RootReceived(expect(opened(table.owner.root), CommitmentRoot))
    state, effects = bidder.step(state, root, at(21, BOB))
    assert effects == []
    assert state.phase is bidder.Phase.WAITING


def _other_root(table: Table) -> Opened[CommitmentRoot]:
    body = expect(opened(table.owner.root), CommitmentRoot).body
    other = msgspec.structs.replace(body, count=2)
    raw = at(16).seal(other, audience_of_topic("x"), block(99))
    return expect(opened(raw), CommitmentRoot)


def test_two_roots_are_proof_against_the_requester_and_the_end_of_it() -> None:
    table = Table()
    table.bid(BOB, 300)
    table.close()
    table.reveal_of(BOB)
    state, effects = bidder.step(
        table.parties[BOB.account], RootReceived(_other_root(table)), at(16, BOB)
    )
    assert state.phase is bidder.Phase.OVER
    [accusation] = sent(effects, Accuse)
    assert accusation.account == ALICE.account
    assert len(set(accusation.proof)) == 2


def test_award_below_the_ask_is_refused() -> None:
    table = awarded()
    award = table.last_award()
    line = msgspec.structs.replace(award.body.lines[0], price=Planck(290))
    cheap = attrs.evolve(award, body=msgspec.structs.replace(award.body, lines=(line,)))
    _, effects = bidder.step(table.parties[BOB.account], AwardReceived(cheap), at(18, BOB))
    answer = expect(opened(sent(effects, Send)[0].message), Acceptance).body
    assert (answer.accepted, answer.reason) == (False, "below the ask")


def test_award_that_comes_twice_gets_the_same_answer_twice() -> None:
    table = awarded()
    first = table.answer_of(BOB)
    _, effects = bidder.step(
        table.parties[BOB.account], AwardReceived(table.last_award()), at(19, BOB)
    )
    assert effects == [Send(ALICE.account, first.raw)]


def test_loser_answers_nothing() -> None:
    table = awarded()
    state, effects = bidder.step(
        table.parties[DAVE.account], AwardReceived(table.last_award()), at(18, DAVE)
    )
    assert effects == []
    assert len(state.awards) == 1


def test_messages_of_a_stranger_are_ignored() -> None:
    table = awarded()
    award = attrs.evolve(table.last_award(), sender=CAROL.account)
    before = table.parties[BOB.account]
    state, effects = bidder.step(before, AwardReceived(award), at(18, BOB))
    assert state == before
    assert effects == [Ignored(CAROL.account, "not ours")]


def test_bidder_commits_in_time_with_a_full_nonce_only() -> None:
    party = Table().parties[BOB.account]
    with pytest.raises(UsageError, match="ahead"):
        bidder.step(party, DecidedToBid(ask((0, 300)), NONCE), at(9, BOB))
    with pytest.raises(UsageError, match="closed"):
        bidder.step(party, DecidedToBid(ask((0, 300)), NONCE), at(16, BOB))
    with pytest.raises(UsageError, match="32 random bytes"):
        bidder.step(party, DecidedToBid(ask((0, 300)), b"short"), at(12, BOB))


def test_evidence_is_all_that_the_requester_sent() -> None:
    table = awarded()
    table.answer_of(BOB)
    state = table.parties[BOB.account]
    kinds = [type(opened(raw).body) for raw in bidder.evidence_of(state)]
    assert kinds == [Cfp, CommitmentRoot, Award]


# Secrecy.


def test_seal_gives_no_ask_away_to_whoever_tries_all_prices() -> None:
    """Without the nonce every price is as likely as any other."""
    from market.sealing import seal_of_ask

    table = Table()
    nonce = Random(7).randbytes(32)
    state, _ = bidder.step(
        table.parties[BOB.account], DecidedToBid(ask((0, 300)), nonce), at(12, BOB)
    )
    target = expect(opened(state.commitment), Commitment).body.seal
    guesses = {
        seal_of_ask(
            ask((0, price)), bytes(32), genesis=GENESIS, auction=state.auction, bidder=BOB.account
        )
        for price in range(0, 1_010, 10)
    }
    assert target not in guesses
    assert nonce.hex() not in repr(state)
    assert "300" not in repr(attrs.evolve(state, call=None))
    assert "300" not in repr(DecidedToBid(ask((0, 300)), nonce))


def test_barred_account_is_not_admitted() -> None:
    table = Table()
    table.owner = attrs.evolve(table.owner, barred=frozenset({BOB.account}))
    assert table.bid(BOB, 300) == b""
    assert table.bid(CAROL, 300) != b""
    fresh = requester.announce(
        cfp(), at(11), audience_of_topic("t"), barred=frozenset({BOB.account})
    )
    assert fresh.barred == {BOB.account}


# Evidence against bidders.


def test_who_withheld_and_who_refused_is_proven_by_its_own_signature() -> None:
    table = Table()
    for who, price in zip(BIDDERS, (300, 500, 800), strict=True):
        table.bid(who, price)
    table.close()
    table.reveal(BOB)
    table.reveal(CAROL)
    table.tell(HeadMoved(), 21)
    table.award()
    table.answer(BOB, 22, withdraw=True)
    [conclusion] = sent(table.answer(CAROL, 23), Conclude)
    transcript = expect(opened(conclusion.transcript), Transcript)
    found = defaults_in(transcript, facts())
    assert {(each.kind, each.account) for each in found} == {
        ("withheld", DAVE.account),
        ("refused", BOB.account),
    }
    for each in found:
        assert opened(each.proof).sender == each.account


def test_bidder_that_commits_twice_is_named_by_the_verifier() -> None:
    table = awarded()
    first = table.owner.taken[BOB.account].message.raw
    party = bidder.hear(table.call)
    _, effects = bidder.step(party, DecidedToBid(ask((0, 200)), NONCE), at(12, BOB))
    second = sent(effects, Send)[0].message
    [conclusion] = sent(table.answer(BOB), Conclude)
    transcript = expect(opened(conclusion.transcript), Transcript)
    faults = verify_transcript(transcript, facts(), (first, second, b"junk"))
    assert [(fault.kind, fault.account) for fault in faults] == [("equivocation", BOB.account)]


def test_facts_of_another_block_are_refused() -> None:
    table = awarded()
    [conclusion] = sent(table.answer(BOB), Conclude)
    transcript = expect(opened(conclusion.transcript), Transcript)
    with pytest.raises(UsageError, match="read them at that block"):
        verify_transcript(transcript, msgspec.structs.replace(facts(), block=block(9)))


def test_evidence_of_another_auction_is_no_evidence() -> None:
    one, other = awarded(), awarded()
    [conclusion] = sent(one.answer(BOB), Conclude)
    transcript = expect(opened(conclusion.transcript), Transcript)
    foreign = [raw for who in BIDDERS for raw in bidder.evidence_of(other.parties[who.account])]
    assert foreign
    assert verify_transcript(transcript, facts(), foreign) == []


# Restarts.


def test_after_a_restart_an_auction_asks_again_for_what_it_waits_for() -> None:
    expected = {
        requester.Phase.ANNOUNCED: [],
        requester.Phase.COMMITTING: [Publish],
        requester.Phase.CLOSED: [Anchor],
        requester.Phase.REVEALING: [Publish],
        requester.Phase.CLEARED: [ReadFacts],
        requester.Phase.AWARDED: [Publish],
        requester.Phase.SETTLED: [Conclude],
        requester.Phase.VOID: [Conclude],
    }
    for phase, state in requester_states().items():
        assert [type(effect) for effect in requester.resume(state)] == expected[phase]


def test_after_a_restart_a_bidder_says_again_what_was_not_answered() -> None:
    states = bidder_states()
    committed, revealed = states[bidder.Phase.COMMITTED], states[bidder.Phase.REVEALED]
    assert bidder.resume(states[bidder.Phase.HEARD]) == []
    assert bidder.resume(committed) == [Send(ALICE.account, committed.commitment)]
    assert bidder.resume(revealed) == [Send(ALICE.account, revealed.reveal)]
    posted = attrs.evolve(revealed, is_posted=True)
    assert bidder.resume(posted)[1:] == [PostReveal(revealed.reveal)]
    assert bidder.resume(states[bidder.Phase.OVER]) == []


def test_step_that_is_played_again_says_what_it_said_before() -> None:
    """Also under a key that has been rotated since."""
    table = Table()
    state = bidder.hear(table.call)
    present = at(12, BOB)
    _, first = bidder.step(state, DecidedToBid(ask((0, 300)), NONCE), present)
    rotated = Identity.from_seed(b"\x77" * 32, account=BOB.account)
    again = attrs.evolve(present, identity=rotated)
    assert bidder.step(state, DecidedToBid(ask((0, 300)), NONCE), again)[1] == first
