"""Where a worker runs: what it sees of this machine, and who it is there.

bubblewrap gives it namespaces of its own (mounts, processes, network, IPC, host name), a file tree with
the system's programs, this Python and the files that were granted, all read-only, and a private ``/tmp``;
nothing of it outlives the node. What differs by machine:

- started by root, the worker takes an unused user id in the first moment of its life, so that the limit
  on processes binds it and counts nobody else's;
- started by a user, it is that user in a user namespace without any capability.

Where bubblewrap is missing or may not make namespaces, only limits of resources are left, and
``Confinement.open`` says what they leave open.
"""

import functools
import importlib.util
import os
import secrets
import shutil
import site
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from node.executor import seccomp
from node.executor.limits import Grants, Limits

__all__ = ["Confinement", "Probe", "command", "confinement", "find_bubblewrap"]

_OUR_PACKAGES: Final = ("ainur", "node", "market")
_SYSTEM: Final = ("/bin", "/sbin", "/lib", "/lib64", "/lib32")
_SYSTEM_FILES: Final = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime")
_NETWORK_FILES: Final = (
    *("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/services", "/etc/gai.conf"),
    *("/etc/ssl", "/etc/ca-certificates", "/etc/pki"),
)
_UNUSED_IDS: Final = (1_900_000_000, 200_000_000)
"""First and count of user ids that no system hands out (systemd's UIDS-GIDS document)."""
_PROBE_SECONDS: Final = 10.0


@attrs.frozen
class Probe:
    """Whether bubblewrap works here."""

    program: str | None
    trouble: str = ""
    """Why not, and what to do."""


@attrs.frozen
class Confinement:
    """How a worker is held, in words for its operator."""

    is_sandboxed: bool
    held: tuple[str, ...]
    """What it cannot do, or only so much of."""
    open: tuple[str, ...]
    """What nothing holds it from."""


