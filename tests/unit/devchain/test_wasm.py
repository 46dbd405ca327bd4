from pathlib import Path

import pytest

from chain.devchain.errors import BlobError, DevChainError
from chain.devchain.wasm import Machine, OutOfBoundsError, Trapped

MODULE = b"""(module
  (import "env" "memory" (memory 17))
  (import "env" "ext_allocator_malloc_version_1" (func $malloc (param i32) (result i32)))
  (import "env" "ext_allocator_free_version_1" (func $free (param i32)))
  (import "env" "note" (func $note (param i32)))
  (import "env" "wide" (func $wide (param i64 i32 i64) (result i64)))
  (import "env" "unheard_of" (func $unheard (param i32)))
  (global (export "__heap_base") i32 (i32.const 1048576))
  (data (i32.const 65536) "\\07\\00\\00\\00")
  (func $span (param i32 i32) (result i64)
    (i64.or (i64.extend_i32_u (local.get 0))
            (i64.shl (i64.extend_i32_u (local.get 1)) (i64.const 32))))
  (func (export "echo") (param i32 i32) (result i64) (call $span (local.get 0) (local.get 1)))
  ;; adds one to a static and returns it
  (func (export "count") (param i32 i32) (result i64)
    (i32.store (i32.const 65536) (i32.add (i32.load (i32.const 65536)) (i32.const 1)))
    (call $span (i32.const 65536) (i32.const 4)))
  (func (export "trap") (param i32 i32) (result i64) unreachable)
  (func (export "outside") (param i32 i32) (result i64) (call $span (i32.const -16) (i32.const 64)))
  (func (export "missing") (param i32 i32) (result i64) (call $unheard (i32.const 1)) (i64.const 0))
  (func (export "wide") (param i32 i32) (result i64)
    (call $wide (i64.const -1) (i32.const -2) (i64.const 3)))
  ;; allocates 24 bytes, marks the alignment's place, frees, and allocates again
  (func (export "reuse") (param i32 i32) (result i64) (local $a i32)
    (local.set $a (call $malloc (i32.const 24)))
    (call $note (local.get $a))
    (i32.store16 (i32.sub (local.get $a) (i32.const 2)) (i32.const 5))
    (call $free (local.get $a))
    (local.set $a (call $malloc (i32.const 20)))
    (call $note (local.get $a))
    (call $note (i32.load16_u (i32.sub (local.get $a) (i32.const 2))))
    (call $note (call $malloc (i32.const 24)))
    (i64.const 0))
  ;; frees what the host gave, which must do nothing, and shows its header's last two bytes
  (func (export "free_input") (param i32 i32) (result i64)
    (call $note (i32.load16_u (i32.sub (local.get 0) (i32.const 2))))
    (call $free (local.get 0))
    (call $note (call $malloc (local.get 1)))
    (call $span (local.get 0) (local.get 1)))
  (func (export "grab") (param i32 i32) (result i64) (local $a i32)
    (loop (local.set $a (call $malloc (i32.const 33554432)))
      (i32.store (local.get $a) (i32.const 1)) (br 0))
    (i64.const 0))
  (func (export "forever") (param i32 i32) (result i64) (loop (br 0)) (i64.const 0))
  (func (export "too_much") (param i32 i32) (result i64)
    (call $span (call $malloc (i32.const 33554433)) (i32.const 1))))"""


@pytest.fixture
def notes() -> list[int]:
    return []


@pytest.fixture
def machine(notes: list[int]) -> Machine:
    def wide(*arguments: int) -> int:
        notes.extend(arguments)
        return 0

    return Machine(MODULE, {"note": notes.append, "wide": wide}, None)


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 65536, 3_000_000])
def test_bytes_of_any_size_come_back_as_they_were(machine: Machine, size: int) -> None:
    data = bytes(i % 251 for i in range(size))
    assert machine.call("echo", data) == data


