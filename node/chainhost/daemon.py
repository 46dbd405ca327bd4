"""What a chain's process does.

::

    lock held by whoever started us -> id written -> chain opened -> port bound -> record written -> "ready"
       ... until SIGTERM, SIGINT, SIGHUP, or (in the foreground) the death of the parent ...
    chain closed -> record removed -> lock let go, by the end of the process

Before "ready" is taken by whoever started us, nobody knows of us: if they are gone by then, we go as well.
"""

import contextlib
import gc
import json
import logging
import logging.handlers
import os
import secrets
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import trio

from node.chainhost import lock
from node.chainhost.backend import Ready, get_backend
from node.chainhost.config import ChainConfig, Record
from node.chainhost.errors import ChainHostError, StartError
from node.chainhost.files import write_atomically, write_json

__all__ = ["end_on_signal", "first_of", "logging_to", "main", "run_chain"]

E = TypeVar("E", bound=BaseException)

log = logging.getLogger("node.chainhost.daemon")

LOG_BYTES, LOG_FILES = 4 * 1024 * 1024, 2
SALT_BYTES = 16
PARENT_SECONDS = 0.5
"""Between two looks whether the parent still lives."""


def salt_of(config: ChainConfig) -> bytes:
    """Return what makes the chain's genesis its own: from the seed, kept with a chain that stays, or new.

    Without it, what was signed for one chain would be good on the next one.
    """
    if config.seed is not None:
        import hashlib

        return hashlib.blake2b(config.seed.encode(), digest_size=SALT_BYTES).digest()
    if not config.persist:
        return secrets.token_bytes(SALT_BYTES)
    path = config.folder.salt
    with contextlib.suppress(FileNotFoundError):
        kept = path.read_bytes()
        if len(kept) == SALT_BYTES:
            return kept
    # Written before the first block, so that a chain which was killed at its birth finds it again.
    salt = secrets.token_bytes(SALT_BYTES)
    write_atomically(path, salt)
    return salt


def claim_store(config: ChainConfig) -> None:
    """Write down whose blocks the store holds.

    Raises:
        StartError: those of another backend, which this one would not find there and begin anew.
    """
    folder = config.folder
    if folder.maker.exists():
        maker = folder.maker.read_text().strip()
    else:  # made before it was written down
        maker = "embedded" if folder.store.exists() else config.backend
    if maker != config.backend:
        raise StartError(
            f"{folder.store} holds blocks of the backend {maker!r}: start it with --backend {maker},"
            " take another --name, or forget them with `ainur chain reset`"
        )
    folder.store.mkdir(parents=True, exist_ok=True)
    write_atomically(folder.maker, f"{config.backend}\n".encode())


@contextlib.contextmanager
def logging_to(path: Path, *, also_stderr: bool) -> Iterator[None]:
    """Log into a file, in so many bytes at most."""
    os.umask(0o077)
    handlers: list[logging.Handler] = [
        logging.handlers.RotatingFileHandler(
            path, maxBytes=LOG_BYTES, backupCount=LOG_FILES - 1, encoding="utf-8"
        )
    ]
    if also_stderr:
        handlers.append(logging.StreamHandler())
    form = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    for handler in handlers:
        handler.setFormatter(form)
        root.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()


def run_chain(
    config: ChainConfig, handle: int, tell: Callable[[Record], None], *, foreground: bool
) -> None:
    """Run a chain until a signal ends it.

    Args:
        handle: the descriptor that holds the lock.
        tell: called when the chain answers; an OSError means that nobody listens, and ends it.
        foreground: log to stderr as well, and end with the parent.

    Raises:
        ChainHostError: it did not come up.
    """
    folder = config.folder
    lock.claim(handle)
    folder.record.unlink(missing_ok=True)
    # Neither this nor the record says anything after a loss of power: the chain is then started anew.
    write_json(folder.config, config.to_json(), durable=False)
    with logging_to(folder.log, also_stderr=foreground):
        refusal: ChainHostError | None = None
        try:
            trio.run(_run, config, handle, tell, foreground)
        except* ChainHostError as group:
            refusal = first_of(group)
            log.error("did not start: %s", refusal)  # noqa: TRY400  (the message says it all)
        except* Exception:
            log.exception("ended by a fault of its own")
            raise
        finally:
            folder.record.unlink(missing_ok=True)
            log.info("ended")
        if refusal is not None:
            raise refusal


def first_of(group: BaseExceptionGroup[E]) -> E:
    """Return the first error of a group, however deep it lies."""
    first = group.exceptions[0]
    return first_of(first) if isinstance(first, BaseExceptionGroup) else first


async def _run(
    config: ChainConfig, handle: int, tell: Callable[[Record], None], foreground: bool
) -> None:
    backend = get_backend(config.backend)
    backend.check(config)
    if config.persist:
        claim_store(config)

    def ready(what: Ready) -> None:
        record = Record(
            pid=os.getpid(),
            port=what.port,
            genesis=what.genesis,
            backend=config.backend,
            seal=config.seal,
            persist=config.persist,
            name=config.name,
            data_dir=config.data_dir,
            runtime=what.runtime,
            max_advance=backend.max_advance,
        )
        write_json(config.folder.record, record.to_json(), durable=False)
        log.info("%s at %s, genesis %s", record.runtime, record.url, record.genesis)
        try:
            tell(record)
        except OSError:
            log.info("whoever started this chain is gone")
            nursery.cancel_scope.cancel()
        # What is there now stays: no collection looks through it again.
        gc.freeze()
        gc.enable()

    async with trio.open_nursery() as nursery:
        await nursery.start(end_on_signal, nursery.cancel_scope)
        if foreground:
            nursery.start_soon(_end_with_parent, nursery.cancel_scope)
        await backend.run(config, salt_of(config), handle, ready)


async def end_on_signal(
    scope: trio.CancelScope, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Cancel when a signal asks this process to end."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        task_status.started()
        async for number in signals:
            log.info("%s", signal.Signals(number).name)
            scope.cancel()
            return


async def _end_with_parent(scope: trio.CancelScope) -> None:
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110  (the kernel has no event for it)
        await trio.sleep(PARENT_SECONDS)
    log.info("the parent process is gone")
    scope.cancel()


def main(argv: list[str]) -> int:
    """Run a chain whose lock and pipe were handed to us.

    Args:
        argv: the configuration in JSON, the lock's descriptor, the pipe's descriptor.
    """
    raw = json.loads(argv[0])
    config = ChainConfig.from_json(raw)
    handle, pipe = int(argv[1]), int(argv[2])

    def say(value: object) -> None:
        os.write(pipe, (json.dumps(value) + "\n").encode())
        os.close(pipe)

    try:
        run_chain(config, handle, lambda record: say({"ready": record.to_json()}), foreground=False)
    except ChainHostError as error:
        with contextlib.suppress(OSError):
            say({"error": str(error)})
        return 1
    return 0
