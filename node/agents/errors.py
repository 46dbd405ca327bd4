"""What goes wrong in agents, by who is at fault; agents' own code raises the first two."""

__all__ = [
    "AgentError",
    "DeclarationError",
    "EndpointError",
    "InputError",
    "LimitError",
    "WorkError",
]


class AgentError(Exception):
    """Base of every error that agents and their adapters raise on purpose.

    Next: read the message, which is the agent's own.
    """


class InputError(AgentError, ValueError):
    """The requester's input cannot be worked on; the message is for the requester.

    Next: change the input as the message says; `ainur agent check` shows the schema.
    """


class WorkError(AgentError):
    """The agent tried and failed; the message is for the requester.

    Next: try another input or another provider; the agent's author can say why.
    """


class EndpointError(AgentError):
    """The service that the agent asks is down, overloaded or refuses us: later may do.

    Next: try later; check the service's address, and its key in the environment.
    """


class LimitError(AgentError):
    """The agent met one of its limits.

    Next: give it less to do, or raise the limit that is named.

    Attributes:
        limit: which, one word (``fuel``, ``memory``).
    """

    def __init__(self, limit: str, message: str) -> None:
        super().__init__(message)
        self.limit = limit


class DeclarationError(AgentError, ValueError):
    """An agent is declared in a way that cannot be offered: mend its declaration.

    Next: mend the agent's file, and look at it with `ainur agent check FILE`.
    """
