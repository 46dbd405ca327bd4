"""Starting, finding, stopping and clearing a testnet."""

import json
import os
import secrets
import shutil
import time

import attrs

from node.chainhost import lock
from node.chainhost.backend import get_backend
from node.chainhost.config import ChainConfig
from node.chainhost.errors import ChainHostError
from node.chainhost.files import write_json
from node.chainhost.launch import launch
from node.testnet.client import order
from node.testnet.config import NODE_PROGRAM, USUAL_WINDOWS, TestnetConfig, TestnetView
from node.testnet.errors import (
    AlreadyRunningError,
    NotRunningError,
    StartError,
    TestnetError,
    UsageError,
)
from node.testnet.home import Folder

__all__ = ["Wanted", "check_up", "down", "find", "reset", "up"]

START_SECONDS = 300.0
"""For all of many nodes on few cores."""
STOP_SECONDS = 45.0
GONE_SECONDS = 60.0
"""For processes whose supervisor was killed to be gone."""


@attrs.frozen(kw_only=True)
class Wanted:
    """What is asked of a testnet; what is None is as it was last time, or as usual."""

    nodes: int | None = None
    seed: str | None = None
    backend: str | None = None
    program: str = NODE_PROGRAM
    """What a node's process runs, as ``module:function``."""
    owner: int | None = None
    """A process with which it ends; None: it stays until it is stopped."""
    windows: tuple[int, int, int] | None = None
    """Blocks that committing, revealing and accepting may take in auctions."""


USUAL_NODES = 5
USUAL_BACKEND = "embedded"


def check_up(folder: Folder, wanted: Wanted) -> TestnetConfig:
    """Return how a testnet would be started; nothing changes.

    Raises:
        AlreadyRunningError: it runs.
        UsageError: it is on disk as another one.
        TestnetError: it cannot run here.
    """
    if folder.is_running():
        raise AlreadyRunningError(
            f"the testnet {folder.name!r} runs already: stop it with `ainur testnet down`, or start"
            " another one with --name"
        )
    before = TestnetConfig.read(folder)
    config = _first(folder, wanted) if before is None else _again(folder, before, wanted)
    try:
        get_backend(config.backend).check(ChainConfig(config.name, str(folder.chain.path)))
    except ChainHostError as error:
        raise StartError(str(error)) from error
    return config


def _first(folder: Folder, wanted: Wanted) -> TestnetConfig:
    return TestnetConfig(
        name=folder.name,
        data_dir=str(folder.path),
        nodes=wanted.nodes or USUAL_NODES,
        seed=wanted.seed if wanted.seed is not None else secrets.token_hex(16),
        is_seeded=wanted.seed is not None,
        backend=wanted.backend or USUAL_BACKEND,
        program=wanted.program,
        owner=wanted.owner,
        windows=wanted.windows or USUAL_WINDOWS,
    )


def _again(folder: Folder, before: TestnetConfig, wanted: Wanted) -> TestnetConfig:
    """Return how a testnet goes on that has been there before: its genesis cannot be changed."""
    for what, old, new in (
        ("--nodes", before.nodes, wanted.nodes),
        ("--seed", before.seed, wanted.seed),
        ("--chain-backend", before.backend, wanted.backend),
    ):
        if new is not None and new != old:
            raise UsageError(
                f"the testnet {folder.name!r} is on disk with {what} {old}, and cannot become {new}:"
                f" forget it with `ainur testnet reset --name {folder.name}`, or take another --name"
            )
    return attrs.evolve(
        before,
        data_dir=str(folder.path),
        program=wanted.program,
        owner=wanted.owner,
        windows=wanted.windows or before.windows,
    )


def up(folder: Folder, wanted: Wanted) -> TestnetView:
    """Start a testnet in processes of its own; return when all are ready.

    Raises:
        AlreadyRunningError: it runs.
        StartError: it did not come up; nothing of it is left running.
        TestnetError: it cannot run here.
    """
    config = check_up(folder, wanted)
    handle = _take_lock(folder)
    try:
        write_json(folder.config, config.to_json())
    except BaseException:
        os.close(handle)
        raise
    said = {}
    try:
        with launch("node.testnet.daemon", json.dumps(attrs.asdict(config)), handle, folder.crash) as process:  # fmt: skip
            said = process.wait_ready(START_SECONDS)
            if "ready" in said:
                process.let_go()
    finally:
        if "ready" not in said:
            _wait_gone(folder, GONE_SECONDS)  # also at Ctrl-C: nothing stays behind
    if "ready" in said:
        return order(folder, "status")
    if "error" in said:
        raise StartError(str(said["error"]))
    raise StartError(f"the supervisor ended without a word; see {folder.log}{process.tail()}")


def _take_lock(folder: Folder) -> int:
    try:
        folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = lock.try_lock(folder.lock)
    except OSError as error:
        raise TestnetError(f"{folder.path} cannot be used: {error.strerror}") from error
    if handle is None:
        raise AlreadyRunningError(f"the testnet {folder.name!r} is being started by somebody else")
    return handle


def _wait_gone(folder: Folder, seconds: float) -> bool:
    give_up = time.monotonic() + seconds
    while folder.is_running():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.02)
    return True


def find(folder: Folder) -> TestnetView | None:
    """Return a testnet as it is, or None when it does not run.

    Raises:
        TestnetError: it runs and does not answer.
    """
    try:
        return order(folder, "status")
    except NotRunningError:
        return None


def down(folder: Folder) -> bool:
    """Stop a testnet, and wait until all of it is gone; say whether it had to be killed.

    Raises:
        NotRunningError: it does not run.
        TestnetError: it does not end.
    """
    if not folder.is_running():
        raise NotRunningError(f"the testnet {folder.name!r} does not run ({folder.path})")
    try:
        return lock.stop_holder(folder.lock, STOP_SECONDS)
    except TimeoutError as error:
        raise TestnetError(str(error)) from error


def reset(folder: Folder) -> TestnetView | None:
    """Forget a testnet's chain, keys and nodes; one that runs is started again, and returned.

    Without a seed of its own it gets other keys and another genesis.

    Raises:
        TestnetError: it does not end, or does not come up again.
    """
    config = TestnetConfig.read(folder)
    was_running = folder.is_running()
    if was_running:
        down(folder)
    handle = _take_lock(folder)
    try:
        for path in (folder.chain.path, folder.nodes, folder.keys):
            if path.exists():
                shutil.rmtree(path)
        folder.config.unlink(missing_ok=True)
    finally:
        os.close(handle)
    if config is None or not was_running:
        return None
    seed = config.seed if config.is_seeded else None
    wanted = Wanted(
        nodes=config.nodes,
        seed=seed,
        backend=config.backend,
        program=config.program,
        owner=config.owner,
        windows=config.windows,
    )
    return up(folder, wanted)