@functools.cache
def find_bubblewrap() -> Probe:
    """Return whether bubblewrap is there and may make namespaces; asked once per process."""
    program = shutil.which("bwrap")
    if program is None:
        return Probe(None, "bubblewrap is not installed: apt-get install bubblewrap")
    attempt = [program, *_isolation(network=False), "--ro-bind", "/", "/", "--", "/bin/true"]
    try:
        done = subprocess.run(  # noqa: S603  (our own arguments)
            attempt, capture_output=True, text=True, check=False, timeout=_PROBE_SECONDS, env={}
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Probe(None, f"bubblewrap does not run: {error}")
    if done.returncode != 0:
        why = done.stderr.strip() or f"exit code {done.returncode}"
        return Probe(
            None,
            f"bubblewrap may not make namespaces here ({why}): allow unprivileged user namespaces,"
            " or run where mount and namespaces are permitted",
        )
    return Probe(program)


def _is_root() -> bool:
    return os.geteuid() == 0


def _isolation(*, network: bool) -> Iterator[str]:
    yield from ("--die-with-parent", "--new-session", "--unshare-pid", "--unshare-ipc")
    yield from ("--unshare-uts", "--unshare-cgroup-try", "--hostname", "agent", "--cap-drop", "ALL")
    if not network:
        yield "--unshare-net"
    if _is_root():
        # To leave root's id, and for nothing else: the worker's first act.
        yield from ("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")
    else:
        yield from ("--unshare-user", "--uid", "65534", "--gid", "65534")


def confinement(limits: Limits, grants: Grants) -> Confinement:
    """Return how a worker with these limits and grants is held on this machine."""
    caps = (
        f"memory: {limits.memory_bytes >> 20} MiB for each process and, sampled, for all together",
        f"output {limits.output_bytes >> 20} MiB, logs {limits.log_bytes >> 10} KiB a task",
    )
    if find_bubblewrap().program is None:
        return Confinement(
            is_sandboxed=False,
            held=caps,
            open=(
                "every file that this user may read, the node's keys among them",
                "the network",
                "any number of processes"
                if _is_root()
                else "as many processes as this user may have",
                "signals to this user's other processes",
                "processes that it leaves behind when it is killed",
            ),
        )
    filtered = ("no user namespaces, mounts, tracing, memfd, io_uring or bpf",)
    network = "the network, and all that listens on this machine's loopback"
    return Confinement(
        is_sandboxed=True,
        held=(
            *caps,
            f"{limits.processes} processes and threads, {limits.open_files} open files",
            f"files: the system's programs, this Python and what was granted, read-only; {limits.scratch_bytes >> 20} MiB of /tmp",
            "processes: it sees its own only, and none outlives the node",
            "user: an unused id of its own" if _is_root() else "user: this one, in a user namespace, without capabilities",
            *(() if grants.network else ("network: none",)),
            *(filtered if seccomp.is_supported() else ()),
        ),
        open=(
            *((network,) if grants.network else ()),
            *(() if seccomp.is_supported() else ("system calls are not filtered on this machine",)),
            "processor time until the deadline, at low priority",
        ),
    )  # fmt: skip


def command(
    worker: list[str], limits: Limits, grants: Grants, files: tuple[Path, ...], cwd: Path
) -> tuple[list[str], dict[str, str], int | None]:
    """Return how to start a worker.

    Args:
        worker: the worker's own command, without its confinement.
        files: what its spec needs to read, beside what was granted.
        cwd: the folder it starts in.

    Returns:
        The command, its environment, and a descriptor that it is to inherit (None: none), which the
        caller closes.
    """
    probe = find_bubblewrap()
    environment = _environment(grants, is_sandboxed=probe.program is not None)
    if probe.program is None:
        return [*worker, "--memory", str(limits.memory_bytes)], environment, None
    arguments = [
        *_isolation(network=grants.network),
        *_tree(limits, grants, files, cwd),
        *("--chdir", str(cwd)),
    ]
    filter_fd = None
    if seccomp.is_supported():
        filter_fd = os.memfd_create("ainur-seccomp")
        os.write(filter_fd, seccomp.program(network=grants.network))
        os.lseek(filter_fd, 0, os.SEEK_SET)
        arguments += ["--seccomp", str(filter_fd)]
    confine = ["--memory", str(limits.memory_bytes), "--processes", str(limits.processes)]
    confine += ["--file-bytes", str(limits.scratch_bytes), "--open-files", str(limits.open_files)]
    if _is_root():
        first, count = _UNUSED_IDS
        confine += ["--user", str(first + secrets.randbelow(count))]
    return [probe.program, *arguments, "--", *worker, *confine], environment, filter_fd


def _environment(grants: Grants, *, is_sandboxed: bool) -> dict[str, str]:
    roots = dict.fromkeys(str(folder.parent) for folder in _our_folders())
    return {
        "PATH": f"{Path(sys.prefix) / 'bin'}:/usr/local/bin:/usr/bin:/bin",
        "HOME": "/tmp" if is_sandboxed else str(Path.home()),  # noqa: S108  (its private one)
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(roots),
        "PYTHONDONTWRITEBYTECODE": "1",
        # Libraries that ask for a thread on each core would meet the cap on processes.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        **{name: os.environ[name] for name in grants.environment if name in os.environ},
    }


def _our_folders() -> Iterator[Path]:
    for name in _OUR_PACKAGES:
        found = importlib.util.find_spec(name)
        if found is not None and found.origin is not None:
            yield Path(found.origin).parent


def _python_folders() -> Iterator[Path]:
    yield from (Path(sys.prefix), Path(sys.base_prefix))
    if site.ENABLE_USER_SITE and (user := Path(site.getusersitepackages())).is_dir():
        yield user
    yield from _our_folders()


def _python_links() -> Iterator[Path]:
    """Yield the links by which this Python's program is reached, which may lie in other folders."""
    program = Path(sys.executable)
    while program.is_symlink():
        program = program.parent / program.readlink()
        yield Path(os.path.normpath(program))


def _tree(limits: Limits, grants: Grants, files: tuple[Path, ...], cwd: Path) -> Iterator[str]:
    yield from ("--ro-bind", "/usr", "/usr")
    for name in _SYSTEM:
        if Path(name).is_symlink():
            yield from ("--symlink", str(Path(name).readlink()), name)
        else:
            yield from ("--ro-bind-try", name, name)
    made = {Path("/")}
    yield from _parents(Path("/etc/any"), made)
    for name in (*_SYSTEM_FILES, *(_NETWORK_FILES if grants.network else ())):
        yield from ("--ro-bind-try", name, name)
    yield from ("--proc", "/proc", "--dev", "/dev")
    for name in ("/tmp", "/dev/shm"):  # noqa: S108  (its private ones)
        yield from ("--perms", "1777", "--size", str(limits.scratch_bytes), "--tmpfs", name)
    seen = [Path("/usr")]
    wanted = [*_python_folders(), *_python_links(), *grants.files, *files]
    # Outer folders first: a later mount hides what an earlier one put below it.
    folders = sorted((f for f in dict.fromkeys(wanted) if f.is_dir()), key=lambda f: len(f.parts))
    for folder in folders:
        if not any(folder.is_relative_to(outer) for outer in seen):
            yield from _readable(folder, made)
            seen.append(folder)
    for hidden in grants.hidden:
        if hidden.is_dir() and any(hidden.is_relative_to(outer) for outer in seen):
            yield from ("--tmpfs", str(hidden), "--remount-ro", str(hidden))
    for file in dict.fromkeys(wanted):
        if file.is_file() and not any(file.is_relative_to(outer) for outer in seen):
            yield from _readable(file, made)
    if not any(cwd.is_relative_to(outer) for outer in seen):
        yield from _parents(cwd / "any", made)
    yield from ("--remount-ro", "/dev", "--remount-ro", "/")


def _readable(path: Path, made: set[Path]) -> Iterator[str]:
    yield from _parents(path, made)
    yield from ("--ro-bind", str(path), str(path))


def _parents(path: Path, made: set[Path]) -> Iterator[str]:
    """Make the folders above a mount; bubblewrap by itself makes them for root alone."""
    for parent in reversed(path.parents):
        if parent not in made:
            made.add(parent)
            yield from ("--perms", "0755", "--dir", str(parent))
