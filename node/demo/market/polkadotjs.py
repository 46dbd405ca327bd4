"""What polkadot.js itself makes of an escrow, where Node and its packages are there; a clone's tests install them."""

import json
import shutil
import subprocess
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

import trio

import node

__all__ = ["decode", "find_packages"]

PATIENCE: Final = 60.0


def find_packages() -> Path | None:
    """Return the folder in which polkadot.js is installed; None where it is not, or there is no Node to run it."""
    folder = Path(node.__file__).parents[1] / "tests" / "polkadotjs"
    is_there = (folder / "node_modules" / "@polkadot" / "api").is_dir()
    return folder if is_there and shutil.which("node") is not None else None


async def decode(packages: Path, url: str, escrow: int) -> dict[str, Any] | str:
    """Return an escrow's record as polkadot.js shows it, or in a line why it does not."""
    with (
        trio.move_on_after(PATIENCE),
        as_file(files(__package__) / "files" / "decode.cjs") as script,
    ):
        done = await trio.run_process(
            [shutil.which("node") or "node", str(script), str(packages), url, str(escrow)],
            capture_stdout=True, capture_stderr=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode == 0:
            found: dict[str, Any] = json.loads(done.stdout)
            return found
        return done.stderr.decode(errors="replace").strip().splitlines()[-1][:200]
    return f"it does not answer within {PATIENCE:g} seconds"
