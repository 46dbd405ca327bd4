"""Was this auction run by its rules? Everything is computed again from what was signed.

``verify_transcript`` takes the requester's transcript, the chain's facts, and the evidence that bidders hold: the
requester's own messages to them. It returns faults, each named by what was done and by whom. An
honest auction has none, whatever the network did to it; a transcript that cannot be the one all bidders saw
has at least one.

What it cannot see is named in the documentation: a bid that never got an acknowledgement, a winner called
silent that was not, and bids of the requester's own that were committed like everybody's.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

import attrs

from market.auction.facts import (
    Facts,
    FactsKeys,
    build_problem,
    compute_weight,
    validate_ask,
)
from market.auction.faults import Fault, FaultKind, place_of
from market.envelope import Opened, expect, open_untrusted
from market.errors import PeerError, UsageError
from market.hashing import MessageId
from market.identity import AccountId, ss58_from_account
from market.merkle import merkle_root
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
    Weight,
)
from market.sealing import seal_of_ask
from market.units import BlockNumber
from market.vcg import Clearing, clear

__all__ = ["Fault", "FaultKind", "Verified", "recompute", "verify_transcript"]


@attrs.frozen
class Verified:
    """What follows from the bids of a transcript: one clearing a round."""

    clearings: tuple[Clearing, ...]


class _Broken(Exception):  # noqa: N818  # not an error: a verdict on its way out
    """Nothing behind this fault can be checked."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.about)
        self.fault = fault


def verify_transcript(
    transcript: Opened[Transcript], facts: Facts, evidence: Iterable[bytes] = ()
) -> list[Fault]:
    """Check an auction.

    Args:
        transcript: the requester's, its signature checked.
        facts: what the chain says at the call's facts block.
        evidence: envelopes that bidders hold; what does not open or is of another auction is skipped.

    Returns:
        All faults found, in the order of the auction; none for an honest one.

    Raises:
        UsageError: the facts are of another block than the call names; read them again.
    """
    check = _Check(transcript, facts, evidence)
    try:
        check.run()
    except _Broken as broken:
        check.faults.append(broken.fault)
    return check.faults


def recompute(transcript: Opened[Transcript], facts: Facts) -> Verified:
    """Return the clearing of each round as it follows from the bids and weights of a transcript.

    Raises:
        UsageError: the transcript is too broken to be computed; ask for its faults first.
    """
    check = _Check(transcript, facts, ())
    try:
        check.run()
    except _Broken as broken:
        raise UsageError(f"{broken.fault.about}: verify the transcript first") from broken
    return Verified(tuple(check.clearings))


_B = TypeVar("_B", bound=Body)


