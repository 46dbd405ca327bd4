"""The layers hold, and the check that holds them can fail."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("ainur", "node", "chain", "routing", "market")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-logo", "--no-cache"]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("*.wasm"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("market/planted.py", "import chain.devchain", "Layers"),
        ("chain/planted.py", "import routing", "Layers"),
        ("routing/planted.py", "import node.cli", "Layers"),
        ("chain/devchain/planted.py", "import market", "The dev chain imports nothing"),
        ("market/planted.py", "import random", "The rules and the router are pure"),
        ("routing/planted.py", "import trio", "The rules and the router are pure"),
    ],
)
def test_a_planted_import_across_a_layer_is_refused(
    copy: Path, module: str, line: str, contract: str
) -> None:
    (copy / module).write_text(f'"""Planted."""\n\n{line}\n')
    done = lint(copy)
    assert done.returncode == 1, done.stdout
    broken = [row for row in done.stdout.splitlines() if row.endswith("BROKEN")]
    assert any(row.startswith(contract) for row in broken), done.stdout


def test_the_layers_hold_as_they_are(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout
