"""What can go wrong on the network, split by who is at fault; each message says what to do next."""

__all__ = [
    "AnswerError",
    "BlobError",
    "NetworkError",
    "NetworkUsageError",
    "NotServedError",
    "RequestError",
    "RequestTimeoutError",
    "UnreachableError",
]


class NetworkError(Exception):
    """Base of every error that this package raises on purpose."""


class NetworkUsageError(NetworkError, ValueError):
    """We asked the network for something that it does not do: fix the caller."""


class UnreachableError(NetworkError):
    """No address of the peer answered, or none is known: try later, or learn another address.

    Attributes:
        peer: whom we could not reach.
    """

    def __init__(self, peer: str, message: str) -> None:
        super().__init__(message)
        self.peer = peer


class RequestError(NetworkError):
    """A request failed on its way; whether the peer acted upon it is not known.

    Attributes:
        peer: whom we asked.
        protocol: by which protocol.
    """

    def __init__(self, peer: str, protocol: str, message: str) -> None:
        super().__init__(message)
        self.peer = peer
        self.protocol = protocol


class RequestTimeoutError(RequestError):
    """The peer did not answer in time: ask again, later or somebody else."""


class NotServedError(RequestError):
    """The peer is there and does not speak this protocol: ask somebody else."""


class AnswerError(RequestError):
    """The peer's answer breaks the protocol: do not ask this peer again."""


class BlobError(NetworkError):
    """A blob cannot be had: its holder does not have it, or not for us."""
