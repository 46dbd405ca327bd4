"""One signed extrinsic, sent and looked for until its fate is final; see :mod:`chain.submission` for the whole."""

import logging
from typing import Final

import attrs
import trio

from chain.calls.frame import Remark
from chain.connection import Connection
from chain.eras import Era, compute_period
from chain.errors import NodeError, PoolRefusedError, UnavailableError
from chain.nonces import NonceLedger
from chain.session import BlockRef, Session
from chain.signing import Signer
from chain.stored import Place, Submission
from chain.units import Nonce
from chain.watch import Wanted, Watch, pairs
from market.units import BlockNumber

__all__ = ["Pursuit", "SubmissionPatience"]

log = logging.getLogger(__name__)

ALREADY_IMPORTED: Final = 1013
INVALID: Final = 1010
UNKNOWN_VALIDITY: Final = 1011
PASSING: Final = ("outdated", "ancient birth block", "exhaust", "future")
"""Words of a node for what time mends: the nonce is used, the era has ended, the block is full."""
SCAN: Final = 256
"""Heights looked through in one call."""


@attrs.frozen
class SubmissionPatience:
    """How long a submission waits, in seconds."""

    whole: float = 180.0
    """Until it is undecided."""
    poll: float = 0.005
    """Between two looks at the finalised chain, at first; doubled up to an eighth of a block's time."""
    max_poll: float = 0.5
    """Between two looks, however long a block takes."""
    resend: float = 5.0
    """Between two sendings of the same bytes, where nothing says that they were lost."""
    gap: float = 2.0
    """Until a gap below our nonce is filled."""


class Pursuit:
    """One signed extrinsic, until its fate is final."""

    def __init__(
        self,
        connection: Connection,
        watch: Watch,
        nonces: NonceLedger,
        patience: SubmissionPatience,
        submission: Submission,
        signer: Signer,
    ) -> None:
        """Take a submission up; nothing happens before :meth:`run`."""
        self._connection, self._watch = connection, watch
        self._nonces, self._patience = nonces, patience
        self._submission, self._signer = submission, signer
        self._next = BlockNumber(submission.era.birth + 1)
        """The first height not looked through yet."""
        self._fillers: set[Nonce] = set()

    async def run(self, fresh: bool) -> Place | None:
        """Send and look until the place is final; None once these bytes can never be carried out.

        Args:
            fresh: whether these bytes were never sent before.

        Raises:
            PoolRefusedError: a fresh one was refused for good, and is nowhere.
        """
        now = trio.current_time
        send_at = now()
        gap_at = now() + self._patience.gap
        session = -1
        with self._watch.waiting(self._submission, fresh=fresh) as wanted:
            while True:
                try:
                    if wanted.seen is None:
                        await self._watch.ask()
                    decided, place = await self._decide(wanted)
                    if decided:
                        return place
                    if now() >= send_at or session != self._connection.sessions:
                        # A new connection may be one to a node that was restarted, and forgot its pool.
                        session, send_at = self._connection.sessions, now() + self._patience.resend
                        try:
                            await self._send(fresh)
                        finally:
                            fresh = False
                    if now() >= gap_at:
                        gap_at = now() + self._patience.gap
                        await self._connection.call(self._fill_gap)
                    await self._watch.wait(wanted, min(send_at, gap_at))
                except UnavailableError as error:
                    log.debug("%s: %s", self._submission.key, error)
                    await trio.sleep(self._patience.poll)

    async def _decide(self, wanted: Wanted) -> tuple[bool, Place | None]:
        """Return whether the fate is known, and the place."""
        assert wanted.seen is not None  # noqa: S101  (it was looked for)
        if wanted.place is not None:
            return True, wanted.place
        last = self._submission.era.last
        if wanted.is_used:
            upto = min(wanted.seen.number, last)
            return True, await self._connection.call(lambda session: self._find(session, upto))
        return wanted.seen.number >= last, None

    def close(self) -> None:
        """Let go of the nonces of fillers."""
        for nonce in self._fillers:
            self._nonces.release(self._submission.account, nonce)

    async def _send(self, fresh: bool) -> None:
        submission = self._submission
        self._watch.stir()
        try:
            await self._connection.call(lambda session: session.submit(submission.raw))
        except NodeError as error:
            if error.code == ALREADY_IMPORTED:
                return
            words = f"{error.message} {error.data}".lower()
            lasting = error.code in (INVALID, UNKNOWN_VALIDITY) and not any(
                w in words for w in PASSING
            )
            if fresh and lasting:
                action = (
                    "Fund the account."
                    if "pay" in words
                    else "Compare account, chain and runtime with those of the node."
                )
                raise PoolRefusedError(
                    submission.call, str(error.data or error.message), action
                ) from error
            log.debug("%s: sending was answered with %s", submission.key, error)

    def _find(self, session: Session, last: int) -> Place | None:
        """In the thread: look block by block."""
        while self._next <= last:
            heights = range(self._next, min(last + 1, self._next + SCAN))
            for number, hash_ in pairs(heights, session):
                hashes = session.extrinsic_hashes(hash_)
                if self._submission.hash in hashes:
                    index = hashes.index(self._submission.hash)
                    return Place(BlockRef(number, hash_), index)
                self._next = BlockNumber(number + 1)
            self._next = BlockNumber(heights.stop)
        return None

    def _fill_gap(self, session: Session) -> None:
        """In the thread: use up the nonce that the chain waits for, if it is nobody's of ours."""
        account = self._submission.account
        waited_for = session.next_index(account)
        gap = self._nonces.gap_below(account, self._submission.nonce, waited_for)
        if gap is None and waited_for not in self._fillers:
            return
        filled = waited_for if gap is None else gap
        final = session.finalized()
        era = Era(final.number, compute_period(session.millis_per_block(final)))
        raw = session.sign(Remark(b""), self._signer, filled, era, final.hash)
        if gap is not None:
            self._nonces.adopt(account, gap)
            self._fillers.add(gap)
        log.info("nonce %d of this account is missing: filling it", filled)
        try:
            session.submit(raw)
        except NodeError as error:  # somebody else has just used it, which is as good
            log.debug("the filler was not taken: %s", error)
