"""A requester and a provider with one awarded task, on the mirror of the chain, step by step."""

import attrs
import msgspec

from market import agreement
from market.envelope import expect, open_untrusted
from market.escrow.calls import Call
from market.escrow.entries import open_escrow, open_with_offer
from market.escrow.machine import step as escrow_step
from market.escrow.params import CI
from market.escrow.record import Chain, Escrow
from market.hashing import Hash, MessageId, digest
from market.identity import Identity
from market.messages import Agreement, AgreementTerms, Blob, Receipt
from market.settlement import provider, requester
from market.settlement.effects import (
    AgreementReceived,
    ChainSeen,
    Effect,
    Found,
    InputChecked,
    OnEscrow,
    OpenEscrow,
    ProviderEvent,
    RequesterEvent,
    Submit,
    WorkDone,
)
from market.settlement.terms import Policy
from market.standing import EscrowId
from market.steps import Opening, Step
from market.units import AINU, BlockNumber, Planck
from tests.support.samples import ALICE, BOB, CAROL, GENESIS, TERMS, OwnKeys

POLICY = Policy(sign_within=5, offer_validity=8, margin=3)
AWARD = MessageId(digest("award", b"sample"))
RESULT = Blob(hash=digest("leaf", b"result"), size=6, media_type="text/plain")
JUNK = Blob(hash=digest("leaf", b"junk"), size=4, media_type="text/plain")
NUMBER = EscrowId(7)
HALF = Planck(AINU // 2)


def terms(milestones: int = 1) -> AgreementTerms:
    return msgspec.structs.replace(
        TERMS,
        price=Planck(HALF * milestones),
        milestones=(HALF,) * milestones,
        deliver_within=6 if milestones > 1 else 10,
        review_blocks=8,
    )


class Pair:
    """Both machines, and the escrow between them; nothing happens unless it is told to."""

    def __init__(self, milestones: int = 1, policy: Policy = POLICY) -> None:
        self.now = BlockNumber(100)
        self.escrow: Escrow | None = None
        self.sequence = 0
        self.policy = policy
        self.terms = terms(milestones)
        self.asked = requester.draft(self.terms, b"transcript", policy, self.at(ALICE), AWARD)
        self.made: provider.Provider | None = None

    def at(self, who: Identity, now: int | None = None) -> Step:
        self.sequence += 4
        return Step(BlockNumber(now or self.now), who, GENESIS, self.sequence)

    def ask(self, event: RequesterEvent) -> list[Effect]:
        self.asked, effects = requester.step(self.asked, event, self.at(ALICE))
        return effects

    def make(self, event: ProviderEvent) -> list[Effect]:
        assert self.made is not None
        self.made, effects = provider.step(self.made, event, self.at(BOB))
        return effects

    def wait(self, blocks: int = 1) -> None:
        self.now = BlockNumber(self.now + blocks)

    @property
    def found(self) -> Found | None:
        return None if self.escrow is None else Found(NUMBER, self.escrow)

    def look(self) -> tuple[list[Effect], list[Effect]]:
        """Show both what the chain has."""
        asked = self.ask(ChainSeen(self.found))
        return asked, [] if self.made is None else self.make(ChainSeen(self.found))

    # The way to each phase.

    def propose(self) -> None:
        self.ask(Opening())

    def consider(self) -> None:
        proposal = expect(
            open_untrusted(self.asked.proposal, genesis=GENESIS, keys=OwnKeys()), Agreement
        )
        self.made = provider.consider(
            proposal, self.terms, self.policy, self.at(BOB), offer_epoch=0
        )

    def sign(self) -> None:
        self.make(InputChecked(self.terms.input.hash, is_good=True))

    def receive_signature(self) -> list[Effect]:
        assert self.made is not None
        answer = open_untrusted(self.made.answer, genesis=GENESIS, keys=OwnKeys())
        return self.ask(AgreementReceived(expect(answer, Agreement)))

    def chain(self) -> Chain:
        return Chain(
            now=self.now,
            params=CI,
            genesis=GENESIS,
            treasury=CAROL.account,
            min_price=Planck(AINU // 1000),
            registered=frozenset({BOB.account}),
            arbiters=frozenset({CAROL.account}),
            take_on=lambda _provider, _amount: Planck(AINU),
        )

    def carry_out(self, what: OpenEscrow | OnEscrow) -> None:
        """Do on chain what an effect asks for."""
        if isinstance(what, OnEscrow):
            self.call(what.call)
        elif what.signature is None:
            self.escrow, _ = open_escrow(what.offer, ALICE.account, self.chain())
        else:
            signature = what.signature
            self.escrow, _ = open_with_offer(what.offer, signature, ALICE.account, self.chain())

    def call(self, call: Call) -> None:
        self.escrow, _ = escrow_step(self.escrow, call, self.chain())

    def submit(self, effects: list[Effect]) -> list[str]:
        """Carry out what is submitted, in order, and return the last part of the keys."""
        submissions = [effect for effect in effects if isinstance(effect, Submit)]
        for each in submissions:
            self.carry_out(each.what)
        return [each.key.split("/", 5)[-1] for each in submissions]

    def to_working(self) -> "Pair":
        """Sign, and open the escrow."""
        self.propose()
        self.consider()
        self.sign()
        self.submit(self.receive_signature())
        self.wait()
        self.look()
        if self.policy.opening == "proposal":
            self.submit(self.look()[1])
            self.wait()
            self.look()
        return self

    def to_delivered(self, result: Blob = RESULT) -> "Pair":
        """Do the current milestone, and deliver it."""
        assert self.escrow is not None
        self.submit(self.make(WorkDone(self.escrow.milestone, result)))
        self.wait()
        self.look()
        return self

    def receipt(self, milestone: int = 0, **changes: object) -> Receipt:
        body = Receipt(
            terms=agreement.hash_terms(self.terms),
            task_id=self.terms.task_id,
            attempt=self.terms.attempt,
            milestone=milestone,
            result=RESULT,
            started=self.now,
            finished=self.now,
        )
        return msgspec.structs.replace(body, **changes)


def kinds(effects: list[Effect]) -> list[str]:
    """Return the names of effects, and of submissions the end of their keys."""
    return [
        effect.key.split("/", 5)[-1] if isinstance(effect, Submit) else type(effect).__name__
        for effect in effects
    ]


def evolved(pair: Pair, **changes: object) -> Found:
    """Return the escrow with other fields, as another state of the chain."""
    assert pair.escrow is not None
    return Found(NUMBER, attrs.evolve(pair.escrow, **changes))


def hash_of(text: str) -> Hash:
    return digest("leaf", text.encode())
