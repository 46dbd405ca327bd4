"""Where the Substrate node is that ``scripts/build-node`` built for the sources that lie here."""

import hashlib
import os
from pathlib import Path

from node.chainhost.errors import BackendUnavailableError

__all__ = ["VARIABLE", "find_program", "source_hash"]

VARIABLE = "AINUR_NODE"
"""Names the program, wherever it lies."""
SOURCES = Path(__file__).parents[2] / "pallets" / "dev-node"
BINARY = "ainur-dev-node"


def source_hash(folder: Path) -> str:
    """Return the name of a program's sources and lock, as ``scripts/native.sh`` makes it."""
    files = [folder / "Cargo.toml", folder / "Cargo.lock", *(folder / "src").rglob("*")]
    names = sorted(file.relative_to(folder).as_posix() for file in files if file.is_file())
    listing = "".join(
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names
    )
    return hashlib.sha256(listing.encode()).hexdigest()[:16]


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "ainur"


def find_program(sources: Path = SOURCES) -> Path:
    """Return the program.

    Raises:
        BackendUnavailableError: it is not there; the message says what to do.
    """
    named = os.environ.get(VARIABLE)
    if named:
        program = Path(named)
        if not os.access(program, os.X_OK) or program.is_dir():
            raise BackendUnavailableError(f"{VARIABLE} names {named!r}, which is no program")
        return program.absolute()
    if not (sources / "Cargo.lock").exists():
        raise BackendUnavailableError(
            "the Substrate node is built from a clone of the repository: run scripts/build-node"
            f" there (about ten minutes), set {VARIABLE} to the path that it prints, or use"
            " --backend embedded"
        )
    program = _cache() / "dev-node" / source_hash(sources) / BINARY
    if not os.access(program, os.X_OK):
        raise BackendUnavailableError(
            "the Substrate node is not built for the sources that are here: run"
            f" {sources.parents[1] / 'scripts' / 'build-node'} (about ten minutes the first time),"
            " or use --backend embedded"
        )
    return program
