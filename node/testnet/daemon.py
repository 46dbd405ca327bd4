"""The supervisor's process.

::

    lock held by whoever started us -> id written -> parent, chain, nodes up -> "ready"
       ... until SIGTERM, SIGINT, SIGHUP ...
    nodes down -> chain down -> parent gone -> lock let go, by the end of the last process

Before "ready" is taken by whoever started us, nobody knows of us: if they are gone by then, we go as well.
"""

import contextlib
import json
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

import trio

from node.chainhost import lock
from node.chainhost.daemon import end_on_signal, first_of, logging_to
from node.chainhost.errors import ChainHostError
from node.keystore.errors import KeystoreError
from node.testnet.config import TestnetConfig
from node.testnet.errors import TestnetError
from node.testnet.family import open_family
from node.testnet.home import Folder
from node.testnet.ports import hold_ports
from node.testnet.serving import serve
from node.testnet.supervisor import Supervisor

__all__ = ["main"]

log = logging.getLogger("ainur.testnet")

STOP_SECONDS = 30.0


def run_testnet(config: TestnetConfig, handle: int, tell: Callable[[], None]) -> None:
    """Run a testnet until a signal ends it.

    Args:
        handle: the descriptor that holds the lock.
        tell: called when all are ready; an OSError means that nobody listens, and ends it.

    Raises:
        TestnetError: it did not come up, or fell apart.
    """
    folder = Folder(Path(config.data_dir), config.name)
    lock.claim(handle)
    with logging_to(folder.log, also_stderr=False):
        refusal: Exception | None = None
        try:
            trio.run(_run, config, folder, handle, tell)
        except* (TestnetError, ChainHostError, KeystoreError) as group:
            refusal = first_of(group)
            log.error("ends: %s", refusal)  # noqa: TRY400  (the message says it all)
        except* Exception:
            log.exception("ended by a fault of its own")
            raise
        finally:
            log.info("ended")
        if refusal is not None:
            raise TestnetError(str(refusal)) from refusal


async def _run(
    config: TestnetConfig, folder: Folder, handle: int, tell: Callable[[], None]
) -> None:
    until_told = trio.CancelScope()
    async with trio.open_nursery() as nursery:
        await nursery.start(end_on_signal, until_told)
        if config.owner is not None:
            nursery.start_soon(_end_with, config.owner, until_told)
        with hold_ports() as ports:
            # What hears of the processes goes on while these are taken down.
            async with open_family(handle, folder.crash) as family, trio.open_nursery() as around:
                supervisor = Supervisor(config, os.getpid(), family, ports, around)
                try:
                    with until_told:
                        await supervisor.bring_up()
                        await around.start(serve, supervisor, folder)
                        _say_ready(tell, until_told)
                        await trio.sleep_forever()
                finally:
                    with trio.move_on_after(STOP_SECONDS, shield=True):
                        await supervisor.take_down()
                    around.cancel_scope.cancel()
        nursery.cancel_scope.cancel()


async def _end_with(owner: int, scope: trio.CancelScope) -> None:
    """Cancel when a process ends, or has ended."""
    try:
        handle = os.pidfd_open(owner)
    except ProcessLookupError:
        scope.cancel()
        return
    try:
        await trio.lowlevel.wait_readable(handle)
    finally:
        os.close(handle)
    log.info("process %d, which owns this testnet, is gone", owner)
    scope.cancel()


def _say_ready(tell: Callable[[], None], scope: trio.CancelScope) -> None:
    log.info("all run")
    try:
        tell()
    except OSError:
        log.info("whoever started this testnet is gone")
        scope.cancel()


def main(argv: list[str]) -> int:
    """Run a testnet whose lock and pipe were handed to us.

    Args:
        argv: the configuration in JSON, the lock's descriptor, the pipe's descriptor.
    """
    raw = json.loads(argv[0])
    config = TestnetConfig.from_json(raw)
    handle, pipe = int(argv[1]), int(argv[2])
    os.set_inheritable(handle, False)
    os.set_inheritable(pipe, False)

    def say(value: object) -> None:
        os.write(pipe, (json.dumps(value) + "\n").encode())
        os.close(pipe)

    try:
        run_testnet(config, handle, lambda: say({"ready": True}))
    except TestnetError as error:
        with contextlib.suppress(OSError):
            say({"error": str(error)})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
