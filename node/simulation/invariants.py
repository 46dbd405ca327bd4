"""What must never happen, whatever goes wrong; and what must have happened in the end.

Looked at after every block and every message: money is conserved; a task settles once, and its escrow has an
exit for both sides; an honest provider that delivered is paid; an honest requester pays for nothing undelivered
and releases nothing that it has not found good; no bid is open before the root; scores move on settlement alone;
nobody honest says two things where there can be one; and what is open on chain is open in its parties' drives.
"""

from typing import TYPE_CHECKING

from market.auction import bidder, requester
from market.auction.facts import Facts
from market.auction.faults import place_of
from market.auction.verify import verify_transcript
from market.cases import CaseKey, buy_key, is_over, serve_key
from market.envelope import Opened, expect
from market.errors import MarketError
from market.escrow.calls import ClaimTimeout, Refund, Release
from market.escrow.params import part
from market.escrow.record import TERMINAL, Escrow, State
from market.escrow.turns import turns
from market.hashing import Hash, TaskId
from market.identity import AccountId
from market.messages import Agreement, Body, CommitmentRoot, Receipt, Reveal, Transcript
from market.settlement import provider as serving
from market.settlement import requester as buying
from market.settlement.effects import OnEscrow
from market.standing import EscrowId
from market.units import BlockNumber
from node.simulation.plan import Conduct

if TYPE_CHECKING:
    from node.simulation.party import Party
    from node.simulation.tasks import TaskWorld

__all__ = ["Watcher"]


