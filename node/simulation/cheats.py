"""Requesters that cheat, each in one way, so that the verifier can be seen to notice.

Each is an honest machine whose state is changed behind its back at one moment; it then goes on by the rules,
so that everything else in its transcript is consistent. ``planted`` is what the verifier must call it.
"""

import attrs
import msgspec

from market.auction import requester
from market.auction.facts import Facts, FactsKeys
from market.auction.verify import FaultKind
from market.codec import encode_canonical
from market.envelope import Opened, decode_envelope_untrusted, expect, open_untrusted
from market.hashing import Hash
from market.identity import AccountId, Identity
from market.merkle import MerkleRoot
from market.messages import (
    Ask,
    Award,
    Body,
    Cfp,
    Commitment,
    CommitmentAck,
    CommitmentRoot,
    Reveal,
    RevealAck,
    TaskAsk,
)
from market.sealing import seal_of_ask
from market.units import BlockNumber, Planck
from node.simulation.auction import GENESIS, AuctionWorld, Conduct

__all__ = ["CHEATS", "Cheat"]


class Cheat(Conduct):
    """A requester that cheats once, if the auction gives it the occasion."""

    planted: FaultKind
    """What the verifier must find."""

    def __init__(self) -> None:
        self.has_cheated = False


def _open(world: AuctionWorld, raw: bytes) -> Opened[Body]:
    return open_untrusted(raw, genesis=GENESIS, keys=FactsKeys.of(world.facts()))


def _end(world: AuctionWorld) -> BlockNumber:
    return BlockNumber(world.head + 1_000)


class _Puppet:
    """A second account of the requester's, bonded, with a bid of its own."""

    def __init__(self, world: AuctionWorld) -> None:
        self.identity = Identity.from_seed(bytes(world.owner.key[:31]) + b"\7")
        world.extra_keys[self.identity.account] = self.identity
        tick = world.state.cfp.tick
        self.ask = Ask(
            prices=(TaskAsk(task=0, price=Planck(tick)),), slot_surcharge=(Planck(0),), bundles=()
        )
        self.nonce = b"\1" * 32
        self._sequence = 0

    def seal(self, world: AuctionWorld, body: Commitment | Reveal) -> bytes:
        step = attrs.evolve(world.at_owner(), identity=self.identity)
        return step.seal(body, world.owner.account, _end(world))

    def taken(self, world: AuctionWorld, block: int) -> requester.Taken:
        """Return its commitment, acknowledged for any block one likes."""
        auction, account = world.state.auction, self.identity.account
        seal = seal_of_ask(self.ask, self.nonce, genesis=GENESIS, auction=auction, bidder=account)
        commitment = expect(
            _open(world, self.seal(world, Commitment(auction=auction, seal=seal))), Commitment
        )
        ack = CommitmentAck(auction=auction, commitment=commitment.id, block=BlockNumber(block))
        return requester.Taken(commitment, world.at_owner().seal(ack, account, _end(world)))

    def shown(self, world: AuctionWorld, root: bytes) -> requester.Shown:
        """Return its reveal, acknowledged."""
        auction = world.state.auction
        body = Reveal(auction=auction, root=MerkleRoot(root), ask=self.ask, nonce=self.nonce)
        reveal = expect(_open(world, self.seal(world, body)), Reveal)
        ack = RevealAck(auction=auction, reveal=reveal.id, block=world.state.cfp.reveal_by)
        raw = world.at_owner().seal(ack, self.identity.account, _end(world))
        return requester.Shown(reveal, raw)


class Insert(Cheat):
    """Having seen the bids, it adds one of its own."""

    planted = "inserted"

    def before_clearing(
        self, world: AuctionWorld, state: requester.Requester
    ) -> requester.Requester:
        """Add a commitment and its reveal, dated back."""
        puppet = _Puppet(world)
        who = puppet.identity.account
        taken = puppet.taken(world, state.cfp.close_block)
        shown = puppet.shown(world, state.root_hash)
        self.has_cheated = True
        return attrs.evolve(
            state, taken={**state.taken, who: taken}, shown={**state.shown, who: shown}
        )


class Drop(Cheat):
    """It leaves out the first bid that it has acknowledged, commitment and all."""

    planted = "dropped"

    def before_clearing(
        self, world: AuctionWorld, state: requester.Requester
    ) -> requester.Requester:
        """Forget the first reveal and its commitment."""
        del world
        if not state.shown:
            return state
        self.has_cheated = True
        gone = min(state.shown)
        return attrs.evolve(
            state,
            taken={who: each for who, each in state.taken.items() if who != gone},
            shown={who: each for who, each in state.shown.items() if who != gone},
        )


class DropBeforeRoot(Cheat):
    """It leaves out a commitment that it has acknowledged, before the root."""

    planted = "dropped"

    def before_close(self, world: AuctionWorld, state: requester.Requester) -> requester.Requester:
        """Forget a commitment whose bidder holds the acknowledgement."""
        holders = [
            who
            for who in sorted(state.taken)
            if (party := world.participants[who].state) is not None and party.ack is not None
        ]
        if not holders:
            return state
        self.has_cheated = True
        return attrs.evolve(
            state, taken={who: each for who, each in state.taken.items() if who != holders[0]}
        )


