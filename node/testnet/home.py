"""Where testnets live: ``AINUR_HOME/testnets/NAME``, or a folder of the caller's own."""

from pathlib import Path

import attrs

from node.chainhost import lock
from node.chainhost.home import Folder as ChainFolder
from node.chainhost.home import home, is_name
from node.process.datadir import DataDir
from node.testnet.errors import NotRunningError, UsageError

__all__ = ["DEFAULT_NAME", "FIRST", "Folder", "folder_of", "running_folder", "running_names"]

DEFAULT_NAME = "dev"
FIRST = "n1"
"""The node that buys."""


@attrs.frozen
class Folder:
    """The files of one testnet."""

    path: Path
    name: str

    @property
    def lock(self) -> Path:
        """Held by the supervisor and all its processes while one of them runs; names the supervisor's id."""
        return self.path / "testnet.lock"

    @property
    def config(self) -> Path:
        """How it was last started, with its seed."""
        return self.path / "testnet.json"

    @property
    def socket(self) -> Path:
        """Where the supervisor takes orders."""
        return self.path / "control.sock"

    @property
    def log(self) -> Path:
        """What the supervisor says."""
        return self.path / "testnet.log"

    @property
    def crash(self) -> Path:
        """What the supervisor and the parent said in the last run, if they could say nothing in the log."""
        return self.path / "crash.log"

    @property
    def keys(self) -> Path:
        """The keystore of those who run no node: the arbiter's key."""
        return self.path / "keys"

    @property
    def chain(self) -> ChainFolder:
        """The chain's folder, as ``ainur chain --data-dir`` takes it."""
        return ChainFolder(self.path / "chain", self.name)

    @property
    def nodes(self) -> Path:
        """The nodes' folders."""
        return self.path / "nodes"

    def node(self, name: str) -> DataDir:
        """A node's folder, as ``--data-dir`` takes it."""
        return DataDir(self.nodes / name)

    def known_node(self, name: str) -> DataDir:
        """Return the folder of a node that there is.

        Raises:
            UsageError: there is none of that name.
        """
        names = self.node_names()
        if name not in names:
            there = f"there are {', '.join(names)}" if names else f"it never ran ({self.path})"
            raise UsageError(f"the testnet {self.name!r} has no node {name!r}: {there}")
        return self.node(name)

    def node_names(self) -> list[str]:
        """Return the names of all nodes that ever ran here, in order."""
        if not self.nodes.exists():
            return []
        return sorted((path.name for path in self.nodes.iterdir()), key=lambda n: (len(n), n))

    def node_log(self, name: str) -> Path:
        """What a node says."""
        return self.nodes / name / "node.log"

    def refused(self, name: str) -> Path:
        """The peers with whom a node has no connection."""
        return self.nodes / name / "refused.json"

    def is_running(self) -> bool:
        """Return whether any of its processes is there."""
        return lock.is_held(self.lock)


def _testnets() -> Path:
    return home() / "testnets"


def folder_of(name: str, data_dir: Path | None = None) -> Folder:
    """Return a testnet's folder.

    Args:
        name: letters, digits, dots, dashes and underscores.
        data_dir: a folder to use instead of the one below ``AINUR_HOME``.

    Raises:
        UsageError: the name is none.
    """
    if not is_name(name):
        raise UsageError(
            f"{name!r} is no name for a testnet: up to 63 letters, digits, dots, dashes, underscores"
        )
    return Folder((_testnets() / name) if data_dir is None else data_dir.absolute(), name)


def running_names() -> list[str]:
    """Return the names of the testnets below ``AINUR_HOME`` that run, sorted."""
    try:
        names = sorted(path.name for path in _testnets().iterdir())
    except FileNotFoundError:
        return []
    return [n for n in names if is_name(n) and folder_of(n).is_running()]


def running_folder(name: str | None, option: str = "--name") -> Folder:
    """Return the folder of a testnet by its name, or without one that of the only one that runs.

    Args:
        name: if one was given.
        option: by which a user gives it.

    Raises:
        NotRunningError: none runs.
        UsageError: several run; the message names them.
    """
    if name is not None:
        return folder_of(name)
    names = running_names()
    if not names:
        raise NotRunningError("no testnet runs: start one with `ainur testnet up`")
    if len(names) > 1:
        raise UsageError(f"several testnets run: choose one with {option} ({', '.join(names)})")
    return folder_of(names[0])
