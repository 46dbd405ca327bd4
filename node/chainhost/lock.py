"""Who runs a chain: the process that holds the lock on its folder.

The kernel lets a lock go when its process ends, however it ends; so a lock that is held is never stale, and
the process id in the file is its holder's, never that of a process which has the same number by chance. The
lock is on the open file and goes through fork and exec: ``up`` takes it and hands it to the process that it
starts, and there is no moment in which two could start. A child that was handed it as well (the Substrate node)
keeps it a moment longer than the process that was killed.
"""

import contextlib
import fcntl
import os
import select
import signal
import time
from pathlib import Path

__all__ = ["claim", "has_ended", "holder", "is_held", "stop_holder", "try_lock"]


def try_lock(path: Path, patience: float = 0.5) -> int | None:
    """Take the lock; return the descriptor that holds it, or None when somebody else has it.

    Args:
        patience: seconds in which one who merely looks at the lock has gone again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    give_up = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up:
                os.close(handle)
                return None
            time.sleep(0.02)
        else:
            os.ftruncate(handle, 0)
            return handle


def claim(handle: int) -> None:
    """Write this process's id into the lock's file."""
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)


def is_held(path: Path) -> bool:
    """Say whether a chain runs, or is being started."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def holder(path: Path) -> int | None:
    """Return the id of the process that holds the lock; None when nobody does, or it is just starting."""
    if not is_held(path):
        return None
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def has_ended(pid: int) -> bool:
    """Say whether a process is gone, or is over and only not yet waited for."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], 0)[0])
    finally:
        os.close(process)


def stop_holder(path: Path, patience: float) -> bool:
    """End the process that holds the lock, and wait until it is gone; say whether it had to be killed.

    Args:
        patience: seconds it has to end by itself.

    Raises:
        TimeoutError: it is there even after having been killed.
    """
    give_up = time.monotonic() + patience
    _signal(path, signal.SIGTERM, give_up)
    if _wait(path, give_up):
        return False
    give_up = time.monotonic() + patience
    _signal(path, signal.SIGKILL, give_up)
    if _wait(path, give_up):
        return True
    raise TimeoutError(f"the process {holder(path)} does not end")


def _signal(path: Path, number: signal.Signals, give_up: float) -> None:
    while is_held(path) and time.monotonic() < give_up:
        pid = holder(path)
        if pid is None:  # being started: its id comes in a moment
            time.sleep(0.02)
            continue
        with contextlib.suppress(ProcessLookupError):
            process = os.pidfd_open(pid)
            try:
                # The descriptor stands for one process; if that still holds the lock, it is the right one.
                if holder(path) == pid:
                    signal.pidfd_send_signal(process, number)
            finally:
                os.close(process)
        return


def _wait(path: Path, give_up: float) -> bool:
    while is_held(path):
        if time.monotonic() > give_up:
            return False
        time.sleep(0.01)
    return True
