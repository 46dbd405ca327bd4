"""Which nonces of our accounts are in flight.

A node's answer to "what is the next nonce" knows its pool at best, and substrate-interface's knows the last
block alone: two extrinsics signed one after the other get one nonce, and the second is refused. So we keep
what we handed out until its fate is final.

Theory of operation: a nonce is *taken* when an extrinsic is signed with it, *returned* when the extrinsic was
refused before it left us, and *settled* when it is used up on the finalised chain. :meth:`NonceLedger.take`
gives the lowest nonce that the chain has not used and that is not in flight; a returned one leaves a gap, and
the gap is the lowest, so the next extrinsic fills it. What the ledger does not know is another client of
the same account; then one of the two loses the race for a nonce and signs again, which
:mod:`chain.submission` does once the loss is final.
"""

from chain.errors import UsageError
from chain.units import Nonce
from market.identity import AccountId

__all__ = ["NonceLedger"]


class NonceLedger:
    """The nonces in flight, by account. Belongs to one thread."""

    def __init__(self) -> None:
        self._in_flight: dict[AccountId, set[Nonce]] = {}

    def take(self, account: AccountId, next_index: Nonce) -> Nonce:
        """Hand out a nonce.

        Args:
            next_index: what the node says comes next; its pool may be counted or not.
        """
        flying = self._in_flight.setdefault(account, set())
        nonce = next_index
        while nonce in flying:
            nonce = Nonce(nonce + 1)
        flying.add(nonce)
        return nonce

    def adopt(self, account: AccountId, nonce: Nonce) -> None:
        """Count in a nonce that was signed with before a restart."""
        self._in_flight.setdefault(account, set()).add(nonce)

    def release(self, account: AccountId, nonce: Nonce) -> None:
        """Let go of a nonce: it is used up, or its extrinsic will never be carried out.

        Raises:
            UsageError: it was not in flight.
        """
        flying = self._in_flight.get(account, set())
        if nonce not in flying:
            raise UsageError(f"nonce {nonce} of this account is not in flight")
        flying.remove(nonce)
        if not flying:
            del self._in_flight[account]

    def gap_below(self, account: AccountId, nonce: Nonce, next_index: Nonce) -> Nonce | None:
        """Return the nonce that the chain waits for before ``nonce``, if nobody of ours holds it."""
        if next_index < nonce and next_index not in self._in_flight.get(account, set()):
            return next_index
        return None
