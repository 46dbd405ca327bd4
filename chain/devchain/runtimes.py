"""The runtimes of a chain: compiled when first used, chosen by the code that stands in storage.

An upgrade writes ``:code``; whoever looks at a later state then gets the new runtime, and whoever looks at
an earlier one the old.
"""

import functools
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from chain.devchain.errors import DevChainError
from chain.devchain.executor import Executor
from chain.devchain.genesis import CODE_KEY
from chain.devchain.metadata import Metadata
from chain.devchain.state import State

__all__ = ["Runtimes", "default_cache"]

_KEPT = 4
"""Runtimes that are kept ready; a further one takes the place of the one that came first."""

_decode = functools.lru_cache(maxsize=_KEPT)(Metadata)
"""Decoding takes a third of a second, and depends on nothing but the bytes."""


def default_cache() -> Path:
    """Return the user's folder for compiled runtimes."""
    is_linux = sys.platform == "linux"
    if is_linux:
        # What the library says there; to import it takes as long as to make a genesis.
        named = os.environ.get("XDG_CACHE_HOME", "").strip()
        base = Path(named) if named else Path.home() / ".cache"
        return (base / "devchain").absolute() / "wasm"
    from platformdirs import user_cache_path

    return user_cache_path("devchain", appauthor=False).absolute() / "wasm"


class Runtimes:
    """Executors and decoded metadata by code."""

    def __init__(self, cache: Path, known: Mapping[bytes, Executor] | None = None) -> None:
        self.cache = cache
        self._executors = dict(known or {})
        self._borrowed = known is not None
        self._metadata: dict[bytes, Metadata] = {}

    def shared(self) -> "Runtimes":
        """Return another one that starts with the same executors."""
        other = Runtimes(self.cache, self._executors)
        other._metadata.update(self._metadata)
        return other

    def of_code(self, code: bytes) -> Executor:
        """Return the executor of a runtime's blob.

        Raises:
            BlobError: it is not a runtime.
        """
        executor = self._executors.get(code)
        if executor is None:
            executor = Executor(code, self.cache)
            if len(self._executors) >= _KEPT:
                oldest = next(iter(self._executors))
                del self._executors[oldest]
                self._metadata.pop(oldest, None)
            self._executors[code] = executor
        return executor

    def of_state(self, state: State) -> Executor:
        """Return the executor of the runtime in storage."""
        code = state.get(CODE_KEY)
        if code is None:
            raise DevChainError("storage holds no runtime under :code; restore a snapshot")
        return self.of_code(code)

    def metadata(self, state: State) -> Metadata:
        """Return the decoded metadata of the runtime in storage."""
        executor = self.of_state(state)
        metadata = self._metadata.get(executor.code)
        if metadata is None:
            metadata = _decode(executor.read("Metadata_metadata", b"", state))
            self._metadata[executor.code] = metadata
        return metadata

    def clear(self) -> None:
        """Let all go, and the memory of the instances that are this one's own."""
        if not self._borrowed:
            for executor in self._executors.values():
                executor.release()
        self._executors.clear()
        self._metadata.clear()
