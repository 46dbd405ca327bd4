"""What can go wrong in routing, beside what :mod:`market.errors` names."""

__all__ = ["RoutingError", "UsageError"]


class RoutingError(Exception):
    """Base of every error that this package raises on purpose.

    Next: read the message.
    """


class UsageError(RoutingError, ValueError):
    """We asked for what the router does not do: fix the caller.

    Next: write the query as the message says.
    """
