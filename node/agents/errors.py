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
    """Base of every error that agents and their adapters raise on purpose."""


class InputError(AgentError, ValueError):
    """The requester's input cannot be worked on; the message is for the requester."""


class WorkError(AgentError):
    """The agent tried and failed; the message is for the requester."""


class EndpointError(AgentError):
    """The service that the agent asks is down, overloaded or refuses us: later may do."""


class LimitError(AgentError):
    """The agent met one of its limits.

    Attributes:
        limit: which, one word (``fuel``, ``memory``).
    """

    def __init__(self, limit: str, message: str) -> None:
        super().__init__(message)
        self.limit = limit


class DeclarationError(AgentError, ValueError):
    """An agent is declared in a way that cannot be offered: mend its declaration."""
