"""What goes wrong around a node's process; each message says what to do next."""

__all__ = ["AlreadyRunningError", "NodeProcessError", "StartError"]


class NodeProcessError(Exception):
    """Base of all.

    Next: read the message and the node's log.
    """


class AlreadyRunningError(NodeProcessError):
    """A node runs on this folder already.

    Next: use the node that runs, stop it, or name another --data-dir.
    """


class StartError(NodeProcessError):
    """The node cannot start as it was asked to.

    Next: read the message; `ainur doctor` looks at folder, disk and ports.
    """
