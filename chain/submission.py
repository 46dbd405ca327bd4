"""Getting something done on the chain once: never twice, and never without an end.

Theory of operation. The caller names what it wants done by a key, and gives a store. The bytes are signed and
stored *before* they are sent, so whatever is lost afterwards, the same bytes are sent again, and the chain
carries one extrinsic out once at most: a nonce is used once.

::

                      take a nonce, sign, STORE
                                 |
       +-----------------------> v   <--- a restart begins here, with the stored bytes
       |                    send the bytes          again after every lost answer, and now and then
       |                         |
       |         look at the FINALISED chain, block by block of the era
       |            |            |                     |
       |         it is there   the nonce is used by    the era has ended and the
       |            |          another extrinsic       nonce is unused
       |         settled         |                     |
       +------------------------ + --------------------+
                 only now can these bytes never be carried out: sign anew

Only the finalised chain is believed. A best block may be undone, and a pool's word is no more than that: it
forgets, it refuses what it already has, and it says "outdated" of what was carried out a moment ago. So the
answers to sending decide nothing, with one exception: a first sending that is refused for a reason that time
does not mend (no funds, a bad signature) was never anywhere, and is given back to the caller.

A nonce below ours that nobody of ours holds, and that the chain waits for, would hold us up until the era ends:
it is filled with a remark that does nothing. Filling is safe where signing again is not.

Whatever happens, :meth:`Submitter.submit` returns a receipt, or raises: refused by the chain, by the pool, or
undecided within its patience.
"""

import logging
from typing import Final, Protocol

import attrs
import trio

from chain.calls import Call
from chain.calls.frame import Remark
from chain.connection import Connection
from chain.eras import Era, compute_period
from chain.errors import (
    DispatchError,
    HistoryError,
    NodeError,
    PoolRefusedError,
    UnavailableError,
    UndecidedError,
    UsageError,
)
from chain.events import Event, Other
from chain.nonces import NonceLedger
from chain.session import BlockRef, Session, extrinsic_hash
from chain.signing import Signer
from chain.units import Nonce
from market.hashing import GenesisHash
from market.identity import AccountId
from market.units import BlockNumber

__all__ = ["Place", "Receipt", "Store", "Submission", "SubmissionPatience", "Submitter"]

log = logging.getLogger(__name__)

ALREADY_IMPORTED: Final = 1013
INVALID: Final = 1010
UNKNOWN_VALIDITY: Final = 1011
PASSING: Final = ("outdated", "ancient birth block", "exhaust", "future")
"""Words of a node for what time mends: the nonce is used, the era has ended, the block is full."""
SCAN: Final = 256
"""Heights looked through in one call."""


@attrs.frozen
class Place:
    """Where an extrinsic is on the finalised chain."""

    block: BlockRef
    index: int
    """Of the block's extrinsics, from 0."""


@attrs.frozen
class Submission:
    """What is stored under a key."""

    key: str
    call: str
    """Pallet and call."""
    account: AccountId
    genesis: GenesisHash
    nonce: Nonce
    era: Era
    raw: bytes = attrs.field(repr=False)
    """The signed extrinsic."""
    attempt: int = 1
    """How often it was signed; each time before could not be carried out any more."""
    place: Place | None = None
    """Once it is settled."""

    @property
    def hash(self) -> bytes:
        """What the chain knows the extrinsic by."""
        return extrinsic_hash(self.raw)


class Store(Protocol):
    """What the caller keeps submissions in. It survives a crash."""

    async def load(self, key: str) -> Submission | None:
        """Return what was saved last under a key."""
        ...

    async def save(self, submission: Submission) -> None:
        """Save under the submission's key; return when it would survive a power cut."""
        ...


@attrs.frozen
class Receipt:
    """What was done, on the finalised chain."""

    key: str
    call: str
    place: Place
    events: tuple[Event | Other, ...]
    attempt: int