def test_no_call_sees_what_another_left_in_static_memory(machine: Machine) -> None:
    assert [machine.call("count", b"")[0] for _ in range(3)] == [8, 8, 8]


def test_after_a_trap_the_next_call_gets_a_new_instance(machine: Machine) -> None:
    with pytest.raises(Trapped, match="unreachable"):
        machine.call("trap", b"")
    assert machine.call("echo", b"alive") == b"alive"


def test_a_result_outside_of_memory_is_an_error_and_not_a_crash(machine: Machine) -> None:
    with pytest.raises(OutOfBoundsError):
        machine.call("outside", b"")


def test_calling_an_unknown_import_names_it(machine: Machine) -> None:
    with pytest.raises(DevChainError, match="unheard_of"):
        machine.call("missing", b"")
    assert machine.call("echo", b"alive") == b"alive"


def test_arguments_arrive_as_unsigned_integers_of_their_width(
    machine: Machine, notes: list[int]
) -> None:
    assert machine.call("wide", b"") == b""
    assert notes == [2**64 - 1, 2**32 - 2, 3]


def test_a_freed_block_is_used_again_with_a_clean_header(
    machine: Machine, notes: list[int]
) -> None:
    machine.call("reuse", b"")
    first, second, alignment, third = notes
    assert first == second
    assert first % 8 == 0
    assert alignment == 0
    assert third >= first + 32 + 8


def test_the_runtime_may_free_what_the_host_gave(machine: Machine, notes: list[int]) -> None:
    for data in (b"small", bytes(5000)):
        assert machine.call("free_input", data) == data
    assert notes[0] == notes[2] == 0


def test_memory_is_bounded_and_running_out_is_a_trap(machine: Machine) -> None:
    with pytest.raises(Trapped):
        machine.call("grab", b"")
    with pytest.raises(Trapped):
        machine.call("too_much", b"")


def test_an_allocation_that_fails_inside_a_host_function_is_a_trap_like_any_other() -> None:
    def greedy(*_: int) -> int:
        return greedily.give_span(bytes(33 * 1024 * 1024))

    greedily = Machine(MODULE, {"wide": greedy}, None)
    for _ in range(3):
        with pytest.raises(Trapped):
            greedily.call("wide", b"")
    assert greedily.call("echo", b"alive") == b"alive"


def test_a_call_that_never_ends_traps_when_its_time_is_up(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chain.devchain.wasm.CALL_SECONDS", 1)
    with pytest.raises(Trapped, match="interrupt"):
        machine.call("forever", b"")
    assert machine.call("echo", b"alive") == b"alive"


def test_an_interrupt_inside_a_host_function_is_handed_on() -> None:
    def interrupt(*_: int) -> int:
        raise KeyboardInterrupt

    machine = Machine(MODULE, {"note": interrupt, "wide": interrupt}, None)
    with pytest.raises(KeyboardInterrupt):
        machine.call("wide", b"")


def test_a_compiled_runtime_is_loaded_from_the_cache_and_a_damaged_one_made_anew(
    tmp_path: Path,
) -> None:
    cache = tmp_path / "cache"
    wasm = wat(MODULE)
    Machine(wasm, {}, cache)
    (file,) = cache.iterdir()
    compiled = file.read_bytes()
    file.write_bytes(b"damaged")
    assert Machine(wasm, {}, cache).call("echo", b"x") == b"x"
    assert file.read_bytes()[:4] == compiled[:4]


@pytest.mark.parametrize(
    ("module", "why"),
    [(b"\0asm\1\0\0\0\xff", "not valid"), (b"(module)", "import its memory")],
)
def test_what_is_no_runtime_is_refused(module: bytes, why: str) -> None:
    with pytest.raises(BlobError, match=why):
        Machine(module, {}, None)


def wat(text: bytes) -> bytes:
    import wasmtime

    return bytes(wasmtime.wat2wasm(text))
