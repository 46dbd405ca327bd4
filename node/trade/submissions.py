"""What the market wants done on chain, carried out once for each key: the port :class:`market.ports.Chain`.

The chain client stores what is signed before it is sent, and takes stored bytes up again, so that a key is done once also
over restarts. Here: which call it is, who signs it, and telling the drive what came of it, once that is final.

A call that is refused before it is sent on (no funds for its fee) is tried again when it is asked for again, at the next
head; the operator is told once. Only the opening of an escrow is given up then: its requester is to hear that at once.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, assert_never

import trio

from chain.calls import Call
from chain.calls import escrow as calls
from chain.calls.frame import RemarkWithEvent
from chain.client import Chain
from chain.errors import DispatchError, PoolRefusedError, UnavailableError, UndecidedError
from chain.payloads import MultiSignature
from chain.signing import Signer
from chain.units import BasisPoints
from market.escrow import calls as rules
from market.ports import Remark, Submission
from market.settlement.effects import OnEscrow, OpenEscrow
from market.standing import EscrowId

__all__ = ["Signers", "Submissions", "call_of"]

_LOG: Final = logging.getLogger("ainur.chain")
_PAUSE: Final = 0.5
"""Seconds before a chain that does not answer is asked again."""


class Signers(Protocol):
    """Who signs: the account what is the requester's, its operator key what is the provider's."""

    @property
    def account(self) -> Signer:
        """The account's own key."""
        ...

    @property
    def operator(self) -> Signer:
        """The operator key, which may have been rotated."""
        ...


def call_of(what: Submission, signers: Signers) -> tuple[Call, Signer]:
    """Return a call and who signs it."""
    match what:
        case Remark(data):
            return RemarkWithEvent(data), signers.operator
        case OpenEscrow(offer, signature):
            if signature is None:
                return calls.Open(offer), signers.account
            return calls.OpenWithOffer(offer, MultiSignature("ed25519", signature)), signers.account
        case OnEscrow(escrow, call):
            return _on_escrow(escrow, call, signers)
        case _:
            assert_never(what)


def _on_escrow(escrow: EscrowId, call: rules.Call, signers: Signers) -> tuple[Call, Signer]:
    account, operator = signers.account, signers.operator
    match call:
        case rules.Accept(offer_hash=offer_hash):
            return calls.Accept(escrow, offer_hash), operator
        case rules.Decline():
            return calls.Decline(escrow), operator
        case rules.Deliver(result=result):
            return calls.Deliver(escrow, result), operator
        case rules.Refund():
            return calls.Refund(escrow), operator
        case rules.Cancel():
            return calls.Cancel(escrow), account
        case rules.RequestCancel():
            return calls.RequestCancel(escrow), account
        case rules.Release():
            return calls.Release(escrow), account
        case rules.DisputeCall(reason=reason, evidence=evidence):
            return calls.Dispute(escrow, reason, evidence), account
        case rules.Rule(provider_bps=bps):
            return calls.Rule(escrow, BasisPoints(bps)), account
        case rules.ClaimTimeout():
            return calls.ClaimTimeout(escrow), operator
        case rules.Prune():
            return calls.Prune(escrow), operator
        case _:
            assert_never(call)


class Submissions:
    """Carries submissions out, each in a task of its own."""

    def __init__(
        self,
        chain: Chain,
        signers: Signers,
        *,
        done: Callable[[str], Awaitable[None]],
        refused: Callable[[str, str, str], Awaitable[None]],
    ) -> None:
        """Make one; nothing happens before :meth:`run`.

        Args:
            chain: over which.
            signers: by whom.
            done: told of each key that was carried out, finally.
            refused: told of each key that was refused, finally, with pallet and variant.
        """
        self._chain, self._signers = chain, signers
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
            await trio.sleep_forever()

    def submit(self, key: str, what: Submission) -> None:
        """Have something carried out, once at most for each key."""
        if self._nursery is None or key in self._running:
            return
        if key in self._over:
            refusal = self._over[key]
            if refusal is not None:
                self._nursery.start_soon(self._refused, key, *refusal)
            return
        self._running.add(key)
        self._nursery.start_soon(self._carry, key, what)

    async def _carry(self, key: str, what: Submission) -> None:
        call, signer = call_of(what, self._signers)
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
        finally:
            self._running.discard(key)

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
