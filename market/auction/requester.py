"""The requester's side of an auction.

Theory of operation. ``announced`` -> ``committing`` -> ``closed`` -> ``revealing`` -> ``cleared`` -> ``awarded`` -> ``settled``, or ``void``.

- *committing*: the first commitment of each account is acknowledged, with the block; a copy gets the same
  acknowledgement again, a different one is proof of equivocation. It ends after ``close_block``, or once all
  who are invited have committed.
- *closed*: what is in the auction is fixed by the Merkle root of all seals, before anybody can see it. Large
  auctions wait here until the root is on chain; then it goes out to all.
- *revealing*: a reveal counts if it opens a seal that was acknowledged, and names the root, which nobody knew
  before. It ends after ``reveal_by``, or once all have revealed. Withheld reveals delay nothing.
- *cleared*: the chain is read: facts about the bidders, and reveals that were posted there because no
  acknowledgement came. From these and the asks alone follow winners and payments.
- *awarded*: winners answer. If one refuses or is silent, the *whole* auction is cleared again without it, on the
  same asks; clearing only what is left over could pay less than was asked. At most three rounds.
- *settled*, *void*: the signed transcript is out. An escrow that fails by a provider's fault reopens a settled one.

Messages that are late, early or broken are legal and change nothing: they happen to honest nodes. An event
that is not in :data:`LEGAL` is a mistake of the caller.
"""

from typing import Final

import attrs

from market.auction.book import Phase, Requester, Round, Shown, Taken, transcript_of
from market.auction.effects import (
    AcceptanceReceived,
    Accuse,
    Anchor,
    CommitmentReceived,
    Conclude,
    Effect,
    EscrowFailed,
    FactsRead,
    HeadMoved,
    Ignored,
    Opening,
    Publish,
    ReadFacts,
    RequesterEvent,
    RevealPosted,
    RevealReceived,
    RootAnchored,
    Send,
    Step,
)
from market.auction.facts import Facts, FactsKeys, build_problem, compute_weight, validate_ask
from market.envelope import KeyDirectory, Opened, expect, open_untrusted, reopen
from market.errors import IllegalEventError, PeerError, UsageError
from market.hashing import AuctionId, GenesisHash, Hash
from market.identity import AccountId
from market.merkle import merkle_root
from market.messages import (
    MAX_ROUNDS,
    Acceptance,
    Award,
    AwardLine,
    Cfp,
    Commitment,
    CommitmentAck,
    CommitmentRoot,
    Reveal,
    RevealAck,
)
from market.messages.fields import MAX_BIDDERS
from market.sealing import seal_of_ask
from market.units import AINU, BlockNumber
from market.vcg import clear

__all__ = [
    "ANCHOR_ABOVE",
    "LEGAL",
    "Phase",
    "Requester",
    "Round",
    "Shown",
    "Taken",
    "announce",
    "resume",
    "step",
]

ANCHOR_ABOVE: Final = 10 * AINU
"""Auctions whose reserves sum to more than this post their root on chain."""

_KEEP: Final = 100
"""Blocks after its end for which an auction's messages stay valid."""


_ANYTIME: Final = frozenset(
    {CommitmentReceived, RevealReceived, RevealPosted, AcceptanceReceived, HeadMoved}
)
"""What the world may tell an auction that is known to it; it counts in one phase each."""

LEGAL: Final[dict[Phase, frozenset[type[RequesterEvent]]]] = {
    Phase.ANNOUNCED: frozenset({Opening}),
    Phase.COMMITTING: _ANYTIME,
    Phase.CLOSED: _ANYTIME | {RootAnchored},
    Phase.REVEALING: _ANYTIME,
    Phase.CLEARED: _ANYTIME | {FactsRead},
    Phase.AWARDED: _ANYTIME,
    Phase.SETTLED: _ANYTIME | {EscrowFailed},
    Phase.VOID: _ANYTIME,
}
"""Which events may come in which phase; every other pair is refused and changes nothing."""


