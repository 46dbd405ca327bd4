"""Calling host functions as a runtime would: on a real machine's memory, with real spans."""

from chain.devchain.host import Host, host_functions
from chain.devchain.overlay import Overlay
from chain.devchain.state import EMPTY, State
from chain.devchain.wasm import Machine

IDLE = b"""(module (import "env" "memory" (memory 17))
  (global (export "__heap_base") i32 (i32.const 1048576))
  (data (i32.const 65536) "static")
  (func (export "idle") (param i32 i32) (result i64) (i64.const 0)))"""


class HostHarness:
    """A host with a machine that runs nothing, and storage."""

    def __init__(self, state: State = EMPTY) -> None:
        self.host = Host()
        self.functions = host_functions(self.host)
        self.machine = self.host.machine = Machine(IDLE, {}, None)
        self.overlay = self.host.overlay = Overlay(state)
        self.machine.call("idle", b"")

    def span(self, data: bytes) -> int:
        """Put bytes into memory; return their span."""
        return self.machine.give_span(data)

    def pointer(self, data: bytes) -> int:
        """Put bytes into memory; return their pointer."""
        return self.machine.give(data)

    def call(self, name: str, *arguments: int) -> int:
        """Call ``ext_<name>``; return its result, or 0 where it has none."""
        return int(self.functions[f"ext_{name}"](*arguments) or 0)

    def bytes_of(self, name: str, *arguments: int) -> bytes:
        """As :meth:`call`, for a result that is a span."""
        return self.machine.read(self.call(name, *arguments))

    def bytes_at(self, size: int, name: str, *arguments: int) -> bytes:
        """As :meth:`call`, for a result that is a pointer to ``size`` bytes."""
        return self.machine.read_at(self.call(name, *arguments), size)
