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
    """Base of all.

    Next: read the message; `ainur chain status` and `ainur chain logs` show more.
    """


class NotRunningError(ChainHostError):
    """No such chain runs.

    Next: start it with `ainur chain up`, or name another one with --name, --data-dir or --chain.
    """


class AlreadyRunningError(ChainHostError):
    """Such a chain runs already.

    Next: use the one that runs, stop it with `ainur chain down`, or start another with --name and
    --port 0.
    """


class StartError(ChainHostError):
    """The chain did not come up.

    Next: read the message and `ainur chain logs`; a port that is taken is left by --port 0.
    """


class BackendUnavailableError(ChainHostError):
    """This kind of chain cannot run here.

    Next: use --backend embedded, or build the node with scripts/build-node.
    """


class UnreachableError(ChainHostError):
    """The chain does not answer.

    Next: look again in a moment; then see `ainur chain logs`, and stop it with `ainur chain down`.
    """


class CallError(ChainHostError):
    """The chain refused a call.

    Next: read the chain's words; the arguments do not suit its state.

    Attributes:
        code: the JSON-RPC error code.
        data: its particulars.
    """

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message if data is None else f"{message}: {data}")
        self.code = code
        self.data = data