class Watcher:
    """Looks on, and writes down what should not have been."""

    def __init__(self, world: "TaskWorld") -> None:
        self.world = world
        self.violations: list[str] = []
        self._said: dict[tuple[object, ...], bytes] = {}
        self._roots: set[bytes] = set()
        self.judged: set[tuple[AccountId, Hash | None]] = set()
        """Who has found which results good."""
        self._before: dict[BlockNumber, dict[EscrowId, Escrow]] = {}

    def violate(self, what: str) -> None:
        """Write down what should not have been."""
        self.violations.append(f"block {self.world.chain.backend.head}: {what}")
        self.world.note(None, f"VIOLATION: {what}")

    # Messages.

    def on_said(self, party: "Party", message: Opened[Body]) -> None:
        """Look at a message on its way."""
        body = message.body
        if isinstance(body, CommitmentRoot):
            self._roots.add(bytes(body.auction))
        if isinstance(body, Reveal) and bytes(body.auction) not in self._roots:
            self.violate(f"{party.name} shows its bid before the root is out")
        for place in (_place(message), ("sequence", message.sender, message.sequence)):
            if place is not None and self._said.setdefault(place, message.id) != message.id:
                self.violate(f"{party.name} says two things where there can be one: {place[0]}")

    def on_work(self, party: "Party", case: CaseKey) -> None:
        """Look at a provider that begins to work: its escrow is final, or it works for nothing."""
        state = party.drive.cases.get(case) if party.drive else None
        if not isinstance(state, serving.Provider):
            return
        chain = self.world.chain
        task = state.task
        found = chain.backend.found(task.requester, TaskId(task.task_id), chain.final)
        if found is None or found.escrow.provider != party.account:
            self.violate(f"{party.name} works without an escrow that is final")

    # Blocks.

    def after_reorg(self) -> None:
        """Forget blocks that were undone."""
        head = self.world.chain.backend.head
        self._before = {n: e for n, e in self._before.items() if n <= head}

    def after_block(self) -> None:
        """Look at what the new block has done."""
        backend = self.world.chain.backend
        head = backend.head
        for wrong in backend.audit():
            self.violate(wrong)
        before = self._before.get(BlockNumber(head - 1), {})
        now = backend.escrows(head)
        self._before[head] = now
        self._before.pop(BlockNumber(head - 8), None)
        self._look_at_scores(before, now, head)
        self._look_at_calls(before, head)
        for number, escrow in now.items():
            if escrow != before.get(number):
                self._look_at_escrow(number, before.get(number), escrow, head)

    def _look_at_scores(
        self, before: dict[EscrowId, Escrow], now: dict[EscrowId, Escrow], head: BlockNumber
    ) -> None:
        backend = self.world.chain.backend
        ended = {
            e.provider
            for n, e in now.items()
            if e.state in TERMINAL and (n not in before or before[n].state not in TERMINAL)
        }
        for party in self.world.providers:
            was = backend.score(party.account, BlockNumber(head - 1))
            if was != backend.score(party.account, head) and party.account not in ended:
                self.violate(f"the score of {party.name} moves without a settlement")

    def _look_at_calls(self, before: dict[EscrowId, Escrow], head: BlockNumber) -> None:
        """Nobody honest releases what it has not found good, nor gives back what it has delivered."""
        for carried in self.world.chain.blocks[head]:
            what, by = carried.signed.what, carried.signed.by
            if carried.refusal or not isinstance(what, OnEscrow) or by is None:
                continue
            party, escrow = self.world.parties.get(by), before.get(what.escrow)
            if party is None or escrow is None or not party.conduct.is_honest:
                continue
            is_judged = (by, escrow.result) in self.judged and self.world.is_good(escrow.result)
            if isinstance(what.call, Release) and not is_judged:
                self.violate(f"{party.name} releases what it has not found good")
            if isinstance(what.call, Refund) and escrow.state is State.DELIVERED:
                self.violate(f"{party.name} gives back what it has delivered")

    def _look_at_escrow(
        self, number: EscrowId, before: Escrow | None, now: Escrow, head: BlockNumber
    ) -> None:
        world = self.world
        if before is not None and before.state in TERMINAL:
            self.violate(f"escrow {number} has ended and goes on: {now.state.value}")
        if before is None and head > now.valid_until:
            self.violate(f"escrow {number} is opened after its offer has run out")
        if now.paid > now.price:
            self.violate(f"escrow {number} pays {now.paid} of {now.price}")
        if now.state not in TERMINAL:
            ways = {turn.call for turn in turns(now, world.params)}
            if ClaimTimeout not in ways:
                self.violate(f"escrow {number} has no exit for everybody")
            return
        same = [
            e
            for e in world.chain.backend.escrows(head).values()
            if (e.requester, e.task_id) == (now.requester, now.task_id) and e.paid
        ]
        if len(same) > 1:
            self.violate(f"task {now.task_id.hex()[:8]} is paid in {len(same)} escrows")
        if before is not None:
            self._look_at_end(number, before, now)

    def _look_at_end(self, number: EscrowId, before: Escrow, now: Escrow) -> None:
        """Look at an escrow's last transition, with what is known of the work."""
        world = self.world
        asked, made = world.parties[now.requester], world.parties[now.provider]
        delivered = before.state in (State.DELIVERED, State.DISPUTED, State.ESCALATED)
        if not delivered and before.state is not State.ACCEPTED:
            return
        result = before.result
        is_nothing = result is None and now.result is None
        if asked.conduct.is_honest and now.paid > before.paid and is_nothing:
            self.violate(f"escrow {number} pays for what was not delivered")
        if made.conduct.is_honest and result is not None and delivered:
            least = before.paid + before.unit
            if now.state is State.SPLIT:
                least = before.paid + before.unit // 2
            if now.state is State.RULED:
                least = before.paid + part(before.unit, now.ruling or 0)
                if now.ruling != 10_000:
                    self.violate(f"escrow {number} is ruled against good work")
            if now.paid < least:
                self.violate(
                    f"escrow {number} has delivered and ends {now.state.value}, {now.paid} paid"
                )

    # Drives.

    def after_heads(self, final: BlockNumber) -> None:
        """Compare what is open on chain with what is open in the drives."""
        world = self.world
        escrows = world.chain.backend.escrows(final)
        by_task = {(e.requester, e.task_id, e.provider): e for e in escrows.values()}
        for party in world.parties.values():
            drive = party.drive
            if drive is None or not party.conduct.is_honest:
                continue
            for escrow in escrows.values():
                if escrow.state in TERMINAL | {State.OPEN}:
                    continue
                if escrow.requester == party.account:
                    key = buy_key(escrow)
                elif escrow.provider == party.account:
                    key = serve_key(escrow)
                else:
                    continue
                state = drive.cases.get(key)
                if state is None:
                    self.violate(f"{party.name} has forgotten an escrow that is open")
                elif is_over(state):
                    self.violate(f"{party.name} is done with an escrow that is open")
            for state in drive.cases.values():
                if isinstance(state, buying.Requester | serving.Provider):
                    self._look_at_outcome(party, state, by_task)
            if party.accusations:
                self._look_at_accusations(party)

    def _look_at_outcome(
        self,
        party: "Party",
        state: buying.Requester | serving.Provider,
        by_task: dict[tuple[AccountId, TaskId, AccountId], Escrow],
    ) -> None:
        outcome = state.outcome
        if outcome is None or not isinstance(outcome.state, State):
            return
        task = state.task
        escrow = by_task.get((task.requester, TaskId(task.task_id), task.provider))
        if escrow is None or (escrow.state, escrow.paid) != (outcome.state, outcome.paid):
            self.violate(f"{party.name} takes for {outcome.state.value} what is not, finally")

    def _look_at_accusations(self, party: "Party") -> None:
        for each in party.accusations:
            accused = self.world.parties[each.account]
            if accused.conduct.is_honest:
                self.violate(f"{party.name} accuses {accused.name}, which is honest")

    # The end.

    def is_over(self) -> bool:
        """Return whether nothing is left to do for anybody honest, nor on chain."""
        chain = self.world.chain
        if self._unended():
            return False
        if chain.pool:
            return False
        for party in self.world.parties.values():
            if not party.conduct.is_honest:
                continue
            if party.drive is None or not all(is_over(s) for s in party.drive.cases.values()):
                return False
        return True

    def _unended(self) -> dict[EscrowId, Escrow]:
        """Return the escrows that somebody honest would have ended: a side that does nothing may leave its
        own money where it is."""
        chain, parties = self.world.chain, self.world.parties
        return {
            number: escrow
            for number, escrow in chain.backend.escrows(chain.final).items()
            if escrow.state not in TERMINAL
            and any(
                parties[side].conduct is not Conduct.SILENT
                for side in (escrow.requester, escrow.provider)
            )
        }

    def at_end(self, *, is_live: bool) -> None:
        """Look at the whole: it is over where it must be, and transcripts verify."""
        world = self.world
        if is_live and not self.is_over():
            for number, escrow in self._unended().items():
                self.violate(f"escrow {number} has not ended: {escrow.state.value}")
            for party in world.parties.values():
                if party.drive is None or not party.conduct.is_honest:
                    continue
                for key, state in party.drive.cases.items():
                    if not is_over(state):
                        self.violate(f"{party.name} has not ended: {key.kind} {state.phase.value}")
            if not self.violations:
                self.violate("it does not end")
        self._verify_transcripts()

    def _verify_transcripts(self) -> None:
        """Verify the transcripts of honest requesters with what the bidders hold."""
        world = self.world
        for party in world.requesters:
            for key, conclusion in party.conclusions.items():
                drive = party.drive
                state = drive.cases.get(key) if drive else None
                if not isinstance(state, requester.Requester):
                    continue
                opened = expect(world.opened(conclusion.transcript), Transcript)
                who = {*state.taken, party.account}
                facts = world.facts(key.id, state.cfp.facts_block, who)
                held: dict[bytes, None] = {}
                for other in world.providers:
                    bid = other.drive.cases.get(CaseKey("bid", key.id)) if other.drive else None
                    if isinstance(bid, bidder.Bidder):
                        held |= dict.fromkeys(bidder.evidence_of(bid))
                for fault in self._faults(opened, facts, tuple(held)):
                    self.violate(f"the transcript of {party.name}: {fault}")

    def _faults(
        self, opened: Opened[Transcript], facts: Facts, evidence: tuple[bytes, ...]
    ) -> list[str]:
        try:
            return [f.kind for f in verify_transcript(opened, facts, evidence)]
        except MarketError as error:
            return [str(error)]


def _place(message: Opened[Body]) -> tuple[object, ...] | None:
    """Return the place that only one message can have; None when there is no such."""
    match message.body:
        case Agreement(terms=terms):
            return "agreement", message.sender, terms.task_id, terms.attempt, terms.provider
        case Receipt(terms=terms_hash, milestone=milestone):
            return "receipt", message.sender, terms_hash, milestone
        case _:
            return place_of(message)
