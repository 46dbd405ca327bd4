"""What can go wrong in the market's rules, split by who is at fault."""

__all__ = [
    "AgreementError",
    "DecodeError",
    "EnvelopeError",
    "FundsError",
    "IllegalEventError",
    "MarketError",
    "PeerError",
    "RefusedError",
    "SolverError",
    "UsageError",
]


class MarketError(Exception):
    """Base of every error that this package raises on purpose."""


class UsageError(MarketError, ValueError):
    """We called a rule with a value that it does not take: fix the caller."""


class IllegalEventError(UsageError):
    """A state machine was told what cannot happen in its state; the state is unchanged."""


class SolverError(MarketError):
    """A solver's answer failed its exact check, so nothing was decided: report the instance."""


class PeerError(MarketError):
    """A peer broke the protocol: drop what it sent and count it against the peer."""


class DecodeError(PeerError):
    """Bytes from a peer are not the canonical encoding of the value they should be."""


class EnvelopeError(PeerError):
    """An envelope is well formed, and yet not one to act upon.

    Attributes:
        reason: which of the checks refused it, one word, stable (used in logs and metrics).
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class AgreementError(PeerError):
    """An agreement that is well formed and not signed as it should be.

    Attributes:
        reason: which signature is missing or wrong, one word, stable.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class FundsError(PeerError):
    """A requester calls for more than it can pay: do not bid."""


class RefusedError(MarketError):
    """The chain refuses a call by its rules; nothing has changed.

    Attributes:
        pallet: whose rule it is (``escrow``); ``dispatch``, ``token`` or ``arithmetic`` for the chain's own.
        variant: the error's name on chain (``WrongState``).
    """

    def __init__(self, pallet: str, variant: str, message: str = "") -> None:
        super().__init__(f"{pallet}.{variant}: {message}" if message else f"{pallet}.{variant}")
        self.pallet = pallet
        self.variant = variant
