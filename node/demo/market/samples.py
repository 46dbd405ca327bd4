"""What the demo wants done: real files, which come with the program."""

import base64
from importlib.metadata import metadata
from importlib.resources import files
from typing import Any

import attrs

from market.units import AINU, Planck

__all__ = ["Sample", "first", "others"]

BUDGET = Planck(2 * AINU)
DEADLINE_MS = 30_000
SQL = (
    "SELECT port, count(*) AS calls, sum(tons) AS tons, round(avg(hours), 1) AS hours"
    " FROM data GROUP BY port ORDER BY tons DESC"
)


@attrs.frozen
class Sample:
    """A piece of work."""

    capability: str
    what: str
    """The file, for people."""
    given: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return it as a node takes it in."""
        return {
            "capability": self.capability,
            "input": self.given,
            "budget": f"{BUDGET} planck",
            "deadline_ms": DEADLINE_MS,
        }


def _file(name: str) -> bytes:
    return (files(__package__) / "files" / name).read_bytes()


def _readme() -> str:
    """Return this program's README as the installed distribution carries it."""
    return str(metadata("ainur").json["description"]).strip()


def first() -> Sample:
    """Return what is bought by itself."""
    return Sample("text.summarize", "this program's README", {"text": _readme(), "sentences": 3})


def others() -> tuple[Sample, ...]:
    """Return what is bought together."""
    picture = base64.b64encode(_file("harbour.jpg")).decode()
    return (
        Sample("text.language", "the same README", {"text": _readme()}),
        Sample("table.query", "calls.csv", {"csv": _file("calls.csv").decode(), "sql": SQL}),
        Sample("image.thumbnail", "harbour.jpg", {"image": picture, "width": 160, "height": 100}),
        Sample("code.format", "untidy.py", {"code": _file("untidy.py.txt").decode()}),
    )
