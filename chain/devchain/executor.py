"""Running a runtime's API: one compiled runtime, one instance, storage as an overlay.

See :mod:`chain.devchain.wasm` for how, and :mod:`chain.devchain.host` for what a runtime may ask.
"""

import functools
from pathlib import Path

from chain.devchain.blob import RuntimeBlob, decompress, read_blob
from chain.devchain.errors import HostFunctionError, RuntimeTrapError, UsageError
from chain.devchain.host import Host, host_functions
from chain.devchain.overlay import Overlay
from chain.devchain.state import State
from chain.devchain.wasm import Machine, OutOfBoundsError, Trapped

__all__ = ["Executor"]

_COSTS_THE_CALL = (
    Trapped,
    OutOfBoundsError,
    HostFunctionError,
    # A host function was given bytes that are not what their type says, or storage keys nested
    # thousands deep: the runtime's fault, like a trap.
    ValueError,
    IndexError,
    RecursionError,
)


class Executor:
    """A runtime that can be called.

    Attributes:
        code: the blob as it stands in storage under ``:code``.
    """

    def __init__(self, code: bytes, cache: Path | None) -> None:
        """Compile a runtime or load it from the cache.

        Args:
            code: plain or compressed WebAssembly.
            cache: absolute folder of compiled modules; None compiles in memory.

        Raises:
            BlobError: it is not a runtime.
        """
        self.code = code
        self._host = Host()
        self._machine = Machine(decompress(code), host_functions(self._host), cache)
        self._host.machine = self._machine

    @functools.cached_property
    def version(self) -> RuntimeBlob:
        """What the runtime says of itself."""
        return read_blob(self.code)

    @property
    def state_version(self) -> int:
        """The version of the state trie, 0 or 1, that this runtime writes."""
        return min(self.version.system_version, 1)

    @property
    def extrinsics_version(self) -> int:
        """The version of the trie of a block's extrinsics: FRAME moved that one later."""
        return 1 if self.version.system_version > 1 else 0

    @property
    def exports(self) -> frozenset[str]:
        """Names of the runtime's API functions, such as ``Core_version``."""
        return self._machine.exports

    def call(self, method: str, data: bytes, overlay: Overlay) -> bytes:
        """Call an API function on storage; what it writes stays in the overlay.

        Raises:
            UsageError: the runtime has no such function.
            RuntimeTrapError: it trapped. The overlay is as it was before the call, unless the call
                closed transactions that it had not opened.
        """
        if method not in self._machine.exports:
            raise UsageError(f"this runtime has no function {method}; see Executor.exports")
        host = self._host
        host.overlay, host.panic = overlay, None
        depth = overlay.depth
        overlay.start()  # a call that traps leaves nothing behind
        try:
            result = self._machine.call(method, data)
        except _COSTS_THE_CALL as error:
            self._machine.drop()
            overlay.rollback_to(depth)
            raise RuntimeTrapError(method, host.panic, str(error)) from error
        except BaseException:
            self._machine.drop()
            overlay.rollback_to(depth)
            raise
        overlay.rollback_to(depth + 1)  # transactions that it forgot to close
        overlay.commit()
        return result

    def release(self) -> None:
        """Let the instance's memory go; the next call makes a new one."""
        self._machine.drop()

    def read(self, method: str, data: bytes, state: State) -> bytes:
        """Call an API function and drop what it writes."""
        return self.call(method, data, Overlay(state))
