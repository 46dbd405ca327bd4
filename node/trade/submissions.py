"""What the market wants done on chain, carried out once for each key: the port :class:`market.ports.Chain`.

The chain client stores what is signed before it is sent, and takes stored bytes up again, so that a key is done once also
over restarts. Here: which call it is, who signs it, and telling the drive what came of it, once that is final.

A call that is refused before it is sent on (no funds for its fee) is tried again when it is asked for again, at the next
head; the operator is told once. Only the opening of an escrow is given up then: its requester is to hear that at once.
"""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Protocol

import trio

from chain.calls import Call
from chain.client import Chain
from chain.errors import DispatchError, PoolRefusedError, UnavailableError, UndecidedError
from chain.signing import Signer
from market.escrow import calls as rules
from market.ports import Submission
from market.settlement.effects import OnEscrow, OpenEscrow
from node.trade.running import StoppingError
from node.translate import chain_call

__all__ = ["Signers", "Submissions", "signer_of"]

_LOG: Final = logging.getLogger("ainur.chain")
_PAUSE: Final = 0.5
"""Seconds before a chain that does not answer is asked again."""


class Signers(Protocol):
    """Who signs: the account what moves its money, its operator key a provider's calls and all disputes."""

    @property
    def account(self) -> Signer:
        """The account's own key."""
        ...

    @property
    def operator(self) -> Signer:
        """The operator key, which may have been rotated."""
        ...


class Kept(Protocol):
    """Port: what was signed and stored; :class:`node.journal.Submissions` is one."""

    def forget(self, prefix: str) -> None:
        """Forget all whose keys begin so."""
        ...


def signer_of(what: Submission, signers: Signers) -> Signer:
    """Return who signs a submission."""
    is_requesters = isinstance(what, OpenEscrow) or (
        isinstance(what, OnEscrow) and isinstance(what.call, _BY_ACCOUNT)
    )
    return signers.account if is_requesters else signers.operator


_BY_ACCOUNT: Final = (
    rules.Cancel,
    rules.RequestCancel,
    rules.Release,
    rules.Rule,
)
"""What the chain takes from an account itself: it is its money."""


class Submissions:
    """Carries submissions out, each in a task of its own."""

    def __init__(
        self,
        chain: Chain,
        signers: Signers,
        *,
        kept: Kept,
        done: Callable[[str], Awaitable[None]],
        refused: Callable[[str, str, str], Awaitable[None]],
    ) -> None:
        """Make one; nothing happens before :meth:`run`.

        Args:
            chain: over which.
            signers: by whom.
            kept: what the chain client keeps of them.
            done: told of each key that was carried out, finally.
            refused: told of each key that was refused, finally, with pallet and variant.
        """
        self._chain, self._signers, self._kept = chain, signers, kept
        self._done, self._refused = done, refused
        self._running: set[str] = set()
        self._over: dict[str, tuple[str, str] | None] = {}
        """By key that was decided in this run: the refusal, or None."""
        self._poor: set[str] = set()
        self._nursery: trio.Nursery | None = None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Carry out what is submitted, until cancelled.

        Raises:
            HistoryError: the chain is another one than before, or was put back.
        """
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                self._nursery = None  # what is begun from now on is not: the node goes

    def submit(self, key: str, what: Submission) -> None:
        """Have something carried out, once at most for each key."""
        if self._nursery is None or key in self._running:
            return
        if key in self._over:
            refusal = self._over[key]
            if refusal is not None:
                self._nursery.start_soon(self._tell_again, key, *refusal)
            return
        self._running.add(key)
        self._nursery.start_soon(self._carry, key, what)

    def forget(self, prefix: str) -> None:
        """Forget keys that nobody submits any more; part of the batch that is open.

        Raises:
            DatabaseError: the disk has failed or is full.
        """
        self._over = {key: how for key, how in self._over.items() if not key.startswith(prefix)}
        self._poor = {key for key in self._poor if not key.startswith(prefix)}
        self._kept.forget(prefix)

    async def _tell_again(self, key: str, pallet: str, variant: str) -> None:
        with suppress(StoppingError):
            await self._refused(key, pallet, variant)

    async def _carry(self, key: str, what: Submission) -> None:
        try:
            with suppress(StoppingError):  # what stops the node is told where it happened
                await self._decide(key, what)
        finally:
            self._running.discard(key)

    async def _decide(self, key: str, what: Submission) -> None:
        call, signer = chain_call(what), signer_of(what, self._signers)
        try:
            await self._pursue(key, call, signer)
        except DispatchError as error:
            _LOG.info("%s was refused: %s.%s", brief(key), error.pallet, error.variant)
            self._over[key] = (error.pallet, error.variant)
            await self._refused(key, error.pallet, error.variant)
        except PoolRefusedError as error:
            if key not in self._poor:
                self._poor.add(key)
                _LOG.error("%s: %s", brief(key), error)
            if isinstance(what, OpenEscrow):
                self._over[key] = ("Pool", "NotTaken")
                await self._refused(key, "Pool", "NotTaken")
        else:
            self._over[key] = None
            await self._done(key)

    async def _pursue(self, key: str, call: Call, signer: Signer) -> None:
        """Submit until it is decided: the same stored bytes each time."""
        while True:
            try:
                await self._chain.submit(key, call, signer)
            except (UndecidedError, UnavailableError) as error:
                _LOG.warning("%s: %s", brief(key), error)
                await trio.sleep(_PAUSE)
            else:
                return


def brief(key: str) -> str:
    """Return a submission's key without the accounts in it, for logs."""
    parts = key.split("/")
    return "/".join(part[:12] for part in parts)