def announce(
    cfp: Cfp, step: Step, audience: Hash, barred: frozenset[AccountId] = frozenset()
) -> Requester:
    """Return a new auction, sealed and not yet sent.

    Args:
        cfp: the call.
        step: the present.
        audience: the hash of the topic on which it is called.
        barred: accounts whose commitments are not admitted (see :mod:`market.auction.defaults`).

    Raises:
        UsageError: its facts block lies ahead, its windows are over, or it is too large to send.
    """
    if not cfp.facts_block <= step.now < cfp.close_block:
        raise UsageError(
            f"head {step.now} is not between facts_block {cfp.facts_block} and close_block "
            f"{cfp.close_block}: choose windows from the present head on"
        )
    end = cfp.reveal_by + MAX_ROUNDS * cfp.accept_blocks + _KEEP
    call = step.seal(cfp, audience, BlockNumber(end))
    return Requester(Phase.ANNOUNCED, AuctionId(reopen(call).id), cfp, call, barred=barred)


def step(state: Requester, event: RequesterEvent, at: Step) -> tuple[Requester, list[Effect]]:
    """Tell an auction what happened.

    Args:
        state: before it.
        event: what happened; messages in it have passed :func:`market.envelope.open_untrusted`.
        at: the present.

    Returns:
        The state after it, and what is to be done once that is saved.

    Raises:
        IllegalEventError: the event cannot happen in this phase; the state is unchanged.
    """
    if type(event) not in LEGAL[state.phase]:
        raise IllegalEventError(f"{type(event).__name__} while {state.phase.value}")
    match event:
        case Opening():
            return attrs.evolve(state, phase=Phase.COMMITTING), [Publish(state.call)]
        case CommitmentReceived(message):
            return _on_commitment(state, message, at)
        case RootAnchored():
            return attrs.evolve(state, phase=Phase.REVEALING), [Publish(state.root)]
        case RevealReceived(message):
            return _on_reveal(state, message, at, None)
        case RevealPosted(message, block):
            return _on_reveal(state, message, at, block)
        case FactsRead(facts):
            return _on_facts(state, facts, at)
        case AcceptanceReceived(message):
            return _on_answer(state, message, at)
        case EscrowFailed(provider):
            return _on_escrow_failed(state, provider, at)
        case HeadMoved():
            return _move(state, at)


def _ignore(
    state: Requester, message: Opened[Commitment] | Opened[Reveal] | Opened[Acceptance], why: str
) -> tuple[Requester, list[Effect]]:
    return state, [Ignored(message.sender, why)]


def _on_commitment(
    state: Requester, message: Opened[Commitment], at: Step
) -> tuple[Requester, list[Effect]]:
    sender = message.sender
    if message.body.auction != state.auction:
        return _ignore(state, message, "another auction")
    before = state.taken.get(sender)
    if before is not None:
        if before.message.id == message.id:
            return state, [Send(sender, before.ack)]
        proof = (before.message.raw, message.raw)
        return state, [Accuse(sender, "equivocation", proof)]
    if state.phase is not Phase.COMMITTING or at.now > state.cfp.close_block:
        return _ignore(state, message, "late")
    if state.cfp.invited and sender not in state.cfp.invited:
        return _ignore(state, message, "not invited")
    is_own = sender == at.identity.account
    if is_own or sender in state.barred or len(state.taken) == MAX_BIDDERS:
        return _ignore(state, message, "not admitted")
    ack = CommitmentAck(auction=state.auction, commitment=message.id, block=at.now)
    raw = at.seal(ack, sender, _end(state))
    state = attrs.evolve(state, taken={**state.taken, sender: Taken(message, raw)})
    effects: list[Effect] = [Send(sender, raw)]
    if state.cfp.invited and set(state.taken) == set(state.cfp.invited):
        closed, more = _close(state, at)
        return closed, effects + more
    return state, effects


def _end(state: Requester) -> BlockNumber:
    return BlockNumber(state.cfp.reveal_by + MAX_ROUNDS * state.cfp.accept_blocks + _KEEP)


def _close(state: Requester, at: Step) -> tuple[Requester, list[Effect]]:
    if not state.taken:
        return _finish(attrs.evolve(state, phase=Phase.VOID), at)
    root = merkle_root(taken.message.body.seal for taken in state.taken.values())
    body = CommitmentRoot(auction=state.auction, root=root, count=len(state.taken), block=at.now)
    raw = at.seal(body, Hash(state.auction), _end(state), nth=1)
    state = attrs.evolve(state, phase=Phase.CLOSED, root=raw, root_hash=root)
    if sum(task.reserve for task in state.cfp.tasks) > ANCHOR_ABOVE:
        return state, [Anchor(Hash(root))]
    return attrs.evolve(state, phase=Phase.REVEALING), [Publish(raw)]


