"""The narrow, fast way into wasmtime: compiled modules kept on disk, host functions, one instance.

wasmtime's own Python wrapper converts every argument of every host call through several objects: about
9 µs a call, and an extrinsic makes a hundred of them. Its generated bindings also offer the *unchecked*
entry points, where arguments and result share one array of 16-byte slots; a callback then costs about
1.5 µs. They are private, hence the exact pin of wasmtime and this one module.

One instance serves many calls. Before each, the runtime's static data and the heap are put back as they
were at instantiation (a few microseconds, against milliseconds for a new instance), so that no call can
see what another one left: the node gives each call an instance of its own. After a trap an instance is
thrown away, because its stack pointer is wherever the trap left it.

A call that does not come back would hang the process, deaf even to Ctrl-C. So compiled code looks at a
counter of its engine (an "epoch") at every loop and call; a thread counts seconds, and a call that has used
up its time traps.

A host function is defined once, on the linker, never on a store: a function bound to a store keeps the
store alive. What is running now is told to it by a variable of the :class:`Machine`.
"""

import ctypes
import hashlib
import importlib.metadata
import os
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

import wasmtime
from wasmtime import _ffi as ffi

from chain.devchain.allocator import HEADER, HOST, WAT
from chain.devchain.errors import BlobError, DevChainError

__all__ = ["Machine", "OutOfBoundsError", "Trapped"]

MEMORY_LIMIT = 512 * 1024 * 1024
"""Bytes of linear memory that a runtime may grow to."""
CALL_SECONDS = 60
"""How long one call may take before it traps."""
_HOST_CHUNK = 64 * 1024
_HOST_LARGE = 4 * 1024
"""Results of at least so many bytes get a block of their own, which the runtime can free."""
_SLOT = 2
"""A slot is 16 bytes: two steps of an array of 64-bit integers."""
_PAGE = 65536
_VERSION = importlib.metadata.version("wasmtime")
_CACHE_FORMAT = "2"
"""Change it whenever the configuration of the engine changes."""

HostFunction = Callable[..., int | None]
"""Takes its arguments as unsigned integers; returns one if its WebAssembly type has a result."""

_Callback = ctypes.CFUNCTYPE(
    ctypes.c_size_t,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.POINTER(ctypes.c_uint64),
    ctypes.c_size_t,
)
_NO_FINALIZER = ctypes.cast(0, ctypes.CFUNCTYPE(None, ctypes.c_void_p))


class Trapped(DevChainError):  # noqa: N818  (never leaves the package: the executor names the call)
    """WebAssembly trapped; the instance is gone."""


class OutOfBoundsError(DevChainError):
    """The runtime pointed outside its memory."""


