"""Bugs that are planted in a run, one at a time, to see that the invariants notice."""

from typing import TYPE_CHECKING

from market.auction import bidder
from market.escrow import exits
from market.escrow.calls import Release
from market.escrow.record import State
from market.journal import Row
from market.merkle import MerkleRoot
from market.messages import Reveal
from market.settlement.effects import OnEscrow, OpenEscrow
from market.units import BlockNumber
from node.simulation.chain import Signed
from node.simulation.mirrored import Ledgers, Mirrored

if TYPE_CHECKING:
    from node.simulation.party import Party
    from node.simulation.tasks import TaskWorld

__all__ = ["BUGS", "Bug"]


class Bug:
    """Where something could be wrong; here nothing is."""

    chain: type[Mirrored] = Mirrored
    """What carries out the calls."""

    def seen_head(self, world: "TaskWorld") -> BlockNumber:
        """Return the block that nodes believe in."""
        return world.chain.final

    def saves(self, party: "Party", row: Row) -> bool:
        """Return whether a row is written at all."""
        del party, row
        return True

    def syncs(self, party: "Party") -> bool:
        """Return whether a row is synced before anything is sent."""
        del party
        return True

    def saved(self, party: "Party", row: Row) -> None:
        """Do something once a row is saved."""
        del party, row

    def key(self, party: "Party", key: str) -> str:
        """Return the key under which something is submitted."""
        del party
        return key

    def withholds(self, party: "Party", key: str) -> bool:
        """Return whether a submission that is signed is not sent yet."""
        del party, key
        return False


class InBlockIsFinal(Bug):
    """Nodes believe the best block."""

    def seen_head(self, world: "TaskWorld") -> BlockNumber:
        """Return the best block."""
        return world.chain.backend.head


class ForgottenSave(Bug):
    """Some steps are acted upon and not saved."""

    def saves(self, party: "Party", row: Row) -> bool:
        """Leave out what a side has signed, and what it has made."""
        del party
        return not row.event.endswith(("/InputChecked", "/WorkDone", "/AgreementReceived"))


class NoSync(Bug):
    """Rows are written and never synced."""

    def syncs(self, party: "Party") -> bool:
        """Return that they are not."""
        del party
        return False


class EarlyReveal(Bug):
    """A bidder shows its bid once its commitment is acknowledged, root or no root."""

    def saved(self, party: "Party", row: Row) -> None:
        """Send the reveal at once."""
        if not row.event.endswith("/CommitmentAckReceived") or party.drive is None:
            return
        for key, state in party.drive.cases.items():
            if key.id == row.task_id and isinstance(state, bidder.Bidder) and state.ask:
                body = Reveal(
                    auction=state.auction,
                    root=MerkleRoot(bytes(32)),
                    ask=state.ask,
                    nonce=state.nonce,
                )
                raw = party.world.seal_for(party, body, state.call.sender)
                party.world.post(party, state.call.sender, raw)


class _PaysPerCall(Mirrored):
    """Releases what is released."""

    def carry_out(self, ledgers: Ledgers, signed: Signed, now: BlockNumber) -> Ledgers:
        what = signed.what
        if isinstance(what, OnEscrow) and isinstance(what.call, Release):
            escrow = ledgers.escrows[what.escrow]
            if escrow.state is State.RELEASED:
                view = self._view(ledgers, now)
                after, effects = exits.release(escrow, self._chain(ledgers, now, view))
                return self._store(ledgers, what.escrow, after, effects, view)
        return super().carry_out(ledgers, signed, now)


class DoubleSettle(Bug):
    """A submission is signed anew whenever it is asked for, and the chain pays for each of them."""

    chain = _PaysPerCall

    def key(self, party: "Party", key: str) -> str:
        """Return a key that was never used."""
        return f"{key}#{len(party.disk.submissions)}" if "/release/" in key else key


class BlindRelease(Bug):
    """A release is signed anew at every head: it pays the next milestone unseen."""

    def saved(self, party: "Party", row: Row) -> None:
        """Release whatever there is."""
        if not row.event.startswith("buy/") or party.drive is None:
            return
        for found in party.world.escrows_of(party):
            if found.escrow.state is State.DELIVERED:
                key = f"blind/{found.id}/{len(party.disk.submissions)}"
                call = OnEscrow(found.id, Release(party.account))
                party.disk.submissions[key] = call


class _TakesExpired(Mirrored):
    """Does not look at an offer's last block."""

    def carry_out(self, ledgers: Ledgers, signed: Signed, now: BlockNumber) -> Ledgers:
        what = signed.what
        if isinstance(what, OpenEscrow):
            return super().carry_out(ledgers, signed, min(now, what.offer.valid_until))
        return super().carry_out(ledgers, signed, now)


class LateOpening(Bug):
    """An offer is good for ever: it is used, and the chain takes it, after both sides have given it up."""

    chain = _TakesExpired

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def withholds(self, party: "Party", key: str) -> bool:
        """Keep an opening until its offer has run out."""
        if not key.endswith("/open"):
            return False
        now = party.world.now
        return now < self._since.setdefault(key, now) + party.world.policy.offer_validity + 3


BUGS: dict[str, type[Bug]] = {
    "double-settle": DoubleSettle,
    "blind-release": BlindRelease,
    "early-reveal": EarlyReveal,
    "late-opening": LateOpening,
    "forgotten-save": ForgottenSave,
    "no-sync": NoSync,
    "in-block-is-final": InBlockIsFinal,
}
"""By name."""