def _on_reveal(
    state: Requester, message: Opened[Reveal], at: Step, posted: BlockNumber | None
) -> tuple[Requester, list[Effect]]:
    sender = message.sender
    before = state.shown.get(sender)
    if before is not None:
        return state, [Send(sender, before.ack)] if before.ack else []
    if state.phase is not Phase.REVEALING:
        early = state.phase in (Phase.COMMITTING, Phase.CLOSED)
        return _ignore(state, message, "early" if early else "late")
    if (at.now if posted is None else posted) > state.cfp.reveal_by:
        return _ignore(state, message, "late")
    why = _refusal(state, message, at)
    if why:
        return _ignore(state, message, why)
    raw = b""
    effects: list[Effect] = []
    if posted is None:
        ack = RevealAck(auction=state.auction, reveal=message.id, block=at.now)
        raw = at.seal(ack, sender, _end(state))
        effects.append(Send(sender, raw))
    state = attrs.evolve(state, shown={**state.shown, sender: Shown(message, raw)})
    moved, more = _move(state, at)
    return moved, effects + more


def _refusal(state: Requester, message: Opened[Reveal], at: Step) -> str:
    """Return why a reveal does not count; empty when it does."""
    taken = state.taken.get(message.sender)
    if taken is None:
        return "never committed"
    reveal = message.body
    if reveal.auction != state.auction:
        return "another auction"
    if reveal.root != state.root_hash:
        return "another root"
    opened = seal_of_ask(
        reveal.ask,
        reveal.nonce,
        genesis=at.genesis,
        auction=state.auction,
        bidder=message.sender,
    )
    if opened != taken.message.body.seal:
        return "does not open its seal"
    try:
        validate_ask(state.cfp, reveal.ask)
    except UsageError as error:
        return str(error)
    return ""


def _move(state: Requester, at: Step) -> tuple[Requester, list[Effect]]:
    """Do what the head or completeness makes due."""
    match state.phase:
        case Phase.COMMITTING if at.now > state.cfp.close_block:
            return _close(state, at)
        case Phase.CLOSED if at.now > state.cfp.reveal_by:
            return _finish(attrs.evolve(state, phase=Phase.VOID), at)
        case Phase.REVEALING if (
            at.now > state.cfp.reveal_by or state.shown.keys() == state.taken.keys()
        ):
            accounts = tuple(sorted(state.taken))
            facts = ReadFacts(state.cfp.facts_block, accounts)
            return attrs.evolve(state, phase=Phase.CLEARED), [facts]
        case Phase.AWARDED if _is_over(state.rounds[-1], at):
            return _judge(state, at)
        case _:
            return state, []


def _on_facts(state: Requester, facts: Facts, at: Step) -> tuple[Requester, list[Effect]]:
    """Weigh everybody who revealed, here or on chain, and award."""
    keys = FactsKeys.of(facts)
    shown = dict(state.shown)
    for posted in facts.posted:
        message = _open_reveal(posted.reveal, at.genesis, keys)
        if (
            message is not None
            and message.sender not in shown
            and posted.block <= state.cfp.reveal_by
            and not _refusal(state, message, at)
        ):
            shown[message.sender] = Shown(message, b"")
    known = facts.by_account()
    weights = tuple(
        compute_weight(state.cfp, who, each.message.body.ask, known.get(who))
        for who, each in sorted(shown.items())
    )
    return _award(attrs.evolve(state, shown=shown, weights=weights), at)


def _open_reveal(raw: bytes, genesis: GenesisHash, keys: KeyDirectory) -> Opened[Reveal] | None:
    """Open what somebody posted; None when it is no reveal that counts."""
    try:
        return expect(open_untrusted(raw, genesis=genesis, keys=keys), Reveal)
    except PeerError:
        return None


