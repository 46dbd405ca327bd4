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
    """Base of every error that this package raises on purpose.

    Next: read the message, which says what does not hold.
    """


class UsageError(MarketError, ValueError):
    """We called a rule with a value that it does not take: fix the caller.

    Next: write the value as the message says.
    """


class IllegalEventError(UsageError):
    """A state machine was told what cannot happen in its state; the state is unchanged.

    Next: report it: a part of the program told another what cannot be.
    """


class SolverError(MarketError):
    """A solver's answer failed its exact check, so nothing was decided: report the instance.

    Next: report it with the auction's file (`ainur task auction TASK FILE`).
    """


class PeerError(MarketError):
    """A peer broke the protocol: drop what it sent and count it against the peer.

    Next: nothing on this side; deal with others, and keep the proof.
    """


class DecodeError(PeerError):
    """Bytes from a peer are not the canonical encoding of the value they should be.

    Next: check that the file is what it should be, and whole; of a peer, drop it.
    """


class EnvelopeError(PeerError):
    """An envelope is well formed, and yet not one to act upon.

    Next: check chain and keys: it is signed by another key, for another chain, or too late.

    Attributes:
        reason: which of the checks refused it, one word, stable (used in logs and metrics).
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class AgreementError(PeerError):
    """An agreement that is well formed and not signed as it should be.

    Next: do not work or pay under it; ask the other side to sign again.

    Attributes:
        reason: which signature is missing or wrong, one word, stable.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class FundsError(PeerError):
    """A requester calls for more than it can pay: do not bid.

    Next: do not bid; the requester has to fund its account first.
    """


class RefusedError(MarketError):
    """The chain refuses a call by its rules; nothing has changed.

    Next: `ainur explain` with the pallet and the error that the message names says more.

    Attributes:
        pallet: whose rule it is (``escrow``); ``dispatch``, ``token`` or ``arithmetic`` for the chain's own.
        variant: the error's name on chain (``WrongState``).
    """

    def __init__(self, pallet: str, variant: str, message: str = "") -> None:
        super().__init__(f"{pallet}.{variant}: {message}" if message else f"{pallet}.{variant}")
        self.pallet = pallet
        self.variant = variant
