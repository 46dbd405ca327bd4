"""What the machines need of the world, and what each part of it must guarantee.

:class:`market.drive.Drive` calls these after it has saved what it is told. All are synchronous and return at once:
whoever does slow work behind one of them hands it to a task or a thread, and tells the drive later what came of
it. A node implements them over SQLite, libp2p and the chain client; :mod:`node.simulation` in memory.
"""

from collections.abc import Iterable
from typing import Protocol

import attrs

from market.auction.effects import Accuse, Conclude, Ignored
from market.cases import CaseKey
from market.envelope import KeyDirectory, Opened
from market.hashing import Hash
from market.identity import AccountId
from market.journal import Row
from market.messages import Blob, Body, Cfp, Transcript
from market.settlement.effects import OnEscrow, OpenEscrow, Outcome
from market.units import BlockNumber

__all__ = ["Chain", "Host", "Journal", "Net", "Numbers", "Ports", "Remark", "Submission"]


@attrs.frozen
class Remark:
    """Put bytes on chain, where everybody finds them: a root, or a reveal."""

    data: bytes = attrs.field(repr=False)


Submission = Remark | OpenEscrow | OnEscrow


class Journal(Protocol):
    """Port: what survives a crash."""

    def load(self) -> Iterable[Row]:
        """Return all rows in the order in which they were appended."""
        ...

    def append(self, row: Row) -> None:
        """Save a row; when this returns, it survives a power cut.

        Nothing is sent before it returns, so a row that is lost after all was never acted upon.

        Raises:
            Exception: the row's (task_id, event) is there already, or it could not be saved. Then it is
                not there, and the drive that appended it must not go on: another process has its
                cases, or the disk has failed.
        """
        ...

    def retire(self, task_id: bytes, prefix: str) -> None:
        """Keep a case's rows out of :meth:`load` from now on: its events begin so, and it is over for good."""
        ...


class Numbers(Protocol):
    """Port: sequence numbers of our envelopes."""

    def reserve(self, count: int) -> int:
        """Return the first of so many numbers that nobody has been given before.

        They are above all that were reserved before, also before a crash, and also by what else signs
        envelopes with our key.
        """
        ...


class Net(Protocol):
    """Port: the network. It may lose, double, delay and reorder; it never alters (signatures see to that)."""

    def send(self, to: AccountId, message: bytes) -> None:
        """Send to one account, as well as that can be done now."""
        ...

    def publish(self, audience: Hash, message: bytes) -> None:
        """Send to everybody who takes part in an auction, or listens to a topic."""
        ...


class Chain(Protocol):
    """Port: what is done on chain."""

    def submit(self, key: str, what: Submission) -> None:
        """Have something carried out, once at most for each key, and keep at it until that is final.

        A key that is known is not submitted again, after a crash neither: signed bytes are stored before
        they are sent. If the chain refuses it for good, that is told by :meth:`market.drive.Drive.on_refused`, and
        told again when the key is submitted again; success by ``on_done``. Both only once it is final.
        """
        ...


class Host(Protocol):
    """Port: the rest of the node, which does the work and talks to people.

    Whatever is asked for may be asked for again, at each head: what is under way is not begun twice, what
    is done is answered again. Answers go to :meth:`market.drive.Drive.tell`, with the same case.
    """

    def heard(self, call: Opened[Cfp]) -> None:
        """A call for proposals came; :meth:`market.drive.Drive.bid` answers it, or nothing does."""
        ...

    def audit(self, case: CaseKey, transcript: Opened[Transcript]) -> None:
        """Verify a transcript, and tell ``TranscriptReceived`` if no fault is in it."""
        ...

    def read_facts(
        self, case: CaseKey, block: BlockNumber, accounts: tuple[AccountId, ...]
    ) -> None:
        """Read what the chain says of these accounts and of us at a block, and the reveals posted
        since; answer by :meth:`market.drive.Drive.on_facts`."""
        ...

    def grant(self, to: AccountId, blob: Hash) -> None:
        """Serve a blob to an account that asks for it."""
        ...

    def fetch_input(self, case: CaseKey, source: AccountId, blob: Blob) -> None:
        """Get an input and look whether it can be worked on; answer by ``InputChecked``."""
        ...

    def examine(self, case: CaseKey, source: AccountId, milestone: int, result: Hash) -> None:
        """Get a result, compare it with its hash, check it; answer by ``ResultChecked``."""
        ...

    def perform(self, case: CaseKey, milestone: int) -> None:
        """Work on a milestone; answer by ``WorkStarted``, then ``WorkDone`` or ``WorkFailed``.

        The result is stored, so that a crash does not lose it, before ``WorkDone`` is told.
        """
        ...

    def stop(self, case: CaseKey) -> None:
        """Stop working on a task."""
        ...

    def concluded(self, case: CaseKey, conclusion: Conclude) -> None:
        """An auction of ours is over."""
        ...

    def settled(self, case: CaseKey, outcome: Outcome) -> None:
        """A task is over."""
        ...

    def accuse(self, case: CaseKey, accusation: Accuse) -> None:
        """Keep a proof."""
        ...

    def ignored(self, case: CaseKey, ignored: Ignored) -> None:
        """A message came to nothing."""
        ...

    def other(self, message: Opened[Body]) -> None:
        """A message came that is for no machine: an announcement, or progress."""
        ...


@attrs.frozen
class Ports:
    """All of them."""

    journal: Journal
    numbers: Numbers
    net: Net
    chain: Chain
    host: Host
    keys: KeyDirectory
