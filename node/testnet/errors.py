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
    """Base of all.

    Next: read the message; `ainur testnet status` and `ainur testnet logs` show more.
    """

    __test__ = False  # not a class of tests, whatever its name


class UsageError(TestnetError):
    """What was asked of a testnet makes no sense.

    Next: write it as the message says.
    """


class AlreadyRunningError(TestnetError):
    """The testnet runs already.

    Next: use the one that runs, stop it with `ainur testnet down`, or start another with --name.
    """


class NotRunningError(TestnetError):
    """The testnet does not run.

    Next: start it with `ainur testnet up`.
    """


class StartError(TestnetError):
    """The testnet, or a part of it, did not come up.

    Next: read `ainur testnet logs`; `ainur doctor` looks at what it needs.
    """


class BrokenError(TestnetError):
    """The testnet runs, and does not answer as it should.

    Next: try again in a moment; else end it with `ainur testnet down`.
    """
