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
    """Base of every error that this package raises on purpose.

    Next: read the message; `ainur peers` shows who is connected.
    """


class NetworkUsageError(NetworkError, ValueError):
    """We asked the network for something that it does not do: fix the caller.

    Next: write addresses as nodes print them: /ip4/…/tcp/…/p2p/12D3KooW….
    """


class UnreachableError(NetworkError):
    """No address of the peer answered, or none is known: try later, or learn another address.

    Next: check that the peer runs and that its address is right; try again later.

    Attributes:
        peer: whom we could not reach.
    """

    def __init__(self, peer: str, message: str) -> None:
        super().__init__(message)
        self.peer = peer


class RequestError(NetworkError):
    """A request failed on its way; whether the peer acted upon it is not known.

    Next: ask again, later or somebody else.

    Attributes:
        peer: whom we asked.
        protocol: by which protocol.
    """

    def __init__(self, peer: str, protocol: str, message: str) -> None:
        super().__init__(message)
        self.peer = peer
        self.protocol = protocol


class RequestTimeoutError(RequestError):
    """The peer did not answer in time: ask again, later or somebody else.

    Next: ask again, later or somebody else.
    """


class NotServedError(RequestError):
    """The peer is there and does not speak this protocol: ask somebody else.

    Next: ask somebody else, or bring both programs to one version.
    """


class AnswerError(RequestError):
    """The peer's answer breaks the protocol: do not ask this peer again.

    Next: do not ask that peer again.
    """


class BlobError(NetworkError):
    """A blob cannot be had: its holder does not have it, or not for us.

    Next: wait until its holder has granted it, or ask for it again from whoever made it.
    """
