"""Files that are always whole: written beside, and put in place."""

import json
import os
import secrets
from pathlib import Path
from typing import Any

__all__ = ["read_json", "write_atomically", "write_json"]


def write_atomically(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write a file, readable by its owner alone, so that nobody ever sees a part of it.

    Args:
        durable: sync it, so that it is there and whole after a loss of power as well.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_json(path: Path, value: Any, *, durable: bool = True) -> None:
    """Write JSON."""
    write_atomically(path, (json.dumps(value, indent=2) + "\n").encode(), durable=durable)


def read_json(path: Path) -> dict[str, Any] | None:
    """Return an object, or None where there is no such file or it is none of ours."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