@attrs.frozen
class SubmissionPatience:
    """How long a submission waits, in seconds."""

    whole: float = 180.0
    """Until it is undecided."""
    poll: float = 0.02
    """Between two looks at the finalised chain, at first; doubled up to ``max_poll``."""
    max_poll: float = 0.5
    resend: float = 5.0
    """Between two sendings of the same bytes, where nothing says that they were lost."""
    gap: float = 2.0
    """Until a gap below our nonce is filled."""


class Submitter:
    """Submits for any number of accounts over one connection."""

    def __init__(
        self,
        connection: Connection,
        store: Store,
        *,
        nonces: NonceLedger | None = None,
        patience: SubmissionPatience | None = None,
    ) -> None:
        """Make one; share the ledger between those that share accounts."""
        self._connection = connection
        self._store = store
        self._nonces = nonces or NonceLedger()
        self._patience = patience or SubmissionPatience()
        self._running: set[str] = set()
        self._signing = trio.Lock()

    async def submit(self, key: str, call: Call, signer: Signer) -> Receipt:
        """Have a call carried out once, and return when that is final.

        Args:
            key: names what is to be done once. With a key that was used before, the stored bytes are taken
                up, and a settled one gives its receipt again.

        Raises:
            DispatchError: the chain carried it out and refused it; this is final, too.
            PoolRefusedError: it was never sent on.
            UndecidedError: not decided in time; submit it again with the same key.
            HistoryError: it was stored for another chain, or the node has forgotten too much.
            UsageError: the key is in use, or was used for another call or account.
        """
        if key in self._running:
            raise UsageError(f"{key!r} is being submitted: wait for that")
        self._running.add(key)
        try:
            with trio.fail_after(self._patience.whole):
                return await self._submit(key, call, signer)
        except trio.TooSlowError as error:
            raise UndecidedError(key, f"nothing final in {self._patience.whole:g} s") from error
        finally:
            self._running.remove(key)

    async def _submit(self, key: str, call: Call, signer: Signer) -> Receipt:
        submission = await self._store.load(key)
        fresh = submission is None
        if submission is None:
            submission = await self._sign(key, call, signer, 1)
        else:
            await self._check(submission, call, signer)
            if submission.place is not None:
                return await self._receipt(submission, submission.place, call)
            self._nonces.adopt(submission.account, submission.nonce)
        while True:
            pursuit = _Pursuit(self._connection, self._nonces, self._patience, submission, signer)
            try:
                place = await pursuit.run(fresh)
            except PoolRefusedError:
                self._nonces.release(submission.account, submission.nonce)
                raise
            finally:
                pursuit.close()
            self._nonces.release(submission.account, submission.nonce)
            if place is not None:
                settled = attrs.evolve(submission, place=place)
                await self._store.save(settled)
                return await self._receipt(settled, place, call)
            log.info("%s: attempt %d can never be carried out", key, submission.attempt)
            fresh = True
            submission = await self._sign(key, call, signer, submission.attempt + 1)

    async def _check(self, submission: Submission, call: Call, signer: Signer) -> None:
        if (submission.call, submission.account) != (call.name, signer.account):
            raise UsageError(
                f"{submission.key!r} was used for {submission.call}; use a key of its own for this"
            )
        genesis = await self._connection.read(lambda session: session.genesis)
        if submission.genesis != genesis:
            raise HistoryError(
                f"{submission.key!r} was stored for the chain 0x{submission.genesis.hex()}: forget it,"
                " or connect to that chain"
            )

    async def _sign(self, key: str, call: Call, signer: Signer, attempt: int) -> Submission:
        """Take a nonce, sign and store; a nonce whose bytes were not stored is free again."""
        async with self._signing:

            def look(session: Session) -> tuple[BlockRef, float | None, Nonce]:
                final = session.finalized()
                return final, session.millis_per_block(final), session.next_index(signer.account)

            final, rate, next_index = await self._connection.read(look)
            nonce = self._nonces.take(signer.account, next_index)
        era = Era(final.number, compute_period(rate))
        try:
            genesis, raw = await self._connection.read(
                lambda session: (session.genesis, session.sign(call, signer, nonce, era))
            )
            submission = Submission(
                key, call.name, signer.account, genesis, nonce, era, raw, attempt
            )
            await self._store.save(submission)
        except BaseException:
            self._nonces.release(signer.account, nonce)
            raise
        return submission

    async def _receipt(self, submission: Submission, place: Place, call: Call) -> Receipt:
        def read(session: Session) -> tuple[tuple[Event | Other, ...], DispatchError | None]:
            events = [e for e in session.events(place.block.hash) if e.extrinsic == place.index]
            return tuple(e.event for e in events), session.refusal(events, call)

        try:
            events, refusal = await self._connection.read(read)
        except NodeError as error:
            raise HistoryError(
                f"{submission.key!r} was carried out in block {place.block.number}, but the node keeps"
                " that block's events no more: read what it changed, or ask a node that keeps history"
            ) from error
        if refusal is not None:
            raise refusal
        return Receipt(submission.key, submission.call, place, events, submission.attempt)


class _Pursuit:
    """One signed extrinsic, until its fate is final."""

    def __init__(
        self,
        connection: Connection,
        nonces: NonceLedger,
        patience: SubmissionPatience,
        submission: Submission,
        signer: Signer,
    ) -> None:
        self._connection, self._nonces, self._patience = connection, nonces, patience
        self._submission, self._signer = submission, signer
        self._next = BlockNumber(submission.era.birth + 1)
        """The first height not looked through yet."""
        self._seen: str | None = None
        """The finalised block of the last look."""
        self._fillers: set[Nonce] = set()

    async def run(self, fresh: bool) -> Place | None:
        """Send and look until the place is final; None once these bytes can never be carried out.

        Args:
            fresh: whether these bytes were never sent before.

        Raises:
            PoolRefusedError: a fresh one was refused for good, and is nowhere.
        """
        now = trio.current_time
        began, send_at, poll = now(), now(), self._patience.poll
        gap_at = began + self._patience.gap
        session = -1
        while True:
            try:
                decided, place = await self._connection.call(self._look)
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
            except UnavailableError as error:
                log.debug("%s: %s", self._submission.key, error)
            await trio.sleep(poll)
            poll = min(2 * poll, self._patience.max_poll)

    def close(self) -> None:
        """Let go of the nonces of fillers."""
        for nonce in self._fillers:
            self._nonces.release(self._submission.account, nonce)

    async def _send(self, fresh: bool) -> None:
        submission = self._submission
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

    def _look(self, session: Session) -> tuple[bool, Place | None]:
        """In the thread: look at what is final; return whether the fate is known, and the place."""
        submission = self._submission
        hash_ = session.rpc("chain_getFinalizedHead")
        if hash_ == self._seen:
            return False, None
        final = session.finalized()
        over = final.number >= submission.era.last
        used = session.nonce_at(submission.account, final.hash) > submission.nonce
        if used:
            place = self._find(session, min(final.number, submission.era.last))
            return True, place
        self._seen = final.hash
        return over, None

    def _find(self, session: Session, last: int) -> Place | None:
        while self._next <= last:
            heights = range(self._next, min(last + 1, self._next + SCAN))
            for number, hash_ in _pairs(heights, session):
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
        raw = session.sign(Remark(b""), self._signer, filled, era)
        if gap is not None:
            self._nonces.adopt(account, gap)
            self._fillers.add(gap)
        log.info("nonce %d of this account is missing: filling it", filled)
        try:
            session.submit(raw)
        except NodeError as error:  # somebody else has just used it, which is as good
            log.debug("the filler was not taken: %s", error)


def _pairs(heights: range, session: Session) -> list[tuple[BlockNumber, str]]:
    numbers = [BlockNumber(n) for n in heights]
    found = zip(numbers, session.block_hashes(numbers), strict=True)
    return [(number, hash_) for number, hash_ in found if hash_ is not None]
