"""What goes wrong around a testnet; each message says what to do next."""

__all__ = [
    "AlreadyRunningError",
    "BrokenError",
    "NotRunningError",
    "StartError",
    "TestnetError",
    "UsageError",
]


class TestnetError(Exception):
    """Base of all."""

    __test__ = False  # not a class of tests, whatever its name


class UsageError(TestnetError):
    """What was asked makes no sense here."""


class AlreadyRunningError(TestnetError):
    """It runs."""


class NotRunningError(TestnetError):
    """It does not run."""


class StartError(TestnetError):
    """It, or a part of it, did not come up."""


class BrokenError(TestnetError):
    """It runs, and does not answer as it should."""
