"""What goes wrong when an agent is run, by who is at fault."""

__all__ = [
    "AgentRaisedError",
    "CrashedError",
    "ExecutorError",
    "FailedTaskError",
    "InvalidInputError",
    "InvalidOutputError",
    "KilledByLimitError",
    "LoadError",
    "RefusedAgentError",
    "SandboxUnavailableError",
    "TimedOutError",
    "UnavailableError",
]


class ExecutorError(Exception):
    """Base of every error that this package raises on purpose."""


class RefusedAgentError(ExecutorError):
    """The operator has not allowed what the agent asks for: nothing was run."""


class SandboxUnavailableError(RefusedAgentError):
    """Foreign code is to run and this machine has no sandbox: nothing was run."""


class LoadError(ExecutorError):
    """The agent's file does not load, or declares no agent: mend the file."""


class UnavailableError(ExecutorError):
    """The service behind the agent does not answer now: try again later."""


class InvalidInputError(ExecutorError):
    """The requester's input does not fit the capability's schema, or is too large."""


class FailedTaskError(ExecutorError):
    """The agent is at fault: base of what follows."""


class AgentRaisedError(FailedTaskError):
    """The agent gave up, or has a fault of its own.

    Attributes:
        is_deliberate: it said so itself, and the message is for the requester.
    """

    def __init__(self, message: str, *, is_deliberate: bool = False) -> None:
        super().__init__(message)
        self.is_deliberate = is_deliberate


class InvalidOutputError(FailedTaskError):
    """The agent's output does not fit the schema that it promised, or is no JSON."""


class TimedOutError(FailedTaskError):
    """The deadline passed first; the work was stopped."""


class KilledByLimitError(FailedTaskError):
    """The agent met one of its limits and was stopped.

    Attributes:
        limit: which, one word, stable: ``memory``, ``output``, ``logs``, ``progress``, ``processes``,
            ``fuel``.
    """

    def __init__(self, limit: str, message: str) -> None:
        super().__init__(message)
        self.limit = limit


class CrashedError(FailedTaskError):
    """The agent's process ended in the middle of a task, or broke the protocol with the node.

    Attributes:
        status: its exit code, negative for a signal; None when it was the protocol.
    """

    def __init__(self, message: str, status: int | None) -> None:
        super().__init__(message)
        self.status = status
