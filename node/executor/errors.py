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
    """Base of every error that this package raises on purpose.

    Next: read the message; `ainur agent try` runs one agent alone.
    """


class RefusedAgentError(ExecutorError):
    """The operator has not allowed what the agent asks for: nothing was run.

    Next: allow what the message names (--allow-network, --env, --with), if you trust the agent.
    """


class SandboxUnavailableError(RefusedAgentError):
    """Foreign code is to run and this machine has no sandbox: nothing was run.

    Next: `ainur doctor` says how to get bubblewrap to work; --allow-unsandboxed does without.
    """


class LoadError(ExecutorError):
    """The agent's file does not load, or declares no agent: mend the file.

    Next: mend the agent's file, and look at it with `ainur agent check FILE`.
    """


class UnavailableError(ExecutorError):
    """The service behind the agent does not answer now: try again later.

    Next: try again later; check the service behind the agent.
    """


class InvalidInputError(ExecutorError):
    """The requester's input does not fit the capability's schema, or is too large.

    Next: change the input to fit the schema that `ainur agent check` shows.
    """


class FailedTaskError(ExecutorError):
    """The agent is at fault: base of what follows.

    Next: read the message; the input may be sent to another provider.
    """


class AgentRaisedError(FailedTaskError):
    """The agent gave up, or has a fault of its own.

    Next: read the message, which is the agent's own; try another input.

    Attributes:
        is_deliberate: it said so itself, and the message is for the requester.
    """

    def __init__(self, message: str, *, is_deliberate: bool = False) -> None:
        super().__init__(message)
        self.is_deliberate = is_deliberate


class InvalidOutputError(FailedTaskError):
    """The agent's output does not fit the schema that it promised, or is no JSON.

    Next: mend the agent, or the schema that it promises.
    """


class TimedOutError(FailedTaskError):
    """The deadline passed first; the work was stopped.

    Next: give it more time, or less to do.
    """


class KilledByLimitError(FailedTaskError):
    """The agent met one of its limits and was stopped.

    Next: give it less to do; the limit that is named is the operator's to raise.

    Attributes:
        limit: which, one word, stable: ``memory``, ``output``, ``logs``, ``progress``, ``processes``,
            ``fuel``.
    """

    def __init__(self, limit: str, message: str) -> None:
        super().__init__(message)
        self.limit = limit


class CrashedError(FailedTaskError):
    """The agent's process ended in the middle of a task, or broke the protocol with the node.

    Next: run it alone with `ainur agent try`, and read what it wrote last.

    Attributes:
        status: its exit code, negative for a signal; None when it was the protocol.
    """

    def __init__(self, message: str, status: int | None) -> None:
        super().__init__(message)
        self.status = status
