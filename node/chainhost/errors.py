"""What goes wrong around a chain's process; each message says what to do next."""

from typing import Any

__all__ = [
    "AlreadyRunningError",
    "BackendUnavailableError",
    "CallError",
    "ChainHostError",
    "NotRunningError",
    "StartError",
    "UnreachableError",
]


class ChainHostError(Exception):
    """Base of all."""


class NotRunningError(ChainHostError):
    """There is no such chain."""


class AlreadyRunningError(ChainHostError):
    """There is one already."""


class StartError(ChainHostError):
    """The chain did not come up."""


class BackendUnavailableError(ChainHostError):
    """This kind of chain cannot run here."""


class UnreachableError(ChainHostError):
    """The chain does not answer."""


class CallError(ChainHostError):
    """The chain refused a call.

    Attributes:
        code: the JSON-RPC error code.
        data: its particulars.
    """

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message if data is None else f"{message}: {data}")
        self.code = code
        self.data = data
