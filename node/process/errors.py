"""What goes wrong around a node's process; each message says what to do next."""

__all__ = ["AlreadyRunningError", "NodeProcessError", "StartError"]


class NodeProcessError(Exception):
    """Base of all."""


class AlreadyRunningError(NodeProcessError):
    """A node runs on this folder already."""


class StartError(NodeProcessError):
    """The node cannot start as it was asked to."""
