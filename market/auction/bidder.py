"""A bidder's side of an auction.

Theory of operation. ``heard`` -> ``committed`` -> ``revealed`` -> ``waiting`` -> ``over``.

- *heard*: a call came in; the bidder may commit to one ask, once.
- *committed*: until the requester's root arrives nothing is shown. An acknowledgement counts if its block is
  within one of the bidder's own head: a requester that dates it back is not believed.
- *revealed*: the ask is open, and names the root that the bidder saw. Without an acknowledgement by half the window
  the reveal is posted on chain, where it counts as received.
- *waiting*: awards come. An award of at least the ask, within capacity, is accepted; the reveal binds to it.
- *over*: the last possible round has ended.

Two different messages of the requester where there can be one (acknowledgements, roots, awards of a round) are
the proof of equivocation, and end what the bidder does in this auction. All the requester's messages are kept:
they are the evidence against which a transcript is checked.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final

import attrs

from market.auction.effects import (
    Accuse,
    AwardReceived,
    BidderEvent,
    CommitmentAckReceived,
    DecidedToBid,
    Effect,
    HeadMoved,
    Ignored,
    PostReveal,
    RevealAckReceived,
    RootReceived,
    Send,
    Step,
    TranscriptReceived,
    Withdrew,
)
from market.auction.facts import validate_ask
from market.envelope import Opened
from market.errors import IllegalEventError, UsageError
from market.hashing import AuctionId, MessageId
from market.identity import AccountId
from market.messages import (
    MAX_ROUNDS,
    Acceptance,
    Ask,
    Award,
    Cfp,
    Commitment,
    CommitmentAck,
    CommitmentRoot,
    Reveal,
    RevealAck,
    Transcript,
)
from market.sealing import seal_of_ask
from market.units import BlockNumber

__all__ = ["LEGAL", "Bidder", "Phase", "evidence_of", "hear", "resume", "step"]

_HEADS_APART: Final = 1
"""Blocks by which an acknowledgement may differ from our head."""
_GRACE: Final = 5
"""Blocks by which an award may come later than its round could have begun."""


class Phase(Enum):
    """Where a bidder is in an auction."""

    HEARD = "heard"
    COMMITTED = "committed"
    REVEALED = "revealed"
    WAITING = "waiting"
    OVER = "over"


_FROM_REQUESTER: Final = frozenset(
    {
        *(CommitmentAckReceived, RootReceived, RevealAckReceived, AwardReceived),
        *(TranscriptReceived, HeadMoved),
    }
)

LEGAL: Final[dict[Phase, frozenset[type[BidderEvent]]]] = {
    Phase.HEARD: _FROM_REQUESTER | {DecidedToBid},
    Phase.COMMITTED: _FROM_REQUESTER | {Withdrew},
    Phase.REVEALED: _FROM_REQUESTER | {Withdrew},
    Phase.WAITING: _FROM_REQUESTER | {Withdrew},
    Phase.OVER: _FROM_REQUESTER,
}
"""Which events may come in which phase; every other pair is refused and changes nothing."""


@attrs.frozen
class Bidder:
    """The state of one auction, at one of its bidders."""

    phase: Phase
    auction: AuctionId
    call: Opened[Cfp]
    ask: Ask | None = attrs.field(default=None, repr=False)
    nonce: bytes = attrs.field(default=b"", repr=False)
    commitment: bytes = attrs.field(default=b"", repr=False)
    ack: Opened[CommitmentAck] | None = None
    root: Opened[CommitmentRoot] | None = None
    reveal: bytes = attrs.field(default=b"", repr=False)
    reveal_ack: Opened[RevealAck] | None = None
    is_posted: bool = False
    awards: tuple[Opened[Award], ...] = ()
    answers: tuple[bytes, ...] = attrs.field(default=(), repr=False)
    transcripts: frozenset[MessageId] = frozenset()
    """Ids of the transcripts that came; an agreement names one of them."""
    withdrawn: str = ""
    """Why it will refuse; empty while it means to perform."""


def hear(call: Opened[Cfp]) -> Bidder:
    """Return the state of a bidder that has a call and has done nothing."""
    return Bidder(Phase.HEARD, AuctionId(call.id), call)


def evidence_of(state: Bidder) -> tuple[bytes, ...]:
    """Return all messages of the requester that the bidder holds."""
    held = (state.call, state.ack, state.root, state.reveal_ack, *state.awards)
    return tuple(message.raw for message in held if message is not None)


def resume(state: Bidder) -> list[Effect]:
    """Return what a bidder waits for, to be asked for again after a restart; asking twice does no harm."""
    to = state.call.sender
    match state.phase:
        case Phase.COMMITTED:
            return [Send(to, state.commitment)]
        case Phase.REVEALED:
            posted: list[Effect] = [PostReveal(state.reveal)] if state.is_posted else []
            return [Send(to, state.reveal), *posted]
        case Phase.WAITING:
            return [Send(to, answer) for answer in state.answers[-1:] if answer]
        case Phase.HEARD | Phase.OVER:
            return []


def step(state: Bidder, event: BidderEvent, at: Step) -> tuple[Bidder, list[Effect]]:
    """Tell a bidder what happened.

    Args:
        state: before it.
        event: what happened; messages in it have passed :func:`market.envelope.open_untrusted`.
        at: the present.

    Returns:
        The state after it, and what is to be done once that is saved.

    Raises:
        IllegalEventError: the event cannot happen in this phase; the state is unchanged.
        UsageError: the bidder's own ask does not fit the call, or comes too late.
    """
    if type(event) not in LEGAL[state.phase]:
        raise IllegalEventError(f"{type(event).__name__} while {state.phase.value}")
    match event:
        case DecidedToBid(ask, nonce):
            return _commit(state, ask, nonce, at)
        case CommitmentAckReceived(message):
            return _on_ack(state, message, at)
        case RootReceived(message):
            return _on_root(state, message, at)
        case RevealAckReceived(message):
            return _on_reveal_ack(state, message, at)
        case AwardReceived(message):
            return _on_award(state, message, at)
        case TranscriptReceived(message):
            return _on_transcript(state, message)
        case Withdrew(reason):
            return attrs.evolve(state, withdrawn=reason), []
        case HeadMoved():
            return _move(state, at)


def _commit(state: Bidder, ask: Ask, nonce: bytes, at: Step) -> tuple[Bidder, list[Effect]]:
    cfp = state.call.body
    validate_ask(cfp, ask)
    if cfp.facts_block > at.now:
        raise UsageError(f"weights depend on block {cfp.facts_block}, which is ahead: do not bid")
    if at.now > cfp.close_block:
        raise UsageError(f"the auction closed at block {cfp.close_block}: do not bid")
    if len(nonce) != 32:
        raise UsageError("a nonce has 32 random bytes; fewer could be guessed")
    seal = seal_of_ask(
        ask, nonce, genesis=at.genesis, auction=state.auction, bidder=at.identity.account
    )
    body = Commitment(auction=state.auction, seal=seal)
    raw = at.seal(body, state.call.sender, state.call.expires_at)
    state = attrs.evolve(state, phase=Phase.COMMITTED, ask=ask, nonce=nonce, commitment=raw)
    return state, [Send(state.call.sender, raw)]


_FromRequester = (
    Opened[CommitmentAck]
    | Opened[CommitmentRoot]
    | Opened[RevealAck]
    | Opened[Award]
    | Opened[Transcript]
)


def _is_stray(state: Bidder, message: _FromRequester) -> bool:
    return message.sender != state.call.sender or message.body.auction != state.auction


def _is_for(message: _FromRequester, account: AccountId) -> bool:
    return AccountId(message.audience) == account


def _ignore(state: Bidder, sender: AccountId, why: str) -> tuple[Bidder, list[Effect]]:
    return state, [Ignored(sender, why)]


def _accuse(
    state: Bidder, one: _FromRequester, other: _FromRequester
) -> tuple[Bidder, list[Effect]]:
    """Two messages where there can be one: keep both, and have no more to do with it."""
    if one.id == other.id:
        return state, []
    over = attrs.evolve(state, phase=Phase.OVER)
    return over, [Accuse(state.call.sender, "equivocation", (one.raw, other.raw))]


def _on_ack(state: Bidder, message: Opened[CommitmentAck], at: Step) -> tuple[Bidder, list[Effect]]:
    if _is_stray(state, message) or not _is_for(message, at.identity.account):
        return _ignore(state, message.sender, "not ours")
    if state.ack is not None:
        return _accuse(state, state.ack, message)
    if abs(message.body.block - at.now) > _HEADS_APART:
        return _ignore(state, message.sender, "dated to another block")
    return attrs.evolve(state, ack=message), []


def _on_root(
    state: Bidder, message: Opened[CommitmentRoot], at: Step
) -> tuple[Bidder, list[Effect]]:
    if _is_stray(state, message):
        return _ignore(state, message.sender, "not ours")
    if state.root is not None:
        return _accuse(state, state.root, message)
    state = attrs.evolve(state, root=message)
    if state.phase is not Phase.COMMITTED or state.ask is None:
        return state, []
    if at.now > state.call.body.reveal_by:
        return attrs.evolve(state, phase=Phase.WAITING), []
    body = Reveal(auction=state.auction, root=message.body.root, ask=state.ask, nonce=state.nonce)
    raw = at.seal(body, state.call.sender, state.call.expires_at)
    state = attrs.evolve(state, phase=Phase.REVEALED, reveal=raw)
    return state, [Send(state.call.sender, raw)]


def _on_reveal_ack(
    state: Bidder, message: Opened[RevealAck], at: Step
) -> tuple[Bidder, list[Effect]]:
    if _is_stray(state, message) or not _is_for(message, at.identity.account):
        return _ignore(state, message.sender, "not ours")
    if state.reveal_ack is not None:
        return _accuse(state, state.reveal_ack, message)
    state = attrs.evolve(state, reveal_ack=message)
    if state.phase is Phase.REVEALED:
        state = attrs.evolve(state, phase=Phase.WAITING)
    return state, []


def _on_award(state: Bidder, message: Opened[Award], at: Step) -> tuple[Bidder, list[Effect]]:
    if _is_stray(state, message):
        return _ignore(state, message.sender, "not ours")
    award = message.body
    for before, answer in zip(state.awards, state.answers, strict=True):
        if before.body.round == award.round:
            if before.id == message.id and answer:
                return state, [Send(state.call.sender, answer)]
            return _accuse(state, before, message)
    if state.phase is Phase.OVER:
        return _ignore(state, message.sender, "the auction is over for us")
    mine = {line.task: line.price for line in award.lines if line.provider == at.identity.account}
    answer = b""
    if mine:
        reason = state.withdrawn or _refusal(state, mine)
        body = Acceptance(
            auction=state.auction,
            award=message.id,
            accepted=not reason,
            reason=reason.encode("ascii", "replace").decode()[:128],
        )
        answer = at.seal(body, state.call.sender, state.call.expires_at)
    state = attrs.evolve(state, awards=(*state.awards, message), answers=(*state.answers, answer))
    return state, [Send(state.call.sender, answer)] if answer else []


def _on_transcript(state: Bidder, message: Opened[Transcript]) -> tuple[Bidder, list[Effect]]:
    if _is_stray(state, message):
        return _ignore(state, message.sender, "not ours")
    if message.id in state.transcripts:
        return state, []
    return attrs.evolve(state, transcripts=state.transcripts | {message.id}), []


def _refusal(state: Bidder, mine: Mapping[int, int]) -> str:
    """Return why an award does not bind; empty when it does."""
    ask = state.ask
    if ask is None or not state.reveal:
        return "nothing was revealed"
    tasks = tuple(sorted(mine))
    if len(tasks) > len(ask.slot_surcharge):
        return "more tasks than declared"
    asked: int | None
    if ask.bundles:
        asked = next((b.price for b in ask.bundles if b.tasks == tasks), None)
    else:
        prices = {p.task: p.price for p in ask.prices}
        known = all(task in prices for task in tasks)
        asked = sum(prices[task] for task in tasks) if known else None
    if asked is None:
        return "not what was bid for"
    asked += sum(ask.slot_surcharge[: len(tasks)])
    return "below the ask" if sum(mine.values()) < asked else ""


def _move(state: Bidder, at: Step) -> tuple[Bidder, list[Effect]]:
    cfp = state.call.body
    last = cfp.reveal_by + MAX_ROUNDS * (cfp.accept_blocks + _GRACE)
    if at.now > last:
        return state if state.phase is Phase.OVER else attrs.evolve(state, phase=Phase.OVER), []
    half = BlockNumber((cfp.close_block + cfp.reveal_by) // 2)
    if state.phase is Phase.REVEALED and at.now > cfp.reveal_by:
        return attrs.evolve(state, phase=Phase.WAITING), []
    if state.phase is Phase.REVEALED and not state.is_posted and at.now >= half:
        return attrs.evolve(state, is_posted=True), [PostReveal(state.reveal)]
    return state, []