class Machine:
    """A runtime's compiled module and the one live instance of it."""

    def __init__(
        self, wasm: bytes, functions: Mapping[str, HostFunction], cache: Path | None
    ) -> None:
        """Compile a runtime, or load what an earlier process compiled.

        Args:
            wasm: the WebAssembly, not compressed.
            functions: every host function by its import's name. An import that is not among them
                becomes a function that traps when it is called.
            cache: absolute folder of compiled modules; None compiles in memory.

        Raises:
            BlobError: it is no valid WebAssembly, or does not import its memory.
        """
        config = wasmtime.Config()
        config.cranelift_opt_level = "speed"
        config.memory_may_move = False  # so that one view of the memory stays true as it grows
        config.epoch_interruption = True
        self._engine = wasmtime.Engine(config)
        _Seconds.count_for(self._engine)
        try:
            self._module = _compile(self._engine, wasm, cache)
        except wasmtime.WasmtimeError as error:
            raise BlobError(f"the runtime is not valid WebAssembly: {error}") from error
        imports = {i.name or "": i.type for i in self._module.imports if i.module == "env"}
        memory = imports.get("memory")
        if not isinstance(memory, wasmtime.MemoryType):
            raise BlobError("the runtime does not import its memory; link it with --import-memory")
        self._pages = memory.limits.min
        self._allocator = wasmtime.Module(self._engine, WAT)
        self._linker = wasmtime.Linker(self._engine)
        self._linker.allow_shadowing = True
        self._callbacks: list[object] = []  # ctypes does not keep them alive for us
        self._pending: BaseException | None = None
        for name, kind in imports.items():
            if isinstance(kind, wasmtime.FuncType) and not name.startswith("ext_allocator_"):
                self._define(name, kind, functions.get(name) or _missing(name))
        self.exports: frozenset[str] = frozenset(
            e.name for e in self._module.exports if isinstance(e.type, wasmtime.FuncType)
        )
        self._store: wasmtime.Store | None = None
        self._functions: dict[str, ffi.wasmtime_func_t] = {}
        self._slots = (ffi.wasmtime_val_raw_t * 2)()
        self._trap = ctypes.POINTER(ffi.wasm_trap_t)()
        self._fresh = False

    # -- linking and instantiation ------------------------------------------------------------

    def _define(self, name: str, kind: wasmtime.FuncType, function: HostFunction) -> None:
        wide = [str(p) == "i64" for p in kind.params]
        masks = tuple((1 << 64) - 1 if w else (1 << 32) - 1 for w in wide)
        callback = _Callback(_adapter(self, function, masks, bool(kind.results)))
        self._callbacks.append(callback)
        encoded = name.encode()
        error = ffi.wasmtime_linker_define_func_unchecked(
            self._linker.ptr(),
            ctypes.create_string_buffer(b"env"),
            3,
            ctypes.create_string_buffer(encoded),
            len(encoded),
            kind.ptr(),
            ctypes.cast(callback, ffi.wasmtime_func_unchecked_callback_t),
            None,
            _NO_FINALIZER,
        )
        if bool(error):
            raise wasmtime.WasmtimeError._from_ptr(error)  # noqa: SLF001  (see the theory of operation)

    def _instantiate(self) -> None:
        store = wasmtime.Store(self._engine)
        store.set_limits(memory_size=MEMORY_LIMIT)
        store.set_epoch_deadline(CALL_SECONDS)
        memory = wasmtime.Memory(
            store, wasmtime.MemoryType(wasmtime.Limits(self._pages + 16, None))
        )
        heap = wasmtime.Instance(store, self._allocator, [memory]).exports(store)
        for name, item in (
            ("memory", memory),
            ("ext_allocator_malloc_version_1", heap["malloc"]),
            ("ext_allocator_free_version_1", heap["free"]),
        ):
            self._linker.define(store, "env", name, item)
        runtime = self._linker.instantiate(store, self._module).exports(store)
        base = runtime["__heap_base"]
        if not isinstance(base, wasmtime.Global):
            raise BlobError("the runtime does not export __heap_base")
        self._heap_base = (int(base.value(store)) + 7) & ~7
        self._memory = memory
        self._store = store
        self._context = store._context()  # noqa: SLF001
        self._functions = {
            name: function._func  # noqa: SLF001
            for exports, names in ((heap, ("malloc", "reset")), (runtime, self.exports))
            for name in names
            if isinstance(function := exports[name], wasmtime.Func)
        }
        self._look_again()
        image = bytes(self._view[: self._heap_base])
        # The stack comes first and starts as zeros, which no call relies on.
        self._static_start = len(image) - len(image.lstrip(b"\0"))
        self._static = image[self._static_start :]

    def _look_again(self) -> None:
        """Take a view of the memory as large as it is now."""
        if self._store is None:
            raise Trapped("no instance is running")
        size = self._memory.data_len(self._store)
        address = ctypes.addressof(self._memory.data_ptr(self._store).contents)
        self._view = memoryview((ctypes.c_ubyte * size).from_address(address)).cast("B")

    def drop(self) -> None:
        """Throw the instance away; the next call makes a new one."""
        self._store = None
        self._functions = {}
        self._view = memoryview(b"")

    # -- calls --------------------------------------------------------------------------------

    def call(self, name: str, data: bytes) -> bytes:
        """Call an exported function as the node calls a runtime API: bytes in, bytes out.

        Raises:
            Trapped: it trapped.
            Whatever a host function raised.
        """
        if self._store is None:
            self._instantiate()
        else:
            self._view[self._static_start : self._heap_base] = self._static
        ffi.wasmtime_context_set_epoch_deadline(self._context, CALL_SECONDS)
        self._invoke("reset", self._heap_base + _HOST_CHUNK)
        self._chunk, self._chunk_end = self._heap_base, self._heap_base + _HOST_CHUNK
        pointer = self.give(data)
        self._invoke(name, pointer, len(data))
        return self.read(self._slots[0].i64 & 0xFFFFFFFFFFFFFFFF)

    def _invoke(self, name: str, *arguments: int) -> None:
        """Call a function whose arguments are 32 bits wide; the result stays in the first slot."""
        # A host function may allocate, which calls in here a second time: if that traps and drops the
        # instance, the store must outlive the call that is still under way.
        _alive = self._store
        slots = self._slots
        for i, argument in enumerate(arguments):
            slots[i].i32 = argument
        trap = ctypes.POINTER(ffi.wasm_trap_t)()
        error = ffi.wasmtime_func_call_unchecked(
            self._context, ctypes.byref(self._functions[name]), slots, 2, ctypes.byref(trap)
        )
        failed, trapped = bool(error), bool(trap)  # a pointer that is not null
        if not failed and not trapped:
            return
        self.drop()
        said = (
            wasmtime.WasmtimeError._from_ptr(error)  # noqa: SLF001
            if failed
            else wasmtime.Trap._from_ptr(trap)  # noqa: SLF001
        )
        pending, self._pending = self._pending, None
        if pending is not None:
            raise pending
        lines = [line for line in str(said).splitlines() if line.strip()]
        raise Trapped(lines[-1].strip() if lines else "trap") from None

    # -- memory -------------------------------------------------------------------------------

    def read(self, span: int) -> bytes:
        """Return the bytes of a span: pointer in the low 32 bits, length in the high ones."""
        # Written out rather than handed to `read_at`: this is called 330 times an extrinsic.
        pointer, size = span & 0xFFFFFFFF, span >> 32
        data = bytes(self._view[pointer : pointer + size])
        return data if len(data) == size else self.read_at(pointer, size)

    def read_at(self, pointer: int, size: int) -> bytes:
        """Return ``size`` bytes at a pointer."""
        data = bytes(self._view[pointer : pointer + size])
        if len(data) != size:
            self._look_again()
            data = bytes(self._view[pointer : pointer + size])
            if len(data) != size:
                raise OutOfBoundsError(f"the runtime read {size} bytes at {pointer:#x}")
        return data

    def write_at(self, pointer: int, data: bytes) -> None:
        """Put bytes at a pointer that the runtime gave."""
        end = pointer + len(data)
        if end > len(self._view):
            self._look_again()
            if end > len(self._view):
                raise OutOfBoundsError(f"the runtime wrote {len(data)} bytes at {pointer:#x}")
        self._view[pointer:end] = data

    def give(self, data: bytes) -> int:
        """Put bytes on the runtime's heap, for it to own; return the pointer."""
        size = len(data)
        if size >= _HOST_LARGE:
            pointer = self._malloc(size)
        else:
            pointer = self._chunk + HEADER
            self._chunk = (pointer + size + 7) & ~7
            if self._chunk > self._chunk_end:
                pointer = self._malloc(_HOST_CHUNK) + HEADER
                self._chunk = (pointer + size + 7) & ~7
                self._chunk_end = pointer - HEADER + _HOST_CHUNK
            self._view[pointer - HEADER : pointer] = _HOST_HEADER
        self._view[pointer : pointer + size] = data
        return pointer

    def give_span(self, data: bytes) -> int:
        """As :meth:`give`, with the length in the high 32 bits."""
        return self.give(data) | len(data) << 32

    def _malloc(self, size: int) -> int:
        slots = self._slots[0].i64, self._slots[1].i64
        self._invoke("malloc", size)
        pointer: int = self._slots[0].i32 & 0xFFFFFFFF
        self._slots[0].i64, self._slots[1].i64 = slots
        if pointer + size > len(self._view):
            self._look_again()
        return pointer


