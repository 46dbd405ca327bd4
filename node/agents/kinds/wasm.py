"""WebAssembly under wasmtime: a WASI command that reads and writes JSON, with fuel and memory capped.

The module is compiled once and instantiated anew for each task, so that no task sees what another
left. It has no files, no network, no arguments and no environment; its clock and random numbers are those
of WASI.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import wasmtime

from node.agents.declaration import Task
from node.agents.errors import DeclarationError, LimitError, WorkError
from node.agents.kinds.handler import Handler, parse_json, too_large
from node.agents.specs import WasmAgent
from node.executor.limits import MAX_RESULT_BYTES

__all__ = ["open_agent"]

_STACK_BYTES: Final = 1024 * 1024
_INSTANCES: Final = 4


class _Output:
    """Collects what the guest writes, up to a cap."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.is_full = False

    def write(self, chunk: bytes) -> int:
        if len(self.written) + len(chunk) > MAX_RESULT_BYTES:
            self.is_full = True
            return -1  # an error of I/O for the guest
        self.written += chunk
        return len(chunk)


def _engine() -> wasmtime.Engine:
    config = wasmtime.Config()
    config.consume_fuel = True
    config.max_wasm_stack = _STACK_BYTES
    # Copy-on-write images need memfd, which the worker's filter refuses.
    config.memory_init_cow = False
    config.wasm_threads = False
    config.parallel_compilation = False
    return wasmtime.Engine(config)


@asynccontextmanager
async def open_agent(spec: WasmAgent) -> AsyncIterator[Handler]:
    """Compile the module, and instantiate it for each task."""
    engine = _engine()
    try:
        module = wasmtime.Module.from_file(engine, spec.file)
        linker = wasmtime.Linker(engine)
        linker.define_wasi()
        exported = {export.name for export in module.exports}
    except (OSError, wasmtime.WasmtimeError) as error:
        raise DeclarationError(
            f"{spec.file}: {str(error)[:500]}; is it allowed with --with?"
        ) from error
    if "_start" not in exported:
        raise DeclarationError(f"{spec.file} exports no _start: build it as a WASI command")

    async def perform(task: Task[Any]) -> Any:
        # In a thread, so that the worker still hears when it is told to stop.
        return await asyncio.to_thread(_run, spec, engine, module, linker, task.input)

    yield Handler(spec.offer, perform, stops_when_cancelled=False)


def _run(
    spec: WasmAgent,
    engine: wasmtime.Engine,
    module: wasmtime.Module,
    linker: wasmtime.Linker,
    given: Any,
) -> Any:
    output = _Output()
    with tempfile.TemporaryDirectory() as folder:
        stdin = Path(folder) / "stdin"
        stdin.write_bytes(msgspec.json.encode(given))
        store = wasmtime.Store(engine)
        store.set_fuel(spec.fuel)
        store.set_limits(
            memory_size=spec.memory, instances=_INSTANCES, memories=1, tables=_INSTANCES
        )
        wasi = wasmtime.WasiConfig()
        wasi.stdin_file = stdin
        wasi.stdout_custom = output.write
        store.set_wasi(wasi)
        try:
            instance = linker.instantiate(store, module)
            start = instance.exports(store)["_start"]
            if not isinstance(start, wasmtime.Func):
                raise DeclarationError(f"{spec.file}: _start is no function")
            start(store)
        except wasmtime.ExitTrap as end:
            if end.code != 0:
                raise WorkError(f"{spec.file} ended with exit code {end.code}") from end
        except wasmtime.Trap as trap:
            if trap.trap_code is wasmtime.TrapCode.OUT_OF_FUEL:
                raise LimitError("fuel", f"{spec.fuel} instructions were not enough") from trap
            raise WorkError(f"{spec.file} trapped: {trap.message.strip()[:500]}") from trap
        except wasmtime.WasmtimeError as error:
            raise LimitError("memory", f"{spec.file}: {str(error)[:500]}") from error
    if output.is_full:
        raise too_large(MAX_RESULT_BYTES)
    return parse_json(bytes(output.written), spec.file)
