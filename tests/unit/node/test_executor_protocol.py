"""What a worker's words are decoded into, and the filter of system calls, instruction by instruction."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.agents.builtin import builtin_agents
from node.executor import protocol, seccomp
from node.executor.protocol import HEADER_BYTES

X86, ARM, I386 = 0xC000003E, 0xC00000B7, 0x40000003
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
EPERM, ENOSYS, EAFNOSUPPORT = 1, 38, 97
NEWUSER = 0x10000000


@given(st.binary(max_size=200))
def test_no_bytes_from_a_worker_raise_anything_else(body: bytes) -> None:
    try:
        message = protocol.decode_up_untrusted(body)
    except ValueError:
        return
    assert isinstance(message, protocol.Up)


@given(st.lists(st.sampled_from([b"\x91", b"\x81", b"\xa0", b"\xc4\xff", b"\xdf\xff\xff\xff\xff"]), max_size=2_000))  # fmt: skip
def test_no_nesting_or_promise_of_length_raises_anything_else(parts: list[bytes]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (the class is what is asserted)
        protocol.decode_up_untrusted(b"".join(parts))


@pytest.mark.parametrize(
    "message",
    [
        protocol.Described(specs=builtin_agents()[:2]),
        protocol.Opened(offer=builtin_agents()[0].offer),
        protocol.Progress(done=0.5, note="half"),
        protocol.Done(output=b"{}"),
        protocol.Failed(kind="limit", message="m", limit="memory"),
        protocol.Pong(),
    ],
)
def test_a_message_is_decoded_as_it_was_encoded(message: protocol.Up) -> None:
    frame = protocol.encode(message)
    assert protocol.frame_length(frame[:HEADER_BYTES]) == len(frame) - HEADER_BYTES
    assert protocol.decode_up_untrusted(frame[HEADER_BYTES:]) == message


@pytest.mark.parametrize("done", [-0.1, 1.1, float("nan"), float("inf")])
def test_progress_outside_of_its_range_is_refused(done: float) -> None:
    frame = protocol.encode(protocol.Progress(done=done))
    with pytest.raises(ValueError, match="done"):
        protocol.decode_up_untrusted(frame[HEADER_BYTES:])


# --- the filter


def verdict(program: bytes, arch: int, number: int, first: int = 0) -> int:
    """Run a filter as the kernel does, and return what it decides."""
    words = {0: number, 4: arch, 16: first}
    steps = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    at, accumulator = 0, 0
    while True:
        code, then, otherwise, value = steps[at]
        at += 1
        match code:
            case 0x20:
                accumulator = words[value]
            case 0x06:
                return int(value)
            case 0x15:
                at += then if accumulator == value else otherwise
            case 0x35:
                at += then if accumulator >= value else otherwise
            case 0x45:
                at += then if accumulator & value else otherwise
            case _:
                raise AssertionError(f"unknown instruction {code:#x}")


@pytest.fixture(params=[("x86_64", X86, 0), ("aarch64", ARM, 1)], ids=["x86_64", "aarch64"])
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    name, arch, column = request.param
    monkeypatch.setattr("platform.machine", lambda: name)
    return arch, column


@pytest.mark.parametrize("network", [False, True])
def test_each_listed_call_is_refused_and_no_other(machine: tuple[int, int], network: bool) -> None:
    arch, column = machine
    program = seccomp.program(network=network)
    assert len(program) % 8 == 0
    assert len(program) // 8 <= 4096  # the kernel takes no longer one
    refused = {numbers[column] for numbers in seccomp._CALLS.values()}
    for number in range(500):
        found = verdict(program, arch, number, first=1)
        if number in refused:
            assert found == ERRNO | EPERM
        elif number == seccomp._CLONE3[column]:
            assert found == ERRNO | ENOSYS
        else:
            assert found == ALLOW


@pytest.mark.parametrize("network", [False, True])
def test_sockets_are_of_allowed_families_only(machine: tuple[int, int], network: bool) -> None:
    arch, column = machine
    program = seccomp.program(network=network)
    allowed = {1, 2, 10, 16} if network else {1}
    for family in range(64):
        found = verdict(program, arch, seccomp._SOCKET[column], first=family)
        assert found == (ALLOW if family in allowed else ERRNO | EAFNOSUPPORT)


def test_a_clone_may_make_threads_and_processes_and_no_user_namespace(
    machine: tuple[int, int],
) -> None:
    arch, column = machine
    program = seccomp.program(network=False)
    for flags in (0, 17, 0x3D0F00):
        assert verdict(program, arch, seccomp._CLONE[column], first=flags) == ALLOW
        found = verdict(program, arch, seccomp._CLONE[column], first=flags | NEWUSER)
        assert found == ERRNO | EPERM


def test_another_architectures_calls_kill(machine: tuple[int, int]) -> None:
    program = seccomp.program(network=True)
    for arch in (I386, 0, machine[0] ^ 1):
        assert verdict(program, arch, 1) == KILL


def test_the_other_table_of_x86_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    program = seccomp.program(network=True)
    for number in (0x40000000, 0x40000000 | 59, 0xFFFFFFFF):
        assert verdict(program, X86, number) == ERRNO | EPERM
