"""What can go wrong with the chain, split by who is at fault.

- We misused the client: :class:`UsageError`.
- For now nobody answers: :class:`UnavailableError`. Trying again is right.
- The node said no: :class:`NodeError`; its pool will not take an extrinsic: :class:`PoolRefusedError`.
- The chain said no: :class:`DispatchError`, one subclass for each pallet and for each kind of refusal that
  FRAME itself has, with pallet, variant, call, who is at fault and what to do next.
- We do not know yet: :class:`UndecidedError`. The signed bytes are stored; ask again with the same key.
- The chain is not the one we knew: :class:`HistoryError`. Its runtime is not the one that this client was
  written for: :class:`MismatchError`.

Nothing here imports the library that talks to the chain, so any room may catch these.
"""

from typing import Any, ClassVar

from chain.refusals import Advice, Fault, advice_for

__all__ = [
    "ArithmeticRefusedError",
    "BalancesError",
    "ChainError",
    "DispatchError",
    "EscrowError",
    "Fault",
    "FrameError",
    "HistoryError",
    "MismatchError",
    "NodeError",
    "PoolRefusedError",
    "RegistryError",
    "ReputationError",
    "SudoError",
    "SystemPalletError",
    "TokenError",
    "TransactionalError",
    "TrieError",
    "UnavailableError",
    "UndecidedError",
    "UsageError",
    "UtilityError",
    "dispatch_error",
]


class ChainError(Exception):
    """Base of every error that this package raises on purpose.

    Next: read the message; `ainur doctor --chain URL` looks at the chain.
    """


class UsageError(ChainError, ValueError):
    """We asked the client for what it does not do: fix the caller.

    Next: write the value as the message says; if a command made it by itself, report that.
    """


class UnavailableError(ChainError):
    """The node cannot be reached, or did not answer in time. Nothing is known to have happened; try again.

    Next: see whether the chain runs (`ainur testnet status`, `ainur chain status`), then try again.
    """


class HistoryError(ChainError):
    """The chain is not the one that we knew: another genesis, or a finalised block that changed.

    Next: name the chain that was meant, or give the node a folder of its own for the new chain.
    """


class MismatchError(ChainError):
    """The runtime and this client disagree on a call, a type or an event: bring them to one version.

    Next: install the program that belongs to the chain's runtime; `ainur doctor` says which
    versions both are.
    """


class NodeError(ChainError):
    """The node answered a request with an error.

    Next: read the node's words; where it has forgotten an old block, ask one that keeps history.

    Attributes:
        code: the JSON-RPC code.
        data: what the node added, if anything.
    """

    def __init__(self, method: str, code: int, message: str, data: Any = None) -> None:
        added = f" ({data})" if data else ""
        super().__init__(f"{method}: {message}{added} [{code}]")
        self.method, self.code, self.message, self.data = method, code, message, data


class PoolRefusedError(ChainError):
    """The node's pool does not take an extrinsic, and nothing was sent on: it will have no effect.

    Next: do what the message says, most often fund the account or wait, and try again.

    Attributes:
        call: pallet and call, as ``Escrow.release``.
        reason: the node's words.
        next_action: what to do about it.
    """

    def __init__(self, call: str, reason: str, next_action: str) -> None:
        super().__init__(f"{call} was not taken: {reason}. {next_action}")
        self.call, self.reason, self.next_action = call, reason, next_action


class UndecidedError(ChainError):
    """Patience ran out before the chain decided. The signed bytes are stored: submit again with the same
    key, and the same bytes are taken up; nothing is ever done twice.

    Next: look at what stands on the chain now; then, if it was not done, run the same again.

    Attributes:
        key: the caller's name for what it wants done once.
    """

    def __init__(self, key: str, why: str) -> None:
        super().__init__(
            f"{key!r} is not decided: {why}. Submit it again with the same key; the bytes are stored"
        )
        self.key = key


class DispatchError(ChainError):
    """The chain carried an extrinsic out and refused it; its fee is paid, all else is as before.

    Attributes:
        pallet: the pallet that refused, or the kind of refusal that is FRAME's own (``Token``).
        variant: which of its errors, as the runtime spells it.
        call: what was refused, as ``Escrow.release``.
        fault: who is at fault.
        next_action: what to do about it.
    """

    pallet_name: ClassVar[str] = ""

    def __init__(self, pallet: str, variant: str, call: str) -> None:
        advice: Advice = advice_for(pallet, variant)
        self.pallet, self.variant, self.call = pallet, variant, call
        self.fault, self.next_action = advice.fault, advice.action
        super().__init__(f"{call} was refused with {pallet}.{variant}. {advice.action}")


class RegistryError(DispatchError):
    """The registry refused."""

    pallet_name = "Registry"


class ReputationError(DispatchError):
    """Bond, score or offences refused."""

    pallet_name = "Reputation"


class EscrowError(DispatchError):
    """The escrow refused."""

    pallet_name = "Escrow"


class BalancesError(DispatchError):
    """The token's pallet refused."""

    pallet_name = "Balances"


class SystemPalletError(DispatchError):
    """FRAME's system pallet refused."""

    pallet_name = "System"


class SudoError(DispatchError):
    """The caller is not the chain's root key."""

    pallet_name = "Sudo"


class UtilityError(DispatchError):
    """A batch of calls was refused."""

    pallet_name = "Utility"


class TokenError(DispatchError):
    """Money cannot move like this; most often it is not there."""

    pallet_name = "Token"


class ArithmeticRefusedError(DispatchError):
    """A number does not fit."""

    pallet_name = "Arithmetic"


class TransactionalError(DispatchError):
    """Storage layers were nested too deep."""

    pallet_name = "Transactional"


class TrieError(DispatchError):
    """A proof of storage does not hold."""

    pallet_name = "Trie"


class FrameError(DispatchError):
    """FRAME's own refusals without further detail: ``BadOrigin``, ``ConsumerRemaining`` and the like."""

    pallet_name = "Dispatch"


_CLASSES: dict[str, type[DispatchError]] = {
    kind.pallet_name: kind
    for kind in (
        *(RegistryError, ReputationError, EscrowError, BalancesError, SystemPalletError, SudoError),
        *(UtilityError, TokenError, ArithmeticRefusedError, TransactionalError, TrieError, FrameError),
    )
}  # fmt: skip


def dispatch_error(pallet: str, variant: str, call: str) -> DispatchError:
    """Return the exception for a refusal; the plain base class where the pallet is unknown here."""
    return _CLASSES.get(pallet, DispatchError)(pallet, variant, call)
