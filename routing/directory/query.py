"""What can be asked of the directory, and what comes back."""

import re
from typing import Final

import attrs

from market.messages import Capability
from market.units import Planck
from routing.directory.entry import Entry
from routing.errors import UsageError

__all__ = [
    "LEAST_SIMILARITY",
    "MAX_RESULTS",
    "ByName",
    "ByPrefix",
    "ByText",
    "Filter",
    "Match",
    "Query",
]

MAX_RESULTS: Final = 1_000
LEAST_SIMILARITY: Final = 0.15
"""Of unrelated texts, one in a hundred reaches it with the built-in embedder."""
_WORD: Final = r"[a-z][a-z0-9_-]{0,31}"
_NAME: Final = re.compile(rf"{_WORD}(\.{_WORD}){{0,3}}")


@attrs.frozen
class Filter:
    """What an agent must satisfy besides; each is a gate that :func:`why_not_found` can name."""

    version: int | None = None
    """The capability's version, exactly."""
    max_price: Planck | None = None
    """The typical price; one that is not said passes."""
    free_slot: bool = False
    """It could start a task now."""

    def refusal(self, capability: Capability) -> str | None:
        """Return which gate shuts a capability out, or None."""
        if self.version is not None and capability.version != self.version:
            return f"version {capability.version}, not {self.version}"
        if self.max_price is not None and capability.typical_price > self.max_price:
            return f"its typical price is {capability.typical_price} planck, above {self.max_price}"
        if self.free_slot and capability.free_slots == 0:
            return "it has no free slot"
        return None


def _name(_instance: object, _attribute: object, value: str) -> None:
    if not _NAME.fullmatch(value):
        raise UsageError(
            f"{value!r} is no capability: one to four words of small letters, digits, _ and -, with dots"
            " between, such as text.summarize"
        )


def _limit(_instance: object, _attribute: object, value: int) -> None:
    if not 1 <= value <= MAX_RESULTS:
        raise UsageError(f"a query returns 1 to {MAX_RESULTS} matches, not {value}")


def _text(_instance: object, _attribute: object, value: str) -> None:
    if not value.strip():
        raise UsageError("the text is empty: say what you look for")
    if len(value) > 1_024:
        raise UsageError(f"the text has {len(value)} characters; at most 1024 are looked at")


@attrs.frozen
class ByName:
    """Agents with this very capability."""

    name: str = attrs.field(validator=_name)
    filter: Filter = Filter()
    limit: int = attrs.field(default=20, validator=_limit)


@attrs.frozen
class ByPrefix:
    """Agents with a capability of this name or below it: ``text`` finds ``text.summarize``."""

    prefix: str = attrs.field(validator=_name)
    filter: Filter = Filter()
    limit: int = attrs.field(default=20, validator=_limit)


@attrs.frozen
class ByText:
    """Agents whose capability means something like this."""

    text: str = attrs.field(validator=_text)
    filter: Filter = Filter()
    limit: int = attrs.field(default=20, validator=_limit)
    least: float = LEAST_SIMILARITY
    """The least cosine between the texts."""


Query = ByName | ByPrefix | ByText


@attrs.frozen
class Match:
    """An agent that could do it, and by which capability."""

    entry: Entry
    capability: Capability
    similarity: float | None = None
    """To the text that was asked for."""
