"""The newest announcement seen of each account, whether it is listed or not: what keeps older ones from coming back."""

import hashlib
from collections import OrderedDict

import attrs

from market.identity import AccountId
from market.units import BlockNumber

__all__ = ["Newest", "Seen", "digest_of"]


@attrs.frozen
class Seen:
    """An announcement that was in order."""

    sequence: int
    needed_until: BlockNumber
    """The last block at which an older one of the account could still be in date, whatever it said."""
    digest: bytes
    """Of its bytes."""


class Newest:
    """By account. Those of agents that are not listed are bounded, the oldest forgotten first."""

    def __init__(self, kept: int) -> None:
        """Make an empty one.

        Args:
            kept: agents that are not listed, at most.
        """
        self._kept = kept
        self._listed: dict[AccountId, Seen] = {}
        self._gone: OrderedDict[AccountId, Seen] = OrderedDict()

    def of(self, account: AccountId) -> Seen | None:
        """Return the newest of an account."""
        return self._listed.get(account) or self._gone.get(account)

    def put(self, account: AccountId, seen: Seen, *, listed: bool) -> None:
        """Remember a newer one."""
        self._listed.pop(account, None)
        self._gone.pop(account, None)
        if listed:
            self._listed[account] = seen
        else:
            self._bury(account, seen)

    def unlist(self, account: AccountId) -> None:
        """Note that an account is not listed any more."""
        seen = self._listed.pop(account, None)
        if seen is not None:
            self._bury(account, seen)

    def expire(self, block: BlockNumber) -> None:
        """Forget those that nothing older could come back in place of."""
        while self._gone:
            account, seen = next(iter(self._gone.items()))
            if seen.needed_until >= block:
                return
            del self._gone[account]

    def _bury(self, account: AccountId, seen: Seen) -> None:
        self._gone[account] = seen
        if len(self._gone) > self._kept:
            self._gone.popitem(last=False)


def digest_of(raw: bytes) -> bytes:
    """Return what tells one announcement's bytes from another's."""
    return hashlib.blake2b(raw, digest_size=16).digest()
