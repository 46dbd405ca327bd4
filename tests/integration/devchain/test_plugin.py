import subprocess
import sys
from pathlib import Path

import pytest

import chain.devchain

pytestmark = [pytest.mark.integration, pytest.mark.chain]

USER_TEST = """
def test_blocks_are_built(devchain):
    assert devchain.build().number == 2
"""


README = Path(chain.devchain.__file__).parent / "README.md"


def run_pytest(
    folder: Path, *arguments: str, tests: str = USER_TEST
) -> subprocess.CompletedProcess[str]:
    """Run a user's tests in a folder of theirs, where nothing of ours is configured."""
    (folder / "test_pallet.py").write_text(tests)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_fixture_runs_the_runtime_that_the_option_names(
    tmp_path: Path, devchain_runtime: Path
) -> None:
    ran = run_pytest(tmp_path, "--devchain-runtime", str(devchain_runtime))
    assert "1 passed" in ran.stdout, ran.stdout


def test_the_setting_is_relative_to_the_users_project(
    tmp_path: Path, devchain_runtime: Path
) -> None:
    (tmp_path / "mine.wasm").symlink_to(devchain_runtime)
    (tmp_path / "pytest.ini").write_text("[pytest]\ndevchain_runtime = mine.wasm\n")
    ran = run_pytest(tmp_path)
    assert "1 passed" in ran.stdout, ran.stdout


def test_the_example_in_the_readme_passes(tmp_path: Path, devchain_runtime: Path) -> None:
    example = README.read_text().partition("```python\n")[2].partition("```")[0]
    ran = run_pytest(tmp_path, "--devchain-runtime", str(devchain_runtime), tests=example)
    assert "1 passed" in ran.stdout, ran.stdout
