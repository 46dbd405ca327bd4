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

import attrs
import trio

from chain.calls import Call
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
from chain.pursuit import Pursuit, SubmissionPatience
from chain.session import Session
from chain.signing import Signer
from chain.stored import Place, Store, Submission
from chain.watch import Watch

__all__ = ["Receipt", "SubmissionPatience", "Submitter"]

log = logging.getLogger(__name__)


@attrs.frozen
class Receipt:
    """What was done, on the finalised chain."""

    key: str
    call: str
    place: Place
    events: tuple[Event | Other, ...]
    attempt: int


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
        self._watch = Watch(connection, self._patience.poll, self._patience.max_poll)
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
            UndecidedError: signed and stored, and not decided in time, or the chain cannot be reached; submit
                it again with the same key.
            UnavailableError: the chain cannot be reached, and nothing was signed.
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
        except UnavailableError as error:
            if await self._store.load(key) is None:
                raise
            raise UndecidedError(key, str(error)) from error
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
            pursuit = Pursuit(
                *(self._connection, self._watch, self._nonces, self._patience),
                *(submission, signer),
            )
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
            next_index = await self._connection.read(
                lambda session: session.next_index(signer.account)
            )
            nonce = self._nonces.take(signer.account, next_index)
        try:
            final = await self._watch.recent()
            era = Era(final.number, compute_period(self._watch.rate))
            genesis, raw = await self._connection.read(
                lambda session: (
                    session.genesis,
                    session.sign(call, signer, nonce, era, final.hash),
                )
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
            return tuple(e.event for e in events), session.refusal(events, call, place.block.hash)

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