class _Check:
    """One verification, step by step in the order of the auction."""

    def __init__(
        self, transcript: Opened[Transcript], facts: Facts, evidence: Iterable[bytes]
    ) -> None:
        self.faults: list[Fault] = []
        self.clearings: list[Clearing] = []
        self._body = transcript.body
        self._requester = transcript.sender
        self._facts = facts
        self._keys = FactsKeys.of(facts)
        self._known: list[Opened[Body]] = [transcript]
        self._evidence = [m for raw in evidence if (m := self._try(raw)) is not None]
        self._known += self._evidence
        self._auction = transcript.body.auction
        self._altered_reveals: set[MessageId] = set()
        """Ids of reveals that were acknowledged, and are not as they were."""

    def run(self) -> None:
        """Check everything.

        Raises:
            _Broken: something on which all the rest depends does not hold.
            UsageError: the facts are of another block.
        """
        cfp = self._check_call()
        if self._facts.block != cfp.facts_block:
            raise UsageError(
                f"the facts are of block {self._facts.block}, the call names {cfp.facts_block}: "
                "read them at that block"
            )
        commitments = self._check_commitments(cfp)
        root = self._check_root(commitments)
        reveals = self._check_reveals(cfp, commitments, root)
        self._check_dropped(cfp, commitments, root, reveals)
        self._check_equivocation()
        if root is not None and not self._altered_reveals:
            asks = {who: reveal.body.ask for who, reveal in reveals.items()}
            self._check_weights(cfp, asks)
            self._check_rounds(cfp, asks)

    def _fault(self, kind: FaultKind, about: str, account: AccountId | None = None) -> None:
        fault = Fault(kind, self._requester if account is None else account, about)
        if fault not in self.faults:
            self.faults.append(fault)

    def _try(self, raw: bytes) -> Opened[Body] | None:
        try:
            return open_untrusted(raw, genesis=self._facts.genesis, keys=self._keys)
        except PeerError:
            return None

    def _check_call(self) -> Cfp:
        """The call is the requester's, and the one that was bid on."""
        opened = self._try(self._body.cfp)
        if opened is None or not isinstance(opened.body, Cfp) or opened.sender != self._requester:
            raise _Broken(self._altered("the call for proposals is not the requester's"))
        self._known.append(opened)
        if bytes(opened.id) == bytes(self._auction) and not self._bid_on_another(opened):
            return opened.body
        told = next(
            (
                m.body
                for m in self._evidence
                if isinstance(m.body, Cfp)
                and m.sender == self._requester
                and m.id != opened.id
                and m.id in {self._auction, *self._auctions_bid_on()}
            ),
            None,
        )
        if told is None or _reserves(told) == _reserves(opened.body):
            raise _Broken(self._altered("the call for proposals is not the one that was bid on"))
        about = "the reserves are not those of the call that bidders hold"
        raise _Broken(Fault("reserve-changed", self._requester, about))

    def _altered(self, about: str) -> Fault:
        return Fault("altered", self._requester, about)

    def _auctions_bid_on(self) -> set[bytes]:
        bids = [self._try(record.commitment) for record in self._body.commitments]
        return {bytes(m.body.auction) for m in bids if m and isinstance(m.body, Commitment)}

    def _bid_on_another(self, call: Opened[Body]) -> bool:
        auctions = self._auctions_bid_on()
        return bool(auctions) and bytes(call.id) not in auctions

    def _check_commitments(self, cfp: Cfp) -> dict[AccountId, Opened[Commitment]]:
        """Every commitment is its bidder's, for this auction, acknowledged in time."""
        found: dict[AccountId, Opened[Commitment]] = {}
        for record in self._body.commitments:
            commitment = self._expect(record.commitment, Commitment)
            if commitment is None or commitment.body.auction != self._auction:
                self._fault("altered", "a commitment is not as its bidder signed it")
                continue
            who = _short(commitment.sender)
            ack = self._expect(record.ack, CommitmentAck)
            if ack is None or ack.sender != self._requester or ack.body.commitment != commitment.id:
                self._fault("inserted", f"the commitment of {who} was never acknowledged")
            elif ack.body.block > cfp.close_block:
                self._fault(
                    "late",
                    f"the commitment of {who} came at block {ack.body.block}, after the close",
                )
            if commitment.sender in found:
                self._fault("inserted", f"{who} has two commitments")
            found.setdefault(commitment.sender, commitment)
        return found

    def _expect(self, raw: bytes, kind: type[_B]) -> Opened[_B] | None:
        opened = self._try(raw)
        if opened is None or not isinstance(opened.body, kind):
            return None
        self._known.append(opened)
        return expect(opened, kind)

    def _check_root(
        self, commitments: Mapping[AccountId, Opened[Commitment]]
    ) -> CommitmentRoot | None:
        """The commitments are those under the root that bidders saw before anybody revealed."""
        if not self._body.root:
            if self._body.reveals or self._body.rounds:
                raise _Broken(self._altered("bids were opened without a root"))
            return None
        own = self._expect(self._body.root, CommitmentRoot)
        if own is None or own.sender != self._requester or own.body.auction != self._auction:
            raise _Broken(self._altered("the root is not the requester's for this auction"))
        # Where bidders saw another root, that is equivocation, and theirs counts too.
        seen = [
            m.body
            for m in self._evidence
            if isinstance(m.body, CommitmentRoot)
            and m.sender == self._requester
            and m.body.auction == self._auction
        ]
        seals = [m.body.seal for m in commitments.values()]
        for root in [own.body, *seen]:
            if len(seals) > root.count:
                extra = _surplus_member(root, commitments)
                self._fault("inserted", f"the commitment of {extra} is not under the root")
            elif len(seals) < root.count:
                missing = root.count - len(seals)
                self._fault("dropped", f"{missing} of {root.count} commitments are missing")
        if len(seals) == own.body.count and own.body.root != merkle_root(seals):
            self._fault("altered", "the commitments are not those under the root")
        return own.body

    def _check_reveals(
        self,
        cfp: Cfp,
        commitments: Mapping[AccountId, Opened[Commitment]],
        root: CommitmentRoot | None,
    ) -> dict[AccountId, Opened[Reveal]]:
        """Every reveal opens its seal, names the root, and came in time."""
        posted = {p.reveal: p.block for p in self._facts.posted}
        found: dict[AccountId, Opened[Reveal]] = {}
        for record in self._body.reveals:
            reveal = self._expect(record.reveal, Reveal)
            if reveal is None:
                whose = self._note_altered(record.ack)
                self._fault("altered", f"the reveal of {whose} is not as it was signed")
                continue
            who = _short(reveal.sender)
            commitment = commitments.get(reveal.sender)
            if commitment is None or reveal.sender in found:
                self._fault("inserted", f"the reveal of {who} belongs to no commitment")
                continue
            if root is None or not self._is_valid(cfp, commitment, reveal, bytes(root.root)):
                self._note_altered(record.ack)
                self._fault("altered", f"the reveal of {who} does not open what it committed to")
                continue
            self._check_reveal_time(cfp, reveal, record.ack, posted.get(record.reveal))
            found[reveal.sender] = reveal
        return found

    def _note_altered(self, raw: bytes) -> str:
        """Remember which reveal stood here, so that it is not called dropped too; say whose it was."""
        ack = self._expect(raw, RevealAck)
        self._altered_reveals.add(ack.body.reveal if ack else MessageId(b""))
        return _short(AccountId(ack.audience)) if ack else "somebody"

    def _check_reveal_time(
        self, cfp: Cfp, reveal: Opened[Reveal], raw: bytes, posted: BlockNumber | None
    ) -> None:
        who = _short(reveal.sender)
        block = posted
        if raw:
            ack = self._expect(raw, RevealAck)
            if ack is None or ack.sender != self._requester or ack.body.reveal != reveal.id:
                self._fault("altered", f"the acknowledgement of the reveal of {who} is not its own")
                return
            block = ack.body.block
        if block is None:
            self._fault("inserted", f"the reveal of {who} was neither acknowledged nor posted")
        elif block > cfp.reveal_by:
            self._fault("late", f"the reveal of {who} came at block {block}, after the window")

    def _is_valid(
        self, cfp: Cfp, commitment: Opened[Commitment], reveal: Opened[Reveal], root: bytes
    ) -> bool:
        opened = seal_of_ask(
            reveal.body.ask,
            reveal.body.nonce,
            genesis=self._facts.genesis,
            auction=self._auction,
            bidder=reveal.sender,
        )
        try:
            validate_ask(cfp, reveal.body.ask)
        except UsageError:
            return False
        return (
            reveal.body.auction == self._auction
            and bytes(reveal.body.root) == root
            and opened == commitment.body.seal
        )

    def _check_dropped(
        self,
        cfp: Cfp,
        commitments: Mapping[AccountId, Opened[Commitment]],
        root: CommitmentRoot | None,
        reveals: Mapping[AccountId, Opened[Reveal]],
    ) -> None:
        """What was acknowledged or posted in time is there."""
        committed: set[MessageId] = {m.id for m in commitments.values()}
        revealed: set[MessageId] = {m.id for m in reveals.values()} | self._altered_reveals
        for message in self._evidence:
            body = message.body
            if message.sender != self._requester:
                continue
            if isinstance(body, CommitmentAck) and body.auction == self._auction:
                if body.block <= cfp.close_block and body.commitment not in committed:
                    who = _short(AccountId(message.audience))
                    self._fault("dropped", f"the acknowledged commitment of {who} is missing")
            elif (
                isinstance(body, RevealAck)
                and body.auction == self._auction
                and body.block <= cfp.reveal_by
                and body.reveal not in revealed
            ):
                who = _short(AccountId(message.audience))
                self._fault("dropped", f"the acknowledged reveal of {who} is missing")
        for posted in self._facts.posted:
            opened = self._try(posted.reveal)
            if opened is None or not isinstance(opened.body, Reveal) or root is None:
                continue
            reveal = expect(opened, Reveal)
            commitment = commitments.get(reveal.sender)
            if (
                commitment is not None
                and posted.block <= cfp.reveal_by
                and reveal.sender not in reveals
                and self._is_valid(cfp, commitment, reveal, bytes(root.root))
            ):
                self._fault("dropped", f"the posted reveal of {_short(reveal.sender)} is missing")

    def _check_equivocation(self) -> None:
        """Nobody signed two messages where there can be one."""
        first: dict[tuple[object, ...], MessageId] = {}
        for message in self._known:
            place = place_of(message)
            if place is None or place[1] != bytes(self._auction):
                continue
            if first.setdefault(place, message.id) != message.id:
                self._fault(
                    "equivocation",
                    f"{_short(message.sender)} signed two different messages of kind {place[0]}",
                    message.sender,
                )

    def _check_weights(self, cfp: Cfp, asks: Mapping[AccountId, Ask]) -> None:
        """Weights and capacities follow from the chain's facts."""
        known = self._facts.by_account()
        declared = {w.provider: w for w in self._body.weights}
        for who, ask in sorted(asks.items()):
            weight = compute_weight(cfp, who, ask, known.get(who))
            if declared.get(who) != weight:
                self._fault("weight-changed", f"{_short(who)}: {_told(declared.get(who), weight)}")
        for who in sorted(declared.keys() - asks.keys()):
            self._fault("weight-changed", f"{_short(who)} has a weight and no bid")

    def _check_rounds(self, cfp: Cfp, asks: Mapping[AccountId, Ask]) -> None:
        """Winners and payments of every round follow from the bids; removals have a reason."""
        try:
            problem = build_problem(self._auction, cfp, asks, self._body.weights)
        except UsageError as error:
            raise _Broken(self._altered(f"the bids cannot be cleared: {error}")) from error
        removed: frozenset[AccountId] = frozenset()
        for number, record in enumerate(self._body.rounds, start=1):
            award = self._expect(record.award, Award)
            if (
                award is None
                or award.sender != self._requester
                or award.body.auction != self._auction
                or award.body.round != number
            ):
                raise _Broken(self._altered(f"award {number} is not the requester's"))
            cleared = clear(problem.without(removed), cfp.method)
            self.clearings.append(cleared)
            self._compare(award.body, cleared)
            winners = {line.provider for line in award.body.lines}
            gone = set(record.silent)
            for raw in record.refusals:
                answer = self._expect(raw, Acceptance)
                if answer is None or answer.body.accepted or answer.body.award != award.id:
                    self._fault("unjustified-removal", f"a refusal of round {number} is none")
                else:
                    gone.add(answer.sender)
            for who in sorted(gone - winners):
                self._fault("unjustified-removal", f"{_short(who)} had won nothing to refuse")
            if number < len(self._body.rounds) and not gone:
                self._fault("unjustified-removal", f"round {number} was repeated without a refusal")
            removed |= gone
        if asks and not self._body.rounds:
            self._fault("wrong-winner", "there were bids and no award")

    def _compare(self, award: Award, cleared: Clearing) -> None:
        got = {line.task: line for line in award.lines}
        due = {line.task: line for line in cleared.lines}
        for task in sorted(got.keys() | due.keys()):
            won, owed = got.get(task), due.get(task)
            if (won and won.provider) != (owed and owed.provider):
                names = f"{_short(won.provider) if won else 'nobody'} got it"
                names += f", {_short(owed.provider) if owed else 'nobody'} won it"
                self._fault("wrong-winner", f"task {task} of round {award.round}: {names}")
            elif won and owed and won.price != owed.price:
                self._fault(
                    "wrong-payment",
                    f"task {task} of round {award.round}: {won.price} planck where {owed.price} are due",
                )
        if award.method != cleared.method:
            about = f"round {award.round} is called {award.method}, and is {cleared.method}"
            self._fault("wrong-payment", about)


def _reserves(cfp: Cfp) -> list[tuple[bytes, int]]:
    return [(task.task_id, task.reserve) for task in cfp.tasks]


def _surplus_member(
    root: CommitmentRoot, commitments: Mapping[AccountId, Opened[Commitment]]
) -> str:
    """Return whose commitment it is that the root does not cover, where it is just one."""
    for who in sorted(commitments):
        rest = [m.body.seal for other, m in commitments.items() if other != who]
        if merkle_root(rest) == root.root:
            return _short(who)
    return "somebody"


def _told(declared: Weight | None, due: Weight) -> str:
    if declared is None:
        return "no weight is given"
    return (
        f"quality {declared.quality} ppm and capacity {declared.capacity} are given, "
        f"{due.quality} and {due.capacity} follow from the chain"
    )


def _short(account: AccountId) -> str:
    """Return the beginning of an account's address, as people see it."""
    return ss58_from_account(account)[:12] + "…"
