"""What can go wrong in the market's rules, split by who is at fault."""

__all__ = [
    "DecodeError",
    "EnvelopeError",
    "IllegalEventError",
    "MarketError",
    "PeerError",
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
