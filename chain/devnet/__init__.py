"""The committed runtime of our dev chain: its blob, and the manifest of how it was built."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import attrs

from chain.devchain.blob import RuntimeBlob, read_blob
from chain.devchain.errors import BlobError

__all__ = ["BLOB", "Manifest", "are_sources_current", "read_committed", "read_manifest"]

FOLDER = Path(__file__).resolve().parent
BLOB = FOLDER / "ainur_runtime.compact.compressed.wasm"
"""The compressed runtime, as a node's genesis takes it."""
MANIFEST = FOLDER / "manifest.json"
PALLETS = FOLDER.parent.parent / "pallets"
"""Where a clone has the sources; an installed package has none."""
CRATES = ("primitives", "registry", "escrow", "reputation", "runtime")
TEST_ONLY = frozenset({"mock.rs", "tests.rs", "benchmarking.rs"})


@attrs.frozen
class Manifest:
    """How the committed runtime was built."""

    raw_sha256: str
    """Hex SHA-256 of the WebAssembly before compression."""
    raw_size: int
    """Its bytes."""
    code_hash: str
    """Hex BLAKE2b-256 of the compressed blob."""
    size: int
    """Its bytes."""
    sources_sha256: str
    """Hex hash of every source file, manifest and lock that it was built from."""
    rustc: str
    """What ``rustc -vV`` said: other compilers give other bytes."""


def read_manifest() -> Manifest:
    """Return the committed manifest.

    Raises:
        BlobError: it is missing or damaged.
    """
    try:
        return Manifest(**json.loads(MANIFEST.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise BlobError(
            f"the manifest {MANIFEST} cannot be read ({error}): build the runtime again with "
            "scripts/build-runtime, or reinstall the package"
        ) from error


def read_committed() -> tuple[RuntimeBlob, Manifest]:
    """Return what the committed runtime says of itself, after holding it to its manifest.

    Raises:
        BlobError: blob or manifest is missing or damaged, or they are not of one build.
    """
    manifest = read_manifest()
    try:
        blob = read_blob(BLOB.read_bytes())
    except OSError as error:
        raise BlobError(f"the runtime {BLOB} cannot be read: {error}") from error
    if (blob.raw_sha256, blob.code_hash) != (manifest.raw_sha256, manifest.code_hash):
        raise BlobError(
            f"{BLOB.name} is not the blob that its manifest describes: restore both with git, or "
            "build them again with scripts/build-runtime"
        )
    return blob, manifest


def source_files(pallets: Path) -> Iterator[Path]:
    """Yield every file that can change the runtime's bytes; tests and benchmarks cannot."""
    yield pallets / "Cargo.toml"
    yield pallets / "Cargo.lock"
    for crate in CRATES:
        yield pallets / crate / "Cargo.toml"
        sources = pallets / crate / "src"
        for file in sources.rglob("*.rs"):
            inside = file.relative_to(sources)
            if inside.name not in TEST_ONLY and "tests" not in inside.parts:
                yield file


def hash_sources(pallets: Path = PALLETS) -> str:
    """Return the hex hash of the sources: of each file's name and bytes, both length-prefixed.

    Args:
        pallets: the cargo workspace.

    Raises:
        BlobError: a file that must be there cannot be read.
    """
    digest = hashlib.sha256()
    try:
        for file in sorted(source_files(pallets)):
            name, data = file.relative_to(pallets).as_posix().encode(), file.read_bytes()
            digest.update(len(name).to_bytes(4, "big") + name + len(data).to_bytes(8, "big") + data)
    except OSError as error:
        raise BlobError(f"the runtime's sources cannot be read: {error}") from error
    return digest.hexdigest()


def are_sources_current(manifest: Manifest, pallets: Path = PALLETS) -> bool | None:
    """Say whether the committed runtime was built from the sources that lie beside it.

    Returns:
        None where there are no sources, as in an installed package.
    """
    if not (pallets / "Cargo.toml").exists():
        return None
    return hash_sources(pallets) == manifest.sources_sha256
