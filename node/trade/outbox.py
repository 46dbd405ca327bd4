"""What a drive has saved and asked for in a batch, kept until the batch is on the disk."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import attrs

from market.auction.effects import Accuse, Conclude, Ignored
from market.cases import CaseKey
from market.envelope import Opened
from market.hashing import Hash
from market.identity import AccountId
from market.journal import Row
from market.messages import Blob, Body, Cfp, Transcript
from market.ports import Host, Submission
from market.settlement.effects import Outcome
from market.units import BlockNumber
from node.journal import Journal
from node.trade.post import Post
from node.trade.running import StoppingError
from node.trade.submissions import Submissions

__all__ = ["Outbox", "Recorder"]

T = TypeVar("T")
Recipients = Callable[[Hash, bytes], Sequence[AccountId]]


def _there(part: T | None) -> T:
    if part is None:
        raise StoppingError("the runner was not started")
    return part


class Recorder:
    """The journal, and what was appended since it was last asked."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._rows: list[Row] = []

    def load(self) -> Iterable[Row]:
        return self._journal.load()

    def append(self, row: Row) -> None:
        self._journal.append(row)
        self._rows.append(row)

    def retire(self, task_id: bytes, prefix: str) -> None:
        self._journal.retire(task_id, prefix)

    def take(self) -> list[Row]:
        rows, self._rows = self._rows, []
        return rows


@attrs.define
class Outbox:
    """The ports Net, Chain and Host: keeps what the drive asks for until it is saved."""

    _waiting: list[Callable[[], None]] = attrs.field(factory=list[Callable[[], None]])
    _post: Post | None = None
    _submissions: Submissions | None = None
    _recipients: Recipients | None = None
    _host: Host | None = None

    def open(
        self, post: Post, submissions: Submissions, recipients: Recipients, host: Host
    ) -> None:
        """Say to whom all of it goes.

        Args:
            post: takes mail.
            submissions: takes what is to be done on chain.
            recipients: says who gets what is published to an audience.
            host: takes all the rest.
        """
        self._post, self._submissions = post, submissions
        self._recipients, self._host = recipients, host

    def let_out(self) -> None:
        """Do all of it, in order."""
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each()

    @property
    def post(self) -> Post:
        """Return the post."""
        return _there(self._post)

    @property
    def host(self) -> Host:
        """Return the host."""
        return _there(self._host)

    def send(self, to: AccountId, message: bytes) -> None:
        """Send to one account."""
        self._waiting.append(lambda: self.post.send(to, message))

    def publish(self, audience: Hash, message: bytes) -> None:
        """Send to everybody who is to hear it."""

        def post() -> None:
            for account in _there(self._recipients)(audience, message):
                self.post.send(account, message)

        self._waiting.append(post)

    def submit(self, key: str, what: Submission) -> None:
        """Have something carried out on chain."""
        self._waiting.append(lambda: _there(self._submissions).submit(key, what))

    def heard(self, call: Opened[Cfp]) -> None:
        self._waiting.append(lambda: self.host.heard(call))

    def audit(self, case: CaseKey, transcript: Opened[Transcript]) -> None:
        self._waiting.append(lambda: self.host.audit(case, transcript))

    def read_facts(
        self, case: CaseKey, block: BlockNumber, accounts: tuple[AccountId, ...]
    ) -> None:
        self._waiting.append(lambda: self.host.read_facts(case, block, accounts))

    def grant(self, to: AccountId, blob: Hash) -> None:
        self._waiting.append(lambda: self.host.grant(to, blob))

    def fetch_input(self, case: CaseKey, source: AccountId, blob: Blob) -> None:
        self._waiting.append(lambda: self.host.fetch_input(case, source, blob))

    def examine(self, case: CaseKey, source: AccountId, milestone: int, result: Hash) -> None:
        self._waiting.append(lambda: self.host.examine(case, source, milestone, result))

    def perform(self, case: CaseKey, milestone: int) -> None:
        self._waiting.append(lambda: self.host.perform(case, milestone))

    def stop(self, case: CaseKey) -> None:
        self._waiting.append(lambda: self.host.stop(case))

    def concluded(self, case: CaseKey, conclusion: Conclude) -> None:
        self._waiting.append(lambda: self.host.concluded(case, conclusion))

    def settled(self, case: CaseKey, outcome: Outcome) -> None:
        self._waiting.append(lambda: self.host.settled(case, outcome))

    def accuse(self, case: CaseKey, accusation: Accuse) -> None:
        self._waiting.append(lambda: self.host.accuse(case, accusation))

    def ignored(self, case: CaseKey, ignored: Ignored) -> None:
        self._waiting.append(lambda: self.host.ignored(case, ignored))

    def other(self, message: Opened[Body]) -> None:
        self._waiting.append(lambda: self.host.other(message))
