"""Starting, finding, stopping and clearing a chain's process."""

import json
import os
import shutil
import time
from collections.abc import Callable

import attrs

from node.chainhost import lock
from node.chainhost.backend import get_backend
from node.chainhost.client import Client
from node.chainhost.config import ChainConfig, Record
from node.chainhost.errors import (
    AlreadyRunningError,
    ChainHostError,
    NotRunningError,
    StartError,
)
from node.chainhost.home import Folder
from node.chainhost.launch import launch

__all__ = ["check_start", "connect", "find", "reset", "run_foreground", "start", "stop"]

START_SECONDS = 120.0
"""A runtime that was never seen before is compiled first."""
STOP_SECONDS = 10.0
RECORD_SECONDS = 5.0
"""For a chain that is being started to write down where it is."""


def _take_lock(folder: Folder) -> int:
    try:
        handle = lock.try_lock(folder.lock)
    except OSError as error:
        raise ChainHostError(f"{folder.path} cannot be used: {error}") from error
    if handle is None:
        raise _already_running(folder)
    return handle


def check_start(config: ChainConfig) -> None:
    """Look whether a chain could be started now.

    Raises:
        AlreadyRunningError: it runs.
        BackendUnavailableError: this kind of chain cannot run here.
    """
    get_backend(config.backend).check(config)
    if lock.is_held(config.folder.lock):
        raise _already_running(config.folder)


def _already_running(folder: Folder) -> AlreadyRunningError:
    record = Record.read(folder)
    where = f" at {record.url}" if record is not None else ""
    return AlreadyRunningError(
        f"the chain {folder.name!r} already runs{where}: stop it with `ainur chain down`, or"
        " start another one with --name or --data-dir, and --port 0"
    )


def start(config: ChainConfig) -> Record:
    """Start a chain in a process of its own; return when it answers.

    Raises:
        AlreadyRunningError: it runs.
        BackendUnavailableError: this kind of chain cannot run here.
        StartError: it did not come up.
    """
    get_backend(config.backend).check(config)
    folder = config.folder
    handle = _take_lock(folder)
    with launch(
        "node.chainhost", json.dumps(attrs.asdict(config)), handle, folder.crash
    ) as process:
        said = process.wait_ready(START_SECONDS)
        if "ready" in said:
            record = Record.read(folder)
            if record is not None:
                process.let_go()
                return record
    if "error" in said:
        raise StartError(str(said["error"]))
    raise StartError(f"the chain's process ended without a word; see {folder.log}{process.tail()}")


def find(folder: Folder) -> Record | None:
    """Return where a chain is reached, or None when it does not run.

    Raises:
        ChainHostError: it has been starting, or ending, for too long.
    """
    give_up = time.monotonic() + RECORD_SECONDS
    while lock.is_held(folder.lock):
        record = Record.read(folder)
        pid = lock.holder(folder.lock)
        is_ending = pid is not None and lock.has_ended(pid)
        if record is not None and record.pid == pid and not is_ending:
            return record
        if time.monotonic() > give_up:
            what = "is ending" if is_ending else "is being started"
            raise ChainHostError(
                f"the chain {folder.name!r} {what}, but does not say where it is: see"
                f" {folder.log}, or end it with `ainur chain down`"
            )
        time.sleep(0.02)
    return None


def connect(folder: Folder) -> tuple[Record, Client]:
    """Return a running chain, and a client of it.

    Raises:
        NotRunningError: it does not run.
    """
    record = find(folder)
    if record is None:
        raise NotRunningError(
            f"the chain {folder.name!r} does not run ({folder.path}): start it with `ainur chain up`"
        )
    return record, Client(record.port)


def stop(folder: Folder) -> bool:
    """Stop a chain, and wait until it is gone; say whether it had to be killed.

    Raises:
        NotRunningError: it does not run.
        ChainHostError: it does not end.
    """
    if not lock.is_held(folder.lock):
        raise NotRunningError(f"the chain {folder.name!r} does not run ({folder.path})")
    try:
        killed = lock.stop_holder(folder.lock, STOP_SECONDS)
    except TimeoutError as error:
        raise ChainHostError(str(error)) from error
    folder.record.unlink(missing_ok=True)
    return killed


def reset(folder: Folder) -> Record | None:
    """Forget a chain's blocks and its salt; one that runs is started again, as it was, and returned."""
    running = lock.is_held(folder.lock)
    record = find(folder) if running else None
    config = ChainConfig.read(folder) if running else None
    if running:
        stop(folder)
    handle = _take_lock(folder)
    try:
        folder.salt.unlink(missing_ok=True)
        if folder.store.exists():
            shutil.rmtree(folder.store)
    finally:
        os.close(handle)
    if config is None or record is None:
        return None
    # At the port it had: whoever was told of it finds the new chain there.
    return start(attrs.evolve(config, port=record.port))


def run_foreground(config: ChainConfig, tell: Callable[[Record], None]) -> None:
    """Run a chain in this process until a signal ends it.

    Raises:
        ChainHostError: it runs already, or did not come up.
    """
    get_backend(config.backend).check(config)
    handle = _take_lock(config.folder)
    from node.chainhost.daemon import run_chain

    try:
        run_chain(config, handle, tell, foreground=True)
    finally:
        os.close(handle)
