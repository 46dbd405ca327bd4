"""What the chain's process runs, in a child of the parent."""

import os
import sys
from typing import Any

from node.chainhost import lock
from node.chainhost.config import ChainConfig, Record
from node.chainhost.daemon import run_chain
from node.chainhost.errors import ChainHostError
from node.testnet.forking import Say

__all__ = ["load_runtime", "run_chain_process"]

LOCK_SECONDS = 15.0
LOAD_SECONDS = 10.0
"""For the chain to say what its runtime is like; it is asked by itself, so that it answers at once."""


def run_chain_process(argument: dict[str, Any], say: Say) -> None:
    """Run a chain until SIGTERM.

    Args:
        argument: a :class:`ChainConfig`.
        say: takes ``ready`` with the :class:`Record`, or ``error``.
    """
    config = ChainConfig.from_json(argument)
    # A Substrate node whose supervisor was killed holds it until it has seen that it is alone.
    handle = lock.try_lock(config.folder.lock, patience=LOCK_SECONDS)
    if handle is None:
        say(
            {
                "error": f"a chain runs in {config.folder.path} already: stop it with `ainur chain down`"
            }
        )
        return

    def ready(record: Record) -> None:
        say({"ready": record.to_json()})

    try:
        run_chain(config, handle, ready, foreground=False)
    except ChainHostError as error:
        say({"error": str(error)})
    finally:
        os.close(handle)


def load_runtime(url: str) -> None:
    """Load what a chain's runtime is like, in the parent, so that no node has to."""
    from websocket import WebSocketException

    from chain.errors import ChainError
    from chain.library import load_metadata

    try:
        load_metadata(url, LOAD_SECONDS)
    except (ChainError, WebSocketException, OSError) as error:  # then each node does so itself
        print(
            f"the runtime of {url} is not loaded ahead: {error}", file=sys.stderr
        )  # the crash log
