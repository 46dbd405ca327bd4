"""The committed runtime is held to its manifest and to the sources beside it."""

import json
import shutil
from pathlib import Path

import pytest

from chain import devnet
from chain.devchain.errors import BlobError

PALLETS = Path(__file__).resolve().parents[3] / "pallets"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    keep = shutil.ignore_patterns("target", "dev-node")
    return Path(shutil.copytree(PALLETS, tmp_path / "pallets", ignore=keep))


@pytest.fixture
def committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("BLOB", "MANIFEST"):
        there = tmp_path / getattr(devnet, name).name
        shutil.copy(getattr(devnet, name), there)
        monkeypatch.setattr(devnet, name, there)
    return tmp_path


def test_the_committed_runtime_is_ours_and_matches_its_manifest() -> None:
    blob, manifest = devnet.read_committed()
    assert blob.spec_name == "ainur"
    assert {"Core", "BlockBuilder", "GenesisBuilder", "Metadata"} <= {name for name, _ in blob.apis}
    assert (blob.size, blob.raw_size) == (manifest.size, manifest.raw_size)
    assert blob.size <= 400_000


def test_the_sources_hash_does_not_depend_on_where_they_lie(copy: Path) -> None:
    assert devnet.hash_sources(copy) == devnet.hash_sources(PALLETS)


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("Cargo.lock", True),
        ("runtime/src/lib.rs", True),
        ("escrow/src/new.rs", True),
        ("escrow/src/tests.rs", False),
        ("escrow/src/mock.rs", False),
    ],
)
def test_a_changed_source_makes_the_runtime_stale_and_a_changed_test_does_not(
    copy: Path, file: str, changes: bool
) -> None:
    before = devnet.hash_sources(copy)
    with (copy / file).open("a") as f:
        f.write("// changed\n")
    assert (devnet.hash_sources(copy) != before) is changes


def test_an_installed_package_has_no_sources_to_compare(tmp_path: Path) -> None:
    assert devnet.are_sources_current(devnet.read_manifest(), tmp_path / "pallets") is None


def test_a_blob_of_another_build_is_refused(committed: Path) -> None:
    manifest = json.loads(devnet.MANIFEST.read_text())
    devnet.MANIFEST.write_text(json.dumps(manifest | {"raw_sha256": "00" * 32}))
    with pytest.raises(BlobError, match="not the blob that its manifest describes"):
        devnet.read_committed()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"raw_sha256": 1}'])
def test_a_damaged_manifest_is_refused_in_words(committed: Path, text: str) -> None:
    devnet.MANIFEST.write_text(text)
    with pytest.raises(BlobError, match=r"manifest .* cannot be read"):
        devnet.read_manifest()


def test_a_missing_blob_is_refused_in_words(committed: Path) -> None:
    devnet.BLOB.unlink()
    with pytest.raises(BlobError, match="cannot be read"):
        devnet.read_committed()
