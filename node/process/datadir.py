"""A node's folder: what it keeps, and how its own commands find it while it runs."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from node.chainhost import lock
from node.chainhost.files import read_json, write_atomically, write_json
from node.chainhost.home import home
from node.process.errors import AlreadyRunningError, StartError

__all__ = ["DataDir", "Record", "data_dir"]

VERSION = 1


@attrs.frozen
class Record:
    """Where a running node is reached."""

    pid: int
    api: str
    """``http://127.0.0.1:PORT``."""
    peer_id: str
    account: str
    multiaddrs: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return what is written down."""
        return {"version": VERSION, **attrs.asdict(self)}


@attrs.frozen
class DataDir:
    """The files of one node."""

    path: Path

    @property
    def lock(self) -> Path:
        """Held by the process while it runs; names its id."""
        return self.path / "node.lock"

    @property
    def record(self) -> Path:
        """Where the running node is reached."""
        return self.path / "node.json"

    @property
    def token(self) -> Path:
        """What a client of the local API must show."""
        return self.path / "token"

    @property
    def keys(self) -> Path:
        """The keystore."""
        return self.path / "keys"

    @property
    def passphrase(self) -> Path:
        """Of keys that the node made for itself."""
        return self.path / "keys" / "passphrase"

    @property
    def peers(self) -> Path:
        """Peers that were reached, for the next start."""
        return self.path / "peers.json"

    @property
    def sequence(self) -> Path:
        """Below which all numbers of messages are used up."""
        return self.path / "sequence"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the one node on this folder.

        Raises:
            AlreadyRunningError: there is one.
            StartError: the folder cannot be used.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = lock.try_lock(self.lock)
        except OSError as error:
            raise StartError(f"{self.path} cannot be used: {error.strerror}") from error
        if handle is None:
            pid = lock.holder(self.lock)
            raise AlreadyRunningError(
                f"a node runs on {self.path} already (process {pid}): stop it, or choose another"
                " --data-dir"
            )
        try:
            lock.claim(handle)
            self.record.unlink(missing_ok=True)
            yield
        finally:
            self.record.unlink(missing_ok=True)
            os.close(handle)

    def is_running(self) -> bool:
        """Return whether a node holds the folder."""
        return lock.is_held(self.lock)

    def write_record(self, record: Record) -> None:
        """Say where the node is reached."""
        write_json(self.record, record.to_json())

    def read_record(self) -> Record | None:
        """Return where the node is reached, or None where it does not run, or not yet."""
        value = read_json(self.record)
        if value is None or value.pop("version", None) != VERSION:
            return None
        try:
            return Record(**{**value, "multiaddrs": tuple(value["multiaddrs"])})
        except (KeyError, TypeError):
            return None

    def new_token(self) -> str:
        """Make a token for this run, and write it where only the owner can read it."""
        token = secrets.token_urlsafe(32)
        write_atomically(self.token, token.encode())
        return token


def data_dir(path: Path | None) -> DataDir:
    """Return a node's folder: as given, or ``AINUR_HOME/node``."""
    return DataDir((home() / "node") if path is None else path.absolute())
