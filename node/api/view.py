"""What the API shows: the running node, as its parts."""

import attrs

from market.identity import AccountId
from node.directory.service import DirectoryService
from node.p2p.network import Network
from node.process.heads import Head
from node.trading import Trading

__all__ = ["View"]


@attrs.frozen
class View:
    """The parts of a node that the API asks."""

    network: Network
    directory: DirectoryService
    head: Head
    account: AccountId
    software: str
    trading: Trading | None = None
    """What it buys and sells; None where there is no chain."""
