"""What lies in AINUR_HOME: who may read it, and what processes that are gone have left behind."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import attrs

from node.chainhost import lock
from node.doctor.finding import Finding, fine, idle

__all__ = ["Place", "folder", "left_behind", "places", "secrets"]

OWN_FOLDER: Final = 0o700
OWN_FILE: Final = 0o600
_STORES: Final = ("keys", "node/keys", "testnets/*/keys", "testnets/*/nodes/*/keys")
_SECRETS: Final = ("*.key.json", "passphrase")
_TOKENS: Final = ("node/token", "testnets/*/nodes/*/token")


@attrs.frozen
class Place:
    """A folder on which a process of ours runs, or has run."""

    path: Path
    kind: str
    """``node``, ``chain`` or ``testnet``."""
    lock: Path
    records: tuple[Path, ...]
    """What a process that runs keeps there, and takes away when it ends."""

    @property
    def name(self) -> str:
        """What a person calls it."""
        return f"the {self.kind} in {self.path}"

    def is_running(self) -> bool:
        """Return whether its process is there."""
        return lock.is_held(self.lock)


def places(home: Path) -> Iterator[Place]:
    """Yield everything below AINUR_HOME on which a process may run."""
    nodes = [home / "node"]
    for net in _folders(home / "testnets"):
        yield Place(net, "testnet", net / "testnet.lock", (net / "control.sock",))
        if (net / "chain").is_dir():
            yield _chain(net / "chain")
        nodes += _folders(net / "nodes")
    for chain in _folders(home / "chains"):
        yield _chain(chain)
    for node in nodes:
        if node.is_dir():
            yield Place(node, "node", node / "node.lock", (node / "node.json",))


def _chain(path: Path) -> Place:
    return Place(path, "chain", path / "chain.lock", (path / "chain.json",))


def _folders(path: Path) -> list[Path]:
    try:
        return sorted(each for each in path.iterdir() if each.is_dir() and not each.is_symlink())
    except OSError:
        return []


def folder(home: Path) -> Finding:
    """Look at AINUR_HOME itself: it is ours, and others do not write there."""
    check = "folder"
    if not home.exists():
        above = next(path for path in home.parents if path.exists())
        if os.access(above, os.W_OK):
            return idle(check, f"{home} is not there yet: it is made when it is needed")
        return _wrong(check, f"{home} cannot be made in {above}", "name another one by AINUR_HOME")
    status = home.stat()
    if not home.is_dir():
        return _wrong(check, f"{home} is no folder", "name another one by AINUR_HOME")
    if status.st_uid != os.geteuid():
        return _wrong(
            check,
            f"{home} belongs to user {status.st_uid}",
            "run as that user, or name another folder by AINUR_HOME",
        )
    if not os.access(home, os.W_OK | os.X_OK):
        return _wrong(check, f"{home} cannot be written to", f"chmod u+wx {home}")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return _loose(check, home, OWN_FOLDER, "others may write to it")
    return fine(check, str(home))


def secrets(home: Path) -> Iterator[Finding]:
    """Look at keys, passphrases and tokens: only their owner may read them, or write where they lie."""
    check, seen, wrong = "keystore", 0, False
    stores = [store for glob in _STORES for store in home.glob(glob)]
    files = [file for store in stores for glob in _SECRETS for file in store.glob(glob)]
    tokens = [token for glob in _TOKENS for token in home.glob(glob)]
    folders = [(store, OWN_FOLDER) for store in stores]
    for path, mode in sorted([*folders, *((file, OWN_FILE) for file in [*files, *tokens])]):
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue
        seen += 1
        found = _of_secret(check, path, status, mode)
        if found is not None:
            wrong = True
            yield found
    if not seen:
        yield idle(check, f"no keys below {home}")
    elif not wrong:
        yield fine(check, f"{len(files)} secrets of keystores are their owner's alone")


def _of_secret(check: str, path: Path, status: os.stat_result, mode: int) -> Finding | None:
    if stat.S_ISLNK(status.st_mode):
        return _wrong(check, f"{path} is a symbolic link", "put the file itself there")
    if status.st_uid != os.geteuid():
        return _wrong(check, f"{path} belongs to user {status.st_uid}", f"chown or copy {path}")
    if stat.S_ISDIR(status.st_mode):
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return _loose(check, path, mode, "others may write to it; look at what is in it")
    elif status.st_mode & 0o077:
        return _loose(check, path, mode, "others may read it; rotate the key if somebody may have")
    return None


def left_behind(home: Path, answers: Callable[[Place], bool]) -> Iterator[Finding]:
    """Look for files of processes that are gone, and for processes that are there and do not answer.

    Args:
        home: whose.
        answers: says whether a running place does.
    """
    check, running, clean = "leftovers", 0, True
    for place in places(home):
        if place.is_running():
            running += 1
            if not answers(place):
                clean = False
                pid = lock.holder(place.lock)
                who = "a process" if pid is None else f"process {pid}"
                yield Finding(
                    check=check,
                    verdict="warning",
                    found=f"{who} holds {place.name} and does not answer: it is starting, ending or hangs",
                    mend=f"look again in a moment; then end it (kill {pid or 'its id'}), or `ainur testnet down`",
                )
            continue
        stale = [each for each in place.records if each.exists()]
        if stale:
            clean = False
            names = ", ".join(each.name for each in stale)
            yield Finding(
                check=check,
                verdict="warning",
                found=f"{place.name} does not run, and has left {names} behind",
                mend=f"remove {names} there",
                fix=_Remove(place, tuple(stale)),
            )
    if clean:
        yield fine(check, f"none; {running} of our processes run" if running else "none")


@attrs.frozen
class _Remove:
    """Removes what a process has left behind, unless it was started again meanwhile."""

    place: Place
    stale: tuple[Path, ...]

    def __call__(self) -> None:
        handle = lock.try_lock(self.place.lock)
        if handle is None:
            raise OSError(f"{self.place.name} is being started")
        try:
            for path in self.stale:
                path.unlink(missing_ok=True)
        finally:
            os.close(handle)


def _wrong(check: str, found: str, mend: str) -> Finding:
    return Finding(check=check, verdict="wrong", found=found, mend=mend)


def _loose(check: str, path: Path, mode: int, why: str) -> Finding:
    now = stat.S_IMODE(path.stat().st_mode)
    return Finding(
        check=check,
        verdict="wrong",
        found=f"{path} has mode {now:04o}: {why}",
        mend=f"chmod {mode:o} {path}",
        fix=lambda: path.chmod(mode),
    )
