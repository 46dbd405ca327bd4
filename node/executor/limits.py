"""What an agent's worker may take, and what its operator allows it."""

from pathlib import Path
from typing import Final

import attrs

__all__ = ["MAX_RESULT_BYTES", "Grants", "Limits"]

MAX_RESULT_BYTES: Final = 32 * 2**20
"""What travels between nodes at most (``market.messages.fields.MAX_BLOB_BYTES``)."""


@attrs.frozen(kw_only=True)
class Limits:
    """Caps on one worker; whoever crosses one is stopped, and that is reported."""

    memory_bytes: int = 512 * 2**20
    """Of each process by the kernel, and of all processes of the worker together by sampling."""
    processes: int = 64
    """Processes and threads of the worker, where it has a user id of its own."""
    open_files: int = 256
    scratch_bytes: int = 256 * 2**20
    """Of its private ``/tmp``, and of any one file."""
    input_bytes: int = MAX_RESULT_BYTES
    output_bytes: int = MAX_RESULT_BYTES
    log_bytes: int = 2**20
    """What it may write to standard error during one task."""
    progress_reports: int = 10_000
    """During one task."""
    start_seconds: float = 60.0
    """To load the agent."""
    grace_seconds: float = 0.5
    """To stop by itself when it is told to, before it is killed."""
    workers: int = 1
    """Tasks that are worked on side by side, each in a process of its own."""
    tasks_per_worker: int = 1_000
    """After so many a worker is replaced, whatever it may have piled up."""


@attrs.frozen(kw_only=True)
class Grants:
    """What the operator allows an agent beyond computing."""

    network: bool = False
    """The machine's network with all of loopback: the agent can reach whatever listens there."""
    environment: tuple[str, ...] = ()
    """Names of variables that it is shown; an agent asks for its key by name."""
    files: tuple[Path, ...] = ()
    """Files and folders that it may read, beside its own file."""
    hidden: tuple[Path, ...] = ()
    """Folders that it never sees, even where they lie inside a folder that it may read."""
    unsandboxed: bool = False
    """Run foreign code even where there is no sandbox."""
