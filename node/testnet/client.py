"""Orders to a testnet's supervisor, with the standard library alone."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from node.testnet import errors
from node.testnet.config import TestnetView
from node.testnet.errors import BrokenError, NotRunningError, TestnetError
from node.testnet.home import Folder

__all__ = ["connected", "order"]

PATIENCE = 150.0
"""Seconds for an answer: a process is started and waited for."""


def order(folder: Folder, do: str, **arguments: Any) -> TestnetView:
    """Have the supervisor do something; return the testnet as it is then.

    Raises:
        NotRunningError: it does not run.
        TestnetError: it refuses.
    """
    answer = _ask(folder, {"do": do, **arguments})
    if "error" in answer:
        told = answer["error"]
        kind = getattr(errors, str(told["reason"]), TestnetError)
        raise kind(told["message"])
    return TestnetView.from_json(answer["ok"])


@contextmanager
def connected(path: Path, seconds: float) -> Iterator[socket.socket]:
    """Be connected to a socket of a file system, however long its path is.

    Args:
        path: of the socket.
        seconds: for each wait.

    Raises:
        OSError: nobody listens there, or no folder is there.
    """
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(seconds)
            # A socket's address has 108 bytes at most; a path may be longer.
            sock.connect(f"/proc/self/fd/{directory}/{path.name}")
            yield sock
    finally:
        os.close(directory)


def _ask(folder: Folder, what: dict[str, Any]) -> dict[str, Any]:
    if not folder.is_running():
        raise NotRunningError(
            f"the testnet {folder.name!r} does not run ({folder.path}): start it with `ainur testnet up`"
        )
    try:
        with connected(folder.socket, PATIENCE) as sock:
            sock.sendall(json.dumps(what).encode() + b"\n")
            with sock.makefile("rb") as file:
                line = file.readline()
        answer = json.loads(line)
    except (OSError, ValueError) as error:
        raise BrokenError(
            f"the testnet {folder.name!r} is coming up or going down, and takes no orders ({error}):"
            f" try again in a moment, see {folder.log}, or end it with `ainur testnet down`"
        ) from error
    if not isinstance(answer, dict):
        raise BrokenError(f"what answers at {folder.socket} is no testnet")
    return answer
