"""The runtime that the dev chain's tests run."""

import os
from functools import cache
from pathlib import Path

import pytest

COMMITTED = Path(__file__).parents[2] / "chain" / "devnet" / "ainur_runtime.compact.compressed.wasm"
VARIABLE = "AINUR_RUNTIME_WASM"


def runtime_path() -> Path:
    """Return the runtime's file: the one the variable names, else the committed one."""
    named = os.environ.get(VARIABLE)
    path = Path(named) if named else COMMITTED
    if not path.is_file():
        pytest.skip(f"no runtime at {path}; set {VARIABLE} to one")
    return path


@cache
def runtime_code() -> bytes:
    """Return the runtime's blob."""
    return runtime_path().read_bytes()
