"""Which auction ``ainur auction`` is about: a file, or a task of a node."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import click

from market.auction.file import FILE_BYTES, AuctionFile, decode_auction_file_untrusted
from market.errors import MarketError
from node.api.client import ApiError, Client, RefusedError, connect
from node.cli.api import choice_option
from node.cli.errors import UnusableAuctionError
from node.process.datadir import DataDir
from node.testnet.errors import TestnetError

__all__ = ["Source", "source_argument"]

_TASK_BYTES = 32


@attrs.frozen
class Source:
    """Where an auction is found."""

    name: str
    """As it was given."""
    file: Path | None
    """None: a task of a node."""
    _choose: Callable[[], DataDir]

    def read(self) -> AuctionFile:
        """Return the finished auction.

        Raises:
            UnusableAuctionError: it is none, or cannot be had.
        """
        try:
            if self.file is not None:
                return _decoded(self.name, _read_file(self.file))
            return _decoded(self.name, self.client().bytes_of(f"/v1/tasks/{self.name}/auction"))
        except (ApiError, TestnetError) as error:
            raise _unusable(error) from error

    def client(self) -> Client:
        """Return a client of the task's node.

        Raises:
            ApiError: it does not run.
            TestnetError: several testnets run, or the one that is named has no such node.
        """
        return connect(self._choose())

    def chain(self) -> str | None:
        """Return where the chain of the task's node is; None for a file, which may be of any chain.

        Raises:
            UnusableAuctionError: the node does not say.
        """
        if self.file is not None:
            return None
        try:
            found: str | None = self.client().get("/v1/status")["chain"]["url"]
        except (ApiError, TestnetError) as error:
            raise _unusable(error) from error
        return found

    def steps(self) -> tuple[list[dict[str, Any]], str] | None:
        """Return what has happened so far in an auction that has no transcript yet, and why it has none; else None.

        Raises:
            UnusableAuctionError: there is no such task, or its node does not answer.
        """
        if self.file is not None:
            return None
        try:
            client = self.client()
            try:
                client.bytes_of(f"/v1/tasks/{self.name}/auction")
            except RefusedError as refused:
                if refused.reason != "no-transcript":
                    raise
                return client.get(f"/v1/tasks/{self.name}")["events"], str(refused)
        except (ApiError, TestnetError) as error:
            raise _unusable(error) from error
        return None


def _unusable(error: ApiError | TestnetError) -> UnusableAuctionError:
    from node.explain.codes import code_of

    return UnusableAuctionError(str(error), code_of(error))


def source_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``TASK|FILE`` and the options that name the task's node; the command is given the :class:`Source`."""

    @click.argument("source", metavar="TASK|FILE")
    def run(source: str, choose: Callable[[], DataDir], **options: Any) -> None:
        command(source=_source(source, choose), **options)

    run.__doc__, run.__name__ = command.__doc__, command.__name__
    own: list[click.Parameter] = run.__click_params__  # type: ignore[attr-defined]  # click's own attribute
    run.__click_params__ = [*getattr(command, "__click_params__", []), *own]  # type: ignore[attr-defined]
    return choice_option(run)


def _source(text: str, choose: Callable[[], DataDir]) -> Source:
    """Return what was meant: an existing path is a file, all else a task."""
    path = Path(text)
    if path.exists():
        if path.is_dir():
            raise click.BadParameter(f"{text} is a folder", param_hint="TASK|FILE")
        return Source(text, path, choose)
    try:
        task = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        task = b""
    if len(task) != _TASK_BYTES:
        raise click.BadParameter(
            f"{text!r} is no file, and no task either: a task is 64 hexadecimal digits, see `ainur task list`",
            param_hint="TASK|FILE",
        )
    return Source(f"0x{task.hex()}", None, choose)


def _read_file(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(FILE_BYTES + 1)
    except OSError as error:
        raise UnusableAuctionError(f"{file} cannot be read: {error.strerror}") from error


def _decoded(name: str, data: bytes) -> AuctionFile:
    try:
        return decode_auction_file_untrusted(data)
    except MarketError as error:
        line = " ".join(str(error).split())
        raise UnusableAuctionError(f"{name} is not the file of an auction: {line}") from error
