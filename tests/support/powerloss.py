"""A disk that remembers what SQLite wrote and synced, and shows what a power cut would leave of it.

A write that was synced is on the disk. Of the others, any may be there or not, and one may be torn: only
whole sectors of it made it. A truncation counts as a write.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

SECTOR = 512


class Recorder:
    """Everything that happened to the files, in order, with marks of what was acknowledged."""

    def __init__(self) -> None:
        self.log: list[tuple[str, str, int, bytes | None]] = []

    def acknowledge(self, number: int) -> None:
        """Note that a caller was told of a block."""
        self.log.append(("ack", "", number, None))

    @contextmanager
    def recording(self) -> Iterator[str]:
        """Record what goes through the VFS of the name that this yields."""
        log = self.log

        class File(apsw.VFSFile):
            def __init__(self, name: Any, flags: list[int]) -> None:
                self.path = name.filename() if isinstance(name, apsw.URIFilename) else name
                super().__init__("", name, flags)

            def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802
                log.append(("write", self.path, offset, bytes(data)))
                super().xWrite(data, offset)

            def xTruncate(self, size: int) -> None:  # noqa: N802
                log.append(("truncate", self.path, size, None))
                super().xTruncate(size)

            def xSync(self, flags: int) -> None:  # noqa: N802
                super().xSync(flags)
                log.append(("sync", self.path, 0, None))

        class Disk(apsw.VFS):
            def __init__(self) -> None:
                super().__init__("recorder", "")

            def xOpen(self, name: Any, flags: list[int]) -> File:  # noqa: N802
                return File(name, flags)

            def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
                log.append(("delete", filename, 0, None))
                super().xDelete(filename, syncdir)

        disk = Disk()
        try:
            yield "recorder"
        finally:
            disk.unregister()

    def image(self, end: int, rng: random.Random) -> tuple[dict[str, bytes], int]:
        """Return files as a cut after ``end`` operations may leave them, and the last acknowledged."""
        files: dict[str, bytearray] = {}
        pending: dict[str, list[tuple[int, bytes | None]]] = {}
        acknowledged = -1
        for operation, path, where, data in self.log[:end]:
            match operation:
                case "ack":
                    acknowledged = where
                case "write" | "truncate":
                    pending.setdefault(path, []).append((where, data))
                case "sync":
                    for change in pending.pop(path, []):
                        _apply(files.setdefault(path, bytearray()), *change)
                case "delete":
                    files.pop(path, None)
                    pending.pop(path, None)
        for path, changes in pending.items():
            file = files.setdefault(path, bytearray())
            for where, data in changes:
                if rng.random() < 0.5:
                    kept = data
                    if data is not None and len(data) > SECTOR and rng.random() < 0.3:
                        kept = data[: SECTOR * rng.randint(0, len(data) // SECTOR)]
                    _apply(file, where, kept)
        return {Path(p).name: bytes(f) for p, f in files.items()}, acknowledged


def _apply(file: bytearray, where: int, data: bytes | None) -> None:
    if data is None:
        del file[where:]
        return
    if len(file) < where + len(data):
        file.extend(bytes(where + len(data) - len(file)))
    file[where : where + len(data)] = data
