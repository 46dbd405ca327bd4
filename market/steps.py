"""What every machine of the market knows of the present, and what all of them ask for.

A machine is ``step(state, event, at) -> (state, effects)``. An event is something that happened; an effect is
something that the shell shall do after it has saved the event. Messages in effects are sealed already, with
sequence numbers that came in with the event, so the same event at the same state gives the same bytes: a
node that restarts and sends again says nothing new.
"""

from typing import Final

import attrs

from market.envelope import seal
from market.hashing import GenesisHash, Hash
from market.identity import AccountId, Identity
from market.messages import Body
from market.units import BlockNumber

__all__ = ["SEQUENCES_PER_STEP", "Accuse", "HeadMoved", "Ignored", "Opening", "Send", "Step"]

SEQUENCES_PER_STEP: Final = 4
"""Sequence numbers that one step may use, at most."""


@attrs.frozen
class Step:
    """What a step may know besides its state and event: the arguments that purity asks for."""

    now: BlockNumber
    """The finalised head."""
    identity: Identity
    """Whose machine this is."""
    genesis: GenesisHash
    sequence: int
    """First of :data:`SEQUENCES_PER_STEP` numbers that belong to this step alone."""
    said: dict[int, bytes] = attrs.field(factory=dict[int, bytes], repr=False)
    """What this step has sealed, by its place among the step's numbers.

    A journal keeps it, and a step that is played again finds it here: so it gives the very same bytes,
    also after the key has been rotated, and signs nothing twice.
    """

    def seal(
        self, body: Body, audience: Hash | AccountId, expires_at: BlockNumber, nth: int = 0
    ) -> bytes:
        """Return a message under this step's ``nth`` sequence number."""
        if nth not in self.said:
            self.said[nth] = seal(
                body,
                identity=self.identity,
                genesis=self.genesis,
                audience=audience,
                sequence=self.sequence + nth,
                issued_at=self.now,
                expires_at=BlockNumber(max(expires_at, self.now)),
            )
        return self.said[nth]


@attrs.frozen
class Opening:
    """The machine's own side starts: its first message goes out."""


@attrs.frozen
class HeadMoved:
    """The finalised head is another block; :class:`Step` says which."""


@attrs.frozen
class Send:
    """Send a message to one account."""

    to: AccountId
    message: bytes = attrs.field(repr=False)


@attrs.frozen
class Ignored:
    """A message was late, early or not for this machine; nothing came of it."""

    sender: AccountId
    reason: str


@attrs.frozen
class Accuse:
    """Keep the proof that an account broke the rules: messages that it signed."""

    account: AccountId
    fault: str
    proof: tuple[bytes, ...] = attrs.field(repr=False)
