"""Peers that were reached before, on disk, so that a restarted node needs no bootstrap.

One JSON file, replaced as a whole: a crash leaves the old one or the new one. What is in it is a hint
and no more; who answers at an address proves who it is by Noise.
"""

import json
import logging
import os
from pathlib import Path
from typing import Final

from market.errors import UsageError
from market.identity import PeerId, key_from_peer_id

__all__ = ["read_bootstrap_file", "read_peers", "write_peers"]

VERSION: Final = 1
PEERS: Final = 200
ADDRESSES: Final = 8
FILE_BYTES: Final = 1024 * 1024

_LOG: Final = logging.getLogger("ainur.p2p")


def write_peers(path: Path, peers: dict[PeerId, tuple[str, ...]]) -> None:
    """Write down who was reached, and where.

    Raises:
        OSError: the disk does not take it.
    """
    kept = {peer: list(addresses[:ADDRESSES]) for peer, addresses in list(peers.items())[:PEERS]}
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    with new.open("w", encoding="utf-8") as file:
        json.dump({"version": VERSION, "peers": kept}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def read_peers(path: Path) -> dict[PeerId, tuple[str, ...]]:
    """Return who was reached last time; nobody where the file is missing or cannot be read."""
    try:
        return _decode(path)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, UsageError) as error:
        _LOG.warning("%s is not a list of peers (%s): starting without it", path, error)
        return {}


def _decode(path: Path) -> dict[PeerId, tuple[str, ...]]:
    if path.stat().st_size > FILE_BYTES:
        raise ValueError(f"longer than {FILE_BYTES} bytes")
    value = json.loads(path.read_text(encoding="utf-8"))
    if value["version"] != VERSION:
        raise ValueError(f"of version {value['version']}")
    found = {}
    for peer, addresses in list(value["peers"].items())[:PEERS]:
        key_from_peer_id(peer)
        found[PeerId(peer)] = tuple(str(address) for address in addresses[:ADDRESSES])
    return found


def read_bootstrap_file(path: Path) -> tuple[str, ...]:
    """Return the addresses in a file, one a line; ``#`` begins a comment.

    Raises:
        OSError: it cannot be read.
    """
    lines = (line.split("#", 1)[0].strip() for line in path.read_text("utf-8").splitlines())
    return tuple(line for line in lines if line)
