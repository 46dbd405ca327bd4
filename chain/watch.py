"""The finalised head, watched once for everybody who waits for something to become final.

Theory of operation: whoever waits holds a :class:`Wanted`. One of those that wait asks the node for the finalised
head, the others wait for the answer; a new head is looked through once for all of them: which blocks came since
the last one, whose extrinsics are in them, and, for those that were not seen, which nonces are used. What this finds
is a shortcut. Where blocks were passed over, as after a restart or a jump, only the nonce is known, and
:mod:`chain.pursuit` looks block by block.

How often the node is asked: soon after something was sent, then less and less, and a few times a block at least.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import attrs
import trio

from chain.connection import Connection
from chain.errors import HistoryError
from chain.session import BlockRef, Session
from chain.stored import Place, Submission
from chain.units import Nonce
from market.identity import AccountId
from market.units import BlockNumber

__all__ = ["Wanted", "Watch", "pairs"]

REACH: Final = 64
"""Blocks since the last head that are looked through; beyond, each looks for its own."""
PER_BLOCK: Final = 8
"""How often the node is asked in the time that a block takes, at least."""
RECENT: Final = 0.5
"""Seconds for which an answer is good enough to begin an era with."""
RATE_BLOCKS: Final = 20
"""Blocks after which it is measured anew how long one takes."""


@attrs.define(eq=False)
class Wanted:
    """An extrinsic that somebody waits for."""

    submission: Submission
    seen: BlockRef | None = None
    """The finalised head at which it was last looked for."""
    place: Place | None = None
    """Where it was found, if it was."""
    is_used: bool = False
    """Whether its nonce is used, by itself or by another."""


@attrs.frozen
class _Found:
    asked: tuple[Wanted, ...]
    """Those that it is an answer to; who came later was not looked for."""
    head: BlockRef
    rate: float | None
    places: dict[bytes, Place]
    used: dict[AccountId, Nonce]


class Watch:
    """Watches over one connection."""

    def __init__(self, connection: Connection, poll: float, max_poll: float) -> None:
        """Make one.

        Args:
            poll: seconds between two questions right after something was sent.
            max_poll: seconds between two questions at most.
        """
        self._connection, self._poll, self._max_poll = connection, poll, max_poll
        self._wanted: list[Wanted] = []
        self._asking = trio.Lock()
        self._pause = poll
        self._rated: BlockNumber | None = None
        self._asked_at = 0.0
        self.head: BlockRef | None = None
        """The finalised head, as of the last question."""
        self.rate: float | None = None
        """Milliseconds that a block takes; None where too few were seen."""

    @contextmanager
    def waiting(self, submission: Submission, *, fresh: bool) -> Iterator[Wanted]:
        """Have an extrinsic looked for.

        Args:
            fresh: whether it was never sent, and so can be in no block that was looked through.
        """
        wanted = Wanted(submission, seen=self.head if fresh else None)
        self._wanted.append(wanted)
        try:
            yield wanted
        finally:
            self._wanted.remove(wanted)

    def stir(self) -> None:
        """Say that something was sent: ask often for a while."""
        self._pause = self._poll

    async def ask(self) -> None:
        """Ask the node for the finalised head, and look through what is new.

        Raises:
            UnavailableError: it did not answer.
        """
        self._learn(await self._connection.call(self._look))

    async def recent(self) -> BlockRef:
        """Return the finalised head of a moment ago, or ask, as often as it takes.

        Raises:
            UnavailableError: the node did not answer in time.
        """
        if self.head is None or trio.current_time() > self._asked_at + RECENT:
            self._learn(await self._connection.read(self._look))
        assert self.head is not None  # noqa: S101  (the first look finds one)
        return self.head

    def _learn(self, found: _Found | None) -> None:
        self._asked_at = trio.current_time()
        if found is not None:
            self.head, self.rate = found.head, found.rate
            for wanted in found.asked:
                self._tell(wanted, found)
            self.stir()

    async def wait(self, wanted: Wanted, until: float) -> None:
        """Wait until there is a head at which the extrinsic was not looked for, a new connection, or a time.

        Args:
            until: on trio's clock.

        Raises:
            UnavailableError: the node did not answer.
        """
        seen, sessions = wanted.seen, self._connection.sessions
        with trio.move_on_at(until):
            while wanted.seen is seen and self._connection.sessions == sessions:
                async with self._asking:
                    if wanted.seen is not seen:
                        return
                    await self.ask()
                    if wanted.seen is seen:
                        await trio.sleep(self._pause)
                        self._pause = min(2 * self._pause, self._longest_pause())

    def _longest_pause(self) -> float:
        if self.rate is None:
            return self._max_poll
        return min(self._max_poll, max(self._poll, self.rate / 1_000 / PER_BLOCK))

    @staticmethod
    def _tell(wanted: Wanted, found: _Found) -> None:
        submission = wanted.submission
        wanted.seen = found.head
        if wanted.place is None:
            wanted.place = found.places.get(submission.hash)
        used = found.used.get(submission.account)
        wanted.is_used = wanted.place is not None or (used is not None and used > submission.nonce)

    def _look(self, session: Session) -> _Found | None:
        """In the thread: return what a new head brings; None where there is none and nobody is new."""
        hash_ = session.rpc("chain_getFinalizedHead")
        last, waiting = self.head, list(self._wanted)
        if last is not None and hash_ == last.hash and all(w.seen is last for w in waiting):
            return None
        places = self._find(session, hash_, {each.submission.hash for each in waiting})
        head = session.block(hash_)
        accounts = {
            each.submission.account for each in waiting
            if each.place is None and each.submission.hash not in places
        }  # fmt: skip
        used = {account: session.nonce_at(account, hash_) for account in accounts}
        return _Found(tuple(waiting), head, self._measure(session, head), places, used)

    def _find(self, session: Session, head: str, hashes: set[bytes]) -> dict[bytes, Place]:
        """Go from the new head back to the last one; a block's body is asked for, its header comes with it."""
        last, block = self.head, head
        found: dict[bytes, Place] = {}
        if not hashes or last is None:
            return found
        try:
            for _ in range(REACH):
                body = session.extrinsic_hashes(block)
                here = session.block(block)
                if here.number <= last.number:
                    break
                for index, hash_ in enumerate(body):
                    if hash_ in hashes:
                        found[hash_] = Place(here, index)
                block = session.parent(block)
                if block == last.hash:
                    break
        except HistoryError:
            pass  # each looks for its own, and says whose block is gone
        return found

    def _measure(self, session: Session, head: BlockRef) -> float | None:
        rated = self._rated
        if rated is not None and 0 <= head.number - rated < RATE_BLOCKS:
            return self.rate
        self._rated = head.number
        return session.millis_per_block(head)


def pairs(heights: range, session: Session) -> list[tuple[BlockNumber, str]]:
    """Return those heights that have a block, with its hash; a jump leaves some without."""
    numbers = [BlockNumber(n) for n in heights]
    found = zip(numbers, session.block_hashes(numbers), strict=True)
    return [(number, hash_) for number, hash_ in found if hash_ is not None]