def _award(state: Requester, at: Step) -> tuple[Requester, list[Effect]]:
    """Clear everything that was asked, without those removed so far, and say who won."""
    asks = {who: shown.message.body.ask for who, shown in state.shown.items()}
    removed = frozenset[AccountId]().union(*(each.removed for each in state.rounds))
    problem = build_problem(state.auction, state.cfp, asks, state.weights).without(removed)
    cleared = clear(problem, state.cfp.method)
    answer_by = BlockNumber(at.now + state.cfp.accept_blocks)
    award = Award(
        auction=state.auction,
        round=len(state.rounds) + 1,
        method=cleared.method,
        lines=tuple(
            AwardLine(task=line.task, provider=line.provider, price=line.price)
            for line in cleared.lines
        ),
        answer_by=answer_by,
    )
    raw = at.seal(award, Hash(state.auction), _end(state), nth=2)
    round_ = Round(raw, reopen(raw).id, cleared, answer_by)
    state = attrs.evolve(state, rounds=(*state.rounds, round_))
    if not cleared.lines:
        return _finish(attrs.evolve(state, phase=Phase.VOID), at, [Publish(raw)])
    return attrs.evolve(state, phase=Phase.AWARDED), [Publish(raw)]


def _on_answer(
    state: Requester, message: Opened[Acceptance], at: Step
) -> tuple[Requester, list[Effect]]:
    last = state.rounds[-1] if state.rounds else None
    if last is None or message.body.award != last.id or message.sender not in last.winners:
        return _ignore(state, message, "answers no award of this round")
    before = last.answers.get(message.sender)
    if before is not None:
        if before.id == message.id:
            return state, []
        return state, [Accuse(message.sender, "equivocation", (before.raw, message.raw))]
    if state.phase is not Phase.AWARDED or at.now > last.answer_by:
        return _ignore(state, message, "late")
    answered = attrs.evolve(last, answers={**last.answers, message.sender: message})
    return _move(attrs.evolve(state, rounds=(*state.rounds[:-1], answered)), at)


def _is_over(last: Round, at: Step) -> bool:
    return at.now > last.answer_by or last.answers.keys() == last.winners


def _judge(state: Requester, at: Step) -> tuple[Requester, list[Effect]]:
    """End a round: all have accepted, or those who have not are removed."""
    last = state.rounds[-1]
    accepted = {who for who, answer in last.answers.items() if answer.body.accepted}
    removed = last.winners - accepted
    if not removed:
        return _finish(attrs.evolve(state, phase=Phase.SETTLED), at)
    return _again(state, removed, at)


def _again(
    state: Requester, removed: frozenset[AccountId], at: Step
) -> tuple[Requester, list[Effect]]:
    over = attrs.evolve(state.rounds[-1], removed=removed)
    state = attrs.evolve(state, rounds=(*state.rounds[:-1], over))
    if len(state.rounds) == MAX_ROUNDS:
        return _finish(attrs.evolve(state, phase=Phase.VOID), at)
    return _award(state, at)


def _on_escrow_failed(
    state: Requester, provider: AccountId, at: Step
) -> tuple[Requester, list[Effect]]:
    if provider not in state.rounds[-1].winners:
        raise IllegalEventError(f"{provider.hex()[:16]} won nothing whose escrow could fail")
    return _again(state, frozenset({provider}), at)


def _finish(
    state: Requester, at: Step, before: list[Effect] | None = None
) -> tuple[Requester, list[Effect]]:
    raw = at.seal(transcript_of(state), Hash(state.auction), _end(state), nth=3)
    state = attrs.evolve(state, transcript=raw)
    return state, [*(before or []), _conclude(state)]


def _conclude(state: Requester) -> Conclude:
    return Conclude(state.transcript, is_awarded=state.phase is Phase.SETTLED)


def resume(state: Requester) -> list[Effect]:
    """Return what an auction waits for, to be asked for again after a restart; asking twice does no harm."""
    match state.phase:
        case Phase.ANNOUNCED:
            return []
        case Phase.COMMITTING:
            return [Publish(state.call)]
        case Phase.CLOSED:
            return [Anchor(Hash(state.root_hash))]
        case Phase.REVEALING:
            return [Publish(state.root)]
        case Phase.CLEARED:
            return [ReadFacts(state.cfp.facts_block, tuple(sorted(state.taken)))]
        case Phase.AWARDED:
            return [Publish(state.rounds[-1].award)]
        case Phase.SETTLED | Phase.VOID:
            return [_conclude(state)]
