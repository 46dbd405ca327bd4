"""Vectors that the native implementation wrote, where they are there."""

import json
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parents[1] / "vectors"


def load_vectors(folder: str) -> list[tuple[str, Any]]:
    """Return name and contents of every JSON file in a folder of ``tests/vectors``; none if absent."""
    return [(f.stem, json.loads(f.read_text())) for f in sorted((VECTORS / folder).glob("*.json"))]
