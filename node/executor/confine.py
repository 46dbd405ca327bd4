"""What a worker does to itself before it reads anything of its agent's."""

import argparse
import ctypes
import os
import resource
import signal
from pathlib import Path
from typing import Final

__all__ = ["confine", "parse"]

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_NICE: Final = 5
"""Lower than the node, which has to stay quick while an agent spins."""
_ADDRESS_SPACE: Final = 16 * 2**30
"""Reserving is not using: runtimes reserve gigabytes. Still not without end, since shared anonymous memory is
counted here and not as data."""


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the limits that the node has named on the command line."""
    parser = argparse.ArgumentParser()
    for name in ("--user", "--memory", "--processes", "--file-bytes", "--open-files"):
        parser.add_argument(name, type=int)
    return parser.parse_args(arguments)


def confine(limits: argparse.Namespace) -> None:
    """Give up all that an agent is not to have; what is given up here cannot be had again."""
    parent = os.getppid()
    # When the machine runs out of memory, the kernel is to end an agent before anything else.
    Path("/proc/self/oom_score_adj").write_text("1000")
    if limits.user is not None:
        os.setgroups([])
        os.setresgid(limits.user, limits.user, limits.user)
        os.setresuid(limits.user, limits.user, limits.user)
    caps = (
        (resource.RLIMIT_DATA, limits.memory),
        (resource.RLIMIT_AS, limits.memory and limits.memory + _ADDRESS_SPACE),
        (resource.RLIMIT_NPROC, limits.processes),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
    )
    for which, cap in caps:
        if cap is not None:
            hard = resource.getrlimit(which)[1]
            bound = cap if hard == resource.RLIM_INFINITY else min(cap, hard)
            resource.setrlimit(which, (bound, bound))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)  # the node ended between being asked for and the line above
    os.nice(_NICE)
