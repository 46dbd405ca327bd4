"""The index by meaning: each capability's own words, embedded by us.

What is embedded is the signed text. A vector that a peer declares could lie anywhere near any query, so none
travels.
"""

from collections.abc import Iterator

import attrs

from market.identity import AccountId
from market.messages import Capability
from routing.directory.entry import Entry
from routing.semantic.embedding import Embedder
from routing.semantic.nearest import Nearest

__all__ = ["Texts"]


@attrs.define
class _Row:
    account: AccountId
    name: str
    description: str


class Texts:
    """All capabilities' texts."""

    def __init__(self, embedder: Embedder, nearest: Nearest | None = None) -> None:
        self._embedder = embedder
        self._nearest = Nearest(embedder.dimensions) if nearest is None else nearest
        self._rows: dict[int, _Row] = {}
        self._handles: dict[tuple[AccountId, str], int] = {}

    @property
    def is_exact(self) -> bool:
        """Whether searches compare all texts, now."""
        return self._nearest.is_exact

    def replace(self, old: Entry | None, new: Entry | None) -> None:
        """Take one announcement of an agent out and put its next in; texts that stay are not embedded anew."""
        gone = {} if old is None else {each.name: each for each in old.capabilities}
        if new is not None:
            for capability in new.capabilities:
                before = gone.pop(capability.name, None)
                if before is None or before.description != capability.description:
                    if before is not None:
                        self._remove(new.account, capability.name)
                    self._add(new, capability)
                elif old is not None and old.weight != new.weight:
                    self._nearest.reweigh(self._handles[new.account, capability.name], new.weight)
        if old is not None:
            for name in gone:
                self._remove(old.account, name)
        self._nearest.tend()

    def similarity(self, text: str, account: AccountId, name: str) -> float:
        """Return how near a text is to an agent's capability that is in here."""
        description = self._rows[self._handles[account, name]].description
        return float(self._embedder.embed(text) @ self._embedder.embed(_words(name, description)))

    def search(self, text: str, count: int, least: float) -> Iterator[tuple[AccountId, str, float]]:
        """Yield account, capability and similarity of the best matches, best first."""
        vector = self._embedder.embed(text)
        if not vector.any():
            return
        for found in self._nearest.search(vector, count, least):
            row = self._rows[found.handle]
            yield row.account, row.name, found.similarity

    def _add(self, entry: Entry, capability: Capability) -> None:
        vector = self._embedder.embed(_words(capability.name, capability.description))
        handle = self._nearest.add(vector, entry.weight, entry.tie)
        self._rows[handle] = _Row(entry.account, capability.name, capability.description)
        self._handles[entry.account, capability.name] = handle

    def _remove(self, account: AccountId, name: str) -> None:
        handle = self._handles.pop((account, name))
        del self._rows[handle]
        self._nearest.remove(handle)


def _words(name: str, description: str) -> str:
    words = name.replace(".", " ").replace("_", " ").replace("-", " ")
    return f"{words} {words} {description}"  # the name twice: it is what the agent is asked by