class _Seconds:
    """The thread that counts seconds for every engine that is still in use."""

    _engines: ClassVar[tuple[weakref.ref[wasmtime.Engine], ...]] = ()  # replaced, never changed
    _thread: ClassVar[threading.Thread | None] = None

    @classmethod
    def count_for(cls, engine: wasmtime.Engine) -> None:
        """Count for an engine, too."""
        cls._engines = (*(r for r in cls._engines if r() is not None), weakref.ref(engine))
        if cls._thread is None or not cls._thread.is_alive():  # a forked process has no threads
            cls._thread = threading.Thread(target=cls._count, name="devchain-seconds", daemon=True)
            cls._thread.start()

    @classmethod
    def _count(cls) -> None:
        while True:
            time.sleep(1)
            for reference in cls._engines:
                engine = reference()
                if engine is not None:
                    engine.increment_epoch()
                del engine  # else this frame would keep it for the next second


_HOST_HEADER = HOST.to_bytes(8, "little")


def _missing(name: str) -> HostFunction:
    def trap(*_arguments: int) -> None:
        raise DevChainError(f"the runtime called {name}, which this host does not know")

    return trap


def _adapter(
    machine: Machine, function: HostFunction, masks: tuple[int, ...], has_result: bool
) -> Callable[..., int]:
    """Wrap a host function as a callback: slots to integers and back, an exception to a trap.

    The three commonest shapes are written out; a loop over masks would cost as much as the rest.
    """

    def fail(error: BaseException) -> int:
        machine._pending = error  # noqa: SLF001  (the adapter is a part of the machine)
        message = b"host function"
        trap = ffi.wasmtime_trap_new(ctypes.create_string_buffer(message), len(message))
        return ctypes.cast(trap, ctypes.c_void_p).value or 0

    def one_to_one(
        _env: int, _caller: int, slots: "ctypes._Pointer[ctypes.c_uint64]", _n: int
    ) -> int:
        try:
            slots[0] = function(slots[0])
        except BaseException as error:  # noqa: BLE001  (handed on by Machine._invoke)
            return fail(error)
        return 0

    def two_to_none(
        _env: int, _caller: int, slots: "ctypes._Pointer[ctypes.c_uint64]", _n: int
    ) -> int:
        try:
            function(slots[0], slots[2])
        except BaseException as error:  # noqa: BLE001
            return fail(error)
        return 0

    def any_shape(
        _env: int, _caller: int, slots: "ctypes._Pointer[ctypes.c_uint64]", _n: int
    ) -> int:
        try:
            result = function(*[int(slots[_SLOT * i]) & mask for i, mask in enumerate(masks)])
            if has_result:
                slots[0] = result
        except BaseException as error:  # noqa: BLE001
            return fail(error)
        return 0

    full = (1 << 64) - 1
    if masks == (full,) and has_result:
        return one_to_one
    if masks == (full, full) and not has_result:
        return two_to_none
    return any_shape


def _compile(engine: wasmtime.Engine, wasm: bytes, cache: Path | None) -> wasmtime.Module:
    if cache is None:
        return wasmtime.Module(engine, wasm)
    code = hashlib.blake2b(wasm, digest_size=16).hexdigest()
    path = cache / f"{code}-{_VERSION}-{_CACHE_FORMAT}.cwasm"
    if path.is_file():
        try:
            return wasmtime.Module.deserialize_file(engine, str(path))
        except wasmtime.WasmtimeError:
            path.unlink(missing_ok=True)  # damaged, or of another machine: compile again
    module = wasmtime.Module(engine, wasm)
    try:
        # What is loaded from here is executed: nobody else may write to the folder.
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=cache, delete=False) as file:
            file.write(module.serialize())
    except OSError:
        return module  # a home that cannot be written to costs the next start some time, no more
    os.replace(file.name, path)  # noqa: PTH105  (atomic: two processes may compile at once)
    return module
