"""What every host function sees, and the table of all of them."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

from chain.devchain.overlay import Overlay, Removed
from chain.devchain.scale import decode_compact, encode_compact
from chain.devchain.wasm import HostFunction

if TYPE_CHECKING:
    from chain.devchain.wasm import Machine

__all__ = ["Host", "host_function", "host_functions", "unavailable"]

_Registered = Callable[..., int | None]
_TABLE: dict[str, _Registered] = {}


class Host:
    """The machine whose memory the arguments point into, and the storage of the call under way."""

    __slots__ = ("machine", "overlay", "panic")

    def __init__(self) -> None:
        self.machine: Machine
        """Set once, when the machine has been made with these functions."""
        self.overlay: Overlay
        """Set for each call."""
        self.panic: str | None = None
        """The last error that the runtime logged in this call: a panic says why there."""

    def read(self, span: int) -> bytes:
        """Return the bytes that the runtime passed."""
        return self.machine.read(span)

    def some(self, value: bytes | None) -> int:
        """Return an ``Option`` of bytes to the runtime; give back its span."""
        if value is None:
            return self.machine.give_span(b"\0")
        return self.machine.give_span(b"\1" + encode_compact(len(value)) + value)

    def optional_u32(self, span: int) -> int | None:
        """Decode an ``Option<u32>``."""
        data = self.read(span)
        return int.from_bytes(data[1:5], "little") if data[0] else None

    def optional_bytes(self, span: int) -> bytes | None:
        """Decode an ``Option<Vec<u8>>``."""
        data = self.read(span)
        if not data[0]:
            return None
        size, start = decode_compact(data, 1)
        return data[start : start + size]

    def give_removed(self, removed: Removed) -> int:
        """Return ``MultiRemovalResults`` to the runtime."""
        cursor = removed.cursor
        option = b"\0" if cursor is None else b"\1" + encode_compact(len(cursor)) + cursor
        counts = (removed.backend, removed.unique, removed.loops)
        return self.machine.give_span(option + b"".join(n.to_bytes(4, "little") for n in counts))

    def give_killed(self, removed: Removed) -> int:
        """Return ``KillStorageResult``, the older form of the same, to the runtime."""
        remaining = removed.cursor is not None
        return self.machine.give_span(bytes((remaining,)) + removed.loops.to_bytes(4, "little"))


def host_function(name: str, *versions: int) -> Callable[[_Registered], _Registered]:
    """Register a function as ``ext_<name>_version_<n>``, for each version that behaves alike."""

    def register(function: _Registered) -> _Registered:
        for version in versions or (1,):
            _TABLE[f"ext_{name}_version_{version}"] = function
        return function

    return register


def unavailable(interface: str, names: str, why: str) -> None:
    """Register functions of an interface that a dev chain does not offer."""
    from chain.devchain.errors import HostFunctionError

    for name in names.split():
        full, _, version = name.partition("@")

        def refuse(_host: Host, *_arguments: int, _name: str = f"{interface}_{full}") -> None:
            raise HostFunctionError(f"the runtime called {_name}: {why}")

        host_function(f"{interface}_{full}", int(version or 1))(refuse)


def host_functions(host: Host) -> dict[str, HostFunction]:
    """Return all functions, bound to a host."""
    return {name: functools.partial(function, host) for name, function in _TABLE.items()}
