"""System calls that no agent needs, refused by a filter in the kernel.

bubblewrap takes the filter as a compiled classic BPF program. What is refused: creating user namespaces
and mounts (kernel surface that an unprivileged process otherwise gets for nothing), memory that no
limit counts (memfd), tracing, keyrings, io_uring, bpf; and, without the network, sockets of any family
but Unix ones, since a network namespace does not hold vsock and the kernel's crypto sockets back.

Source: seccomp(2), linux/filter.h, linux/audit.h, and the tables of system calls of the two machines.
"""

import platform
import struct
from typing import Final

__all__ = ["is_supported", "program"]

_LOAD, _JUMP_EQUAL, _JUMP_GREATER_EQUAL, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_KILL, _ALLOW, _ERRNO = 0x80000000, 0x7FFF0000, 0x00050000
_EPERM, _ENOSYS, _EAFNOSUPPORT = 1, 38, 97
_NR_OFFSET, _ARCH_OFFSET, _ARGUMENT_0_OFFSET = 0, 4, 16
_CLONE_NEWUSER: Final = 0x10000000
_X32_BIT: Final = 0x40000000
_FAMILIES: Final = {False: (1,), True: (1, 2, 10, 16)}
"""Unix; with the network also IPv4, IPv6 and netlink, by which the resolver asks for addresses."""

_AUDIT: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_CALLS: Final[dict[str, tuple[int, int]]] = {
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "open_by_handle_at": (304, 265),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "kexec_load": (246, 104),
}
"""Name -> its number on x86_64 and on aarch64."""
_CLONE, _CLONE3, _SOCKET = (56, 220), (435, 435), (41, 198)


def is_supported() -> bool:
    """Return whether there is a table for this machine."""
    return platform.machine() in _AUDIT


def _step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", code, then, otherwise, value)


def program(*, network: bool) -> bytes:
    """Return the filter for this machine, compiled.

    Args:
        network: leave the sockets of the internet families.
    """
    machine = platform.machine()
    column = list(_AUDIT).index(machine)
    refuse = _step(_RETURN, _ERRNO | _EPERM)
    steps = [
        _step(_LOAD, _ARCH_OFFSET),
        _step(_JUMP_EQUAL, _AUDIT[machine], 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NR_OFFSET),
    ]
    if machine == "x86_64":
        steps += [_step(_JUMP_GREATER_EQUAL, _X32_BIT, 0, 1), refuse]
    for numbers in _CALLS.values():
        steps += [_step(_JUMP_EQUAL, numbers[column], 0, 1), refuse]
    # clone3 passes its flags where a filter cannot look; without it the C library takes clone.
    steps += [
        _step(_JUMP_EQUAL, _CLONE3[column], 0, 1), _step(_RETURN, _ERRNO | _ENOSYS),
        _step(_JUMP_EQUAL, _CLONE[column], 0, 4), _step(_LOAD, _ARGUMENT_0_OFFSET),
        _step(_JUMP_ANY_BIT, _CLONE_NEWUSER, 0, 1), refuse, _step(_RETURN, _ALLOW),
    ]  # fmt: skip
    families = _FAMILIES[network]
    steps += [_step(_JUMP_EQUAL, _SOCKET[column], 0, len(families) + 2)]
    steps += [_step(_LOAD, _ARGUMENT_0_OFFSET)]
    steps += [
        _step(_JUMP_EQUAL, family, len(families) - position, 0)
        for position, family in enumerate(families)
    ]
    steps += [_step(_RETURN, _ERRNO | _EAFNOSUPPORT), _step(_RETURN, _ALLOW)]
    return b"".join(steps)
