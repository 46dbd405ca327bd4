"""How a chain is started, and where it then is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import attrs

from node.chainhost.errors import ChainHostError
from node.chainhost.files import read_json
from node.chainhost.home import Folder

__all__ = ["PROPERTIES", "ChainConfig", "Record"]

VERSION = 1
PROPERTIES = {"ss58Format": 42, "tokenDecimals": 12, "tokenSymbol": "AINU"}
"""What a chain tells clients of its addresses and its token."""


@attrs.frozen
class ChainConfig:
    """Everything that was asked for."""

    name: str
    data_dir: str
    port: int = 9944
    """0 for any that is free."""
    backend: str = "embedded"
    persist: bool = False
    seal: str = "instant"
    preset: str = "development"
    seed: str | None = None
    """Names the genesis; without one, every chain has a genesis of its own."""
    finality_lag: int = 0
    allow_origin: tuple[str, ...] = ()
    runtime: str | None = None
    """A runtime's wasm; None for the committed one."""
    genesis_patch: dict[str, Any] | None = None
    """JSON that is merged onto the preset."""

    @property
    def folder(self) -> Folder:
        """Where it lives."""
        return Folder(Path(self.data_dir), self.name)

    def to_json(self) -> dict[str, Any]:
        """Return what is written down."""
        return {"version": VERSION, **attrs.asdict(self)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "ChainConfig":
        """Return what was written, without its version.

        Raises:
            TypeError: it has other fields.
        """
        return cls(**{**value, "allow_origin": tuple(value.get("allow_origin", ()))})

    @classmethod
    def read(cls, folder: Folder) -> "ChainConfig":
        """Return how a chain was last started.

        Raises:
            ChainHostError: it never was, or by another version of this program.
        """
        value = read_json(folder.config)
        if value is None or value.pop("version", None) != VERSION:
            raise ChainHostError(f"{folder.config} is missing or of another version; start anew")
        try:
            return cls.from_json(value)
        except TypeError as error:
            raise ChainHostError(f"{folder.config} is of another version: {error}") from error


@attrs.frozen
class Record:
    """Where a running chain is reached."""

    pid: int
    port: int
    genesis: str
    backend: str
    seal: str
    persist: bool
    name: str
    data_dir: str
    runtime: str
    """Name and version of the runtime it started with."""
    max_advance: int | None = None
    """Blocks that this backend can let pass at once; None for any number."""

    @property
    def url(self) -> str:
        """For clients."""
        return f"ws://127.0.0.1:{self.port}"

    @property
    def apps(self) -> str:
        """The chain in polkadot.js Apps."""
        return f"https://polkadot.js.org/apps/?rpc={quote(self.url, safe='')}"

    def to_json(self) -> dict[str, Any]:
        """Return what is written down and shown."""
        return {"version": VERSION, **attrs.asdict(self), "url": self.url, "apps": self.apps}

    @classmethod
    def read(cls, folder: Folder) -> "Record | None":
        """Return what the last chain here wrote down; only a held lock says that it still runs."""
        value = read_json(folder.record)
        if value is None or value.get("version") != VERSION:
            return None
        names = {field.name for field in attrs.fields(cls)}
        try:
            return cls(**{k: v for k, v in value.items() if k in names})
        except TypeError:
            return None
