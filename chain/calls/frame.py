"""The few calls of FRAME's own pallets that we need."""

from typing import Any, ClassVar

import attrs

from chain.calls import Call
from market.identity import AccountId
from market.units import Planck

__all__ = ["CALLS", "Remark", "RemarkWithEvent", "Sudo", "TransferKeepAlive"]


@attrs.frozen
class TransferKeepAlive(Call):
    """Send money; refused where it would reap the sender's account."""

    pallet: ClassVar[str] = "Balances"
    dest: AccountId
    value: Planck


@attrs.frozen
class Remark(Call):
    """Do nothing, and use up a nonce."""

    pallet: ClassVar[str] = "System"
    remark: bytes


@attrs.frozen
class RemarkWithEvent(Call):
    """Put bytes on chain, where everybody finds them: ``System.Remarked`` has their hash."""

    pallet: ClassVar[str] = "System"
    remark: bytes


@attrs.frozen
class Sudo(Call):
    """Make a call as the chain's root: what rules and slashes on this chain. By the root key."""

    pallet: ClassVar[str] = "Sudo"
    call: Call

    @property
    def name(self) -> str:
        """The call that is made as root."""
        return self.call.name

    def arguments(self) -> dict[str, Any]:
        """Return the call inside, as the SCALE library takes it."""
        inner = self.call
        return {
            "call": {
                "call_module": inner.pallet,
                "call_function": inner.function(),
                "call_args": inner.arguments(),
            }
        }


CALLS: tuple[type[Call], ...] = (TransferKeepAlive, Remark, RemarkWithEvent, Sudo)
"""Those that we use; the pallets have more."""