class Alter(Cheat):
    """It changes an ask in a reveal, and can only leave the bidder's signature as it was."""

    planted = "altered"

    def before_clearing(
        self, world: AuctionWorld, state: requester.Requester
    ) -> requester.Requester:
        """Raise every price of the first reveal to a tick."""
        del world
        if not state.shown:
            return state
        self.has_cheated = True
        who = min(state.shown)
        shown = state.shown[who]
        ask = shown.message.body.ask
        prices = tuple(
            TaskAsk(task=p.task, price=Planck(p.price + state.cfp.tick)) for p in ask.prices
        )
        body = msgspec.structs.replace(
            shown.message.body, ask=msgspec.structs.replace(ask, prices=prices)
        )
        envelope = decode_envelope_untrusted(shown.message.raw)
        forged = msgspec.structs.replace(envelope, body=encode_canonical(body))
        message = attrs.evolve(shown.message, body=body, raw=encode_canonical(forged))
        return attrs.evolve(state, shown={**state.shown, who: requester.Shown(message, shown.ack)})


class Late(Cheat):
    """It admits a friend's commitment after the close."""

    planted = "late"

    def before_close(self, world: AuctionWorld, state: requester.Requester) -> requester.Requester:
        """Acknowledge one more, truthfully dated."""
        self._puppet = _Puppet(world)
        taken = self._puppet.taken(world, state.cfp.close_block + 1)
        self.has_cheated = True
        return attrs.evolve(state, taken={**state.taken, self._puppet.identity.account: taken})

    def before_clearing(
        self, world: AuctionWorld, state: requester.Requester
    ) -> requester.Requester:
        """Let the friend reveal."""
        if not self.has_cheated:
            return state
        shown = self._puppet.shown(world, state.root_hash)
        return attrs.evolve(state, shown={**state.shown, self._puppet.identity.account: shown})


class _OtherAward(Cheat):
    """It computes one award and signs another."""

    def change(self, world: AuctionWorld, award: Award) -> Award | None:
        """Return what is signed instead; None when there is no occasion."""
        raise NotImplementedError

    def award(
        self, world: AuctionWorld, state: requester.Requester
    ) -> tuple[requester.Requester, bytes] | None:
        """Sign the other award, and stand by it."""
        first = state.rounds[-1]
        changed = self.change(world, expect(_open(world, first.award), Award).body)
        if changed is None:
            return None
        self.has_cheated = True
        raw = world.at_owner().seal(changed, Hash(state.auction), _end(world))
        lines = tuple(
            attrs.evolve(line, provider=new.provider, price=new.price)
            for line, new in zip(first.clearing.lines, changed.lines, strict=True)
        )
        round_ = attrs.evolve(
            first,
            award=raw,
            id=_open(world, raw).id,
            clearing=attrs.evolve(first.clearing, lines=lines),
        )
        return attrs.evolve(state, rounds=(*state.rounds[:-1], round_)), raw


class Price(_OtherAward):
    """It pays a winner a tick more than is due (as to a friend)."""

    planted = "wrong-payment"

    def change(self, world: AuctionWorld, award: Award) -> Award | None:
        """Raise the first price."""
        line = award.lines[0]
        more = msgspec.structs.replace(line, price=Planck(line.price + world.state.cfp.tick))
        return msgspec.structs.replace(award, lines=(more, *award.lines[1:]))


class Winner(_OtherAward):
    """It gives the first task to somebody else who revealed."""

    planted = "wrong-winner"

    def change(self, world: AuctionWorld, award: Award) -> Award | None:
        """Swap the first winner."""
        line = award.lines[0]
        others = sorted(world.state.shown.keys() - {line.provider})
        if not others:
            return None
        swapped = msgspec.structs.replace(line, provider=others[0])
        return msgspec.structs.replace(award, lines=(swapped, *award.lines[1:]))


class Reserve(Cheat):
    """Having seen the bids, it lowers its reserves, and with them what lone winners are paid."""

    planted = "reserve-changed"

    def before_clearing(
        self, world: AuctionWorld, state: requester.Requester
    ) -> requester.Requester:
        """Sign another call and clear under it."""
        tick = state.cfp.tick
        tasks = tuple(
            msgspec.structs.replace(t, reserve=Planck(t.reserve - tick)) for t in state.cfp.tasks
        )
        cfp: Cfp = msgspec.structs.replace(state.cfp, tasks=tasks)
        call = world.at_owner().seal(cfp, _open(world, state.call).audience, _end(world))
        self.has_cheated = bool(state.taken)
        return attrs.evolve(state, cfp=cfp, call=call)


class Weigh(Cheat):
    """It clears with another score than the chain has."""

    planted = "weight-changed"

    def facts(self, world: AuctionWorld, facts: Facts) -> Facts:
        """Lower the score of the first bidder that revealed."""
        if not world.state.shown:
            return facts
        self.has_cheated = True
        who = min(world.state.shown)
        accounts = tuple(
            msgspec.structs.replace(row, score=row.score - 1) if row.account == who else row
            for row in facts.accounts
        )
        return msgspec.structs.replace(facts, accounts=accounts)


class Equivocate(Cheat):
    """It shows one bidder another root than the rest."""

    planted = "equivocation"

    def root_for(self, world: AuctionWorld, raw: bytes, to: AccountId) -> bytes:
        """Sign another root for the first bidder."""
        committed = sorted(world.state.taken)
        if not committed or to != committed[0]:
            return raw
        self.has_cheated = True
        body = expect(_open(world, raw), CommitmentRoot).body
        other = msgspec.structs.replace(body, root=MerkleRoot(bytes(32)))
        return world.at_owner().seal(other, Hash(world.state.auction), _end(world))


CHEATS: dict[str, type[Cheat]] = {
    "insert": Insert,
    "drop": Drop,
    "drop-before-root": DropBeforeRoot,
    "alter": Alter,
    "late": Late,
    "winner": Winner,
    "price": Price,
    "reserve": Reserve,
    "weight": Weigh,
    "equivocate": Equivocate,
}
"""Name on the command line -> conduct."""
