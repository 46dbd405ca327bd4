"""Everything the dev chain raises, split by who is at fault."""


class DevChainError(Exception):
    """Base of every error of the dev chain."""


class BlobError(DevChainError):
    """The bytes given as a runtime are not a runtime that this chain can run."""
