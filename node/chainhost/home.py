"""Where chains live: ``AINUR_HOME/chains/NAME``, or a folder of the caller's own."""

import os
import re
from pathlib import Path

import attrs

from node.chainhost.errors import ChainHostError

__all__ = ["DEFAULT_NAME", "Folder", "folder_of", "home", "is_name"]

DEFAULT_NAME = "dev"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@attrs.frozen
class Folder:
    """The files of one chain."""

    path: Path
    name: str

    @property
    def lock(self) -> Path:
        """Held by the process while it runs; names its id."""
        return self.path / "chain.lock"

    @property
    def record(self) -> Path:
        """Where the running chain is reached."""
        return self.path / "chain.json"

    @property
    def config(self) -> Path:
        """How it was last started."""
        return self.path / "config.json"

    @property
    def salt(self) -> Path:
        """What makes a chain that stays unlike others."""
        return self.path / "salt"

    @property
    def store(self) -> Path:
        """The blocks of a chain that stays."""
        return self.path / "store"

    @property
    def maker(self) -> Path:
        """Names the backend whose blocks lie in the store: the other one cannot read them."""
        return self.store / "backend"

    @property
    def scratch(self) -> Path:
        """What a chain that does not stay needs on disk; gone with it."""
        return self.path / "scratch"

    @property
    def log(self) -> Path:
        """What the process says."""
        return self.path / "chain.log"

    @property
    def crash(self) -> Path:
        """What the interpreter said in the last run, if it could say nothing in the log."""
        return self.path / "crash.log"


def home() -> Path:
    """Return ``AINUR_HOME``, or the user's data folder."""
    named = os.environ.get("AINUR_HOME")
    if named:
        return Path(named).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("ainur", appauthor=False).absolute()


def is_name(name: str) -> bool:
    """Return whether a chain or a testnet may be called so: up to 63 letters, digits, dots, dashes, underscores."""
    return _NAME.fullmatch(name) is not None


def folder_of(name: str, data_dir: Path | None) -> Folder:
    """Return a chain's folder.

    Args:
        name: letters, digits, dots, dashes and underscores.
        data_dir: a folder to use instead of the one below ``AINUR_HOME``.

    Raises:
        ChainHostError: the name is none.
    """
    if not is_name(name):
        raise ChainHostError(
            f"{name!r} is no name for a chain: up to 63 letters, digits, dots, dashes, underscores"
        )
    return Folder((home() / "chains" / name) if data_dir is None else data_dir.absolute(), name)
