"""The machine: Python and what is installed, the sandbox, disk, clock, ports, and what is of use and not needed."""

import platform
import re
import resource
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

from node.doctor.finding import Finding, fine, idle

__all__ = ["clock", "disk", "extras", "files_open", "optional", "ports", "python", "sandbox"]

DISTRIBUTION: Final = "ainur"
PORT: Final = 9944
"""Where ``ainur chain up`` listens, and polkadot.js looks, unless told otherwise."""
LEAST_BYTES: Final = 256 * 2**20
ENOUGH_BYTES: Final = 2 * 2**30
OPEN_FILES: Final = 1_024
_REQUIREMENT: Final = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*([^;]*)(?:;(.*))?")
_EXTRA: Final = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")


def python(version: tuple[int, int] = sys.version_info[:2]) -> Finding:
    """Look at the interpreter."""
    wanted = metadata.metadata(DISTRIBUTION)["Requires-Python"]
    shown = f"Python {platform.python_version()} ({sys.executable})"
    bounds = re.findall(r"(>=|<)\s*(\d+)\.(\d+)", wanted)
    holds = {">=": lambda bound: version >= bound, "<": lambda bound: version < bound}
    if all(holds[sign]((int(major), int(minor))) for sign, major, minor in bounds):
        return fine("python", shown)
    return Finding(
        check="python",
        verdict="wrong",
        found=f"{shown}, and {wanted} is needed: some libraries have no builds for it",
        mend="make a virtual environment with Python 3.11, 3.12 or 3.13, and install there",
    )


def extras(version_of: Callable[[str], str] = metadata.version) -> Iterator[Finding]:
    """Look at the libraries: those that are always needed, and those of each extra."""
    by_extra: dict[str, list[tuple[str, str]]] = {}
    for text in metadata.requires(DISTRIBUTION) or ():
        match = _REQUIREMENT.fullmatch(text.strip())
        if match is None:
            continue
        extra = _EXTRA.search(match[3] or "")
        by_extra.setdefault(extra[1] if extra else "", []).append((match[1], match[2]))
    for extra_, needed in sorted(by_extra.items()):
        missing, other = _lacking(needed, version_of)
        check = f"libraries {extra_}".strip()
        name = f"{DISTRIBUTION}[{extra_}]" if extra_ else DISTRIBUTION
        how = f"run ./scripts/setup in a clone, or pip install '{name}'"
        if missing:
            yield Finding(
                check=check,
                verdict="wrong" if not extra_ else "warning",
                found=f"missing: {', '.join(missing)}",
                mend=how,
            )
        elif other:
            yield Finding(
                check=check,
                verdict="warning",
                found=f"other than tested: {', '.join(other)}",
                mend=how,
            )
        else:
            yield fine(check, f"all {len(needed)} are there")


def _lacking(
    needed: list[tuple[str, str]], version_of: Callable[[str], str]
) -> tuple[list[str], list[str]]:
    """Return what is missing, and what is pinned to another version than is there."""
    missing, other = [], []
    for name, wanted in needed:
        try:
            found = version_of(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
            continue
        pin = re.fullmatch(r"\(?==\s*([^,)\s]+)\)?", wanted.strip())
        if pin is not None and pin[1] != found:
            other.append(f"{name} {found} instead of {pin[1]}")
    return missing, other


def sandbox() -> Finding:
    """Look whether foreign agents can be held."""
    from node.executor.sandbox import find_bubblewrap

    probe = find_bubblewrap()
    if probe.program is not None:
        return fine("sandbox", f"bubblewrap makes namespaces ({probe.program})")
    return Finding(
        check="sandbox",
        verdict="warning",
        found=f"{probe.trouble.partition(': ')[0]}: agents of others are refused",
        mend="apt-get install bubblewrap; where it is there, allow unprivileged user namespaces"
        " (sysctl kernel.unprivileged_userns_clone=1), or run outside of the container",
    )


def disk(home: Path, free: int | None = None) -> Finding:
    """Look whether there is room for chains, journals and blobs."""
    place = next(path for path in (home, *home.parents) if path.exists())
    left = shutil.disk_usage(place).free if free is None else free
    shown = f"{left / 2**30:.1f} GiB free on the disk of {home}"
    if left >= ENOUGH_BYTES:
        return fine("disk", shown)
    return Finding(
        check="disk",
        verdict="wrong" if left < LEAST_BYTES else "warning",
        found=f"{shown}: a node whose disk is full stops",
        mend="make room, or name another folder by AINUR_HOME",
    )


def clock(now: float | None = None) -> Finding:
    """Look whether the clock can be right: it is not earlier than the program's own files."""
    moment = time.time() if now is None else now
    made = Path(__file__).stat().st_mtime
    shown = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(moment))
    if moment + 60 >= made:
        return fine("clock", shown)
    return Finding(
        check="clock",
        verdict="wrong",
        found=f"{shown}, which is earlier than the files of this program",
        mend="set the clock (timedatectl set-ntp true)",
    )


def ports(chain_runs: bool, port: int = PORT) -> Finding:
    """Look whether the usual port of a dev chain is free, and whether there are any on loopback.

    Args:
        chain_runs: whether one of ours has it.
    """
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as any_:
            any_.bind(("127.0.0.1", 0))
    except OSError as error:
        return Finding(
            check="ports",
            verdict="wrong",
            found=f"no port of 127.0.0.1 can be had: {error}",
            mend="bring the loopback interface up (ip link set lo up)",
        )
    if chain_runs:
        return idle(
            "ports", "a dev chain of ours runs; testnets and nodes take any port that is free"
        )
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as usual:
        usual.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            usual.bind(("127.0.0.1", port))
        except OSError:
            return Finding(
                check="ports",
                verdict="warning",
                found=f"port {port}, the usual one of a dev chain, is somebody else's",
                mend="start chains with --port 0, which takes one that is free",
            )
    return fine("ports", f"port {port} is free, and loopback works")


def files_open(limit: int | None = None) -> Finding:
    """Look at how many files and connections a process may have open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = soft if limit is None else limit
    if soft >= OPEN_FILES or soft == resource.RLIM_INFINITY:
        return fine("open files", f"a process may have {soft:,} open")
    return Finding(
        check="open files",
        verdict="warning",
        found=f"a process may have {soft:,} open: a node with many peers needs {OPEN_FILES:,}",
        mend=f"ulimit -n {min(OPEN_FILES, hard) if hard > 0 else OPEN_FILES}",
    )


def optional(which: Callable[[str], str | None] = shutil.which) -> Finding:
    """Look for Node, with which ``polkadot.js`` decodes what is on chain beside our own client."""
    program = which("node")
    if program is None:
        return idle("node.js", "not there; nothing but the comparison with polkadot.js needs it")
    return fine("node.js", f"{program}, for the comparison with polkadot.js")
