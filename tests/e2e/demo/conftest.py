"""A place of its own for each demo."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.chainhost import lock
from tests.support.demos import PATIENCE
from tests.support.runtime import runtime_code


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A home and a place for temporary files of our own, both empty of running chains at the end."""
    runtime_code()  # skips where there is none
    (tmp_path / "tmp").mkdir()
    yield {
        **os.environ, "AINUR_HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp"),
        "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    held = [path for path in tmp_path.rglob("chain.lock") if lock.is_held(path)]
    for path in held:
        lock.stop_holder(path, PATIENCE)
    assert held == []
