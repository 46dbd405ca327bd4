"""Hypercorn in the node's own loop, on loopback."""

import functools
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, cast

import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from hypercorn.typing import Framework

from node.api.app import make_app
from node.api.view import View

__all__ = ["serve_api"]

LOOPBACK: Final = "127.0.0.1"


@asynccontextmanager
async def serve_api(view: View, token: str, port: int) -> AsyncIterator[str]:
    """Serve while the block runs; give where.

    Args:
        view: what is shown.
        token: that whoever asks must show.
        port: 0 for any that is free.

    Raises:
        OSError: the port cannot be had.
    """
    bound: list[str] = []
    config = Config()
    config.bind = [f"{LOOPBACK}:{port}"]
    config.accesslog = None
    config.errorlog = logging.getLogger("ainur.api")
    config.loglevel = "WARNING"
    config.include_server_header = False
    config.h11_max_incomplete_size = 16 * 1024
    config.keep_alive_timeout = 30
    config.read_timeout = 10
    config.graceful_timeout = 1
    config.shutdown_timeout = 2
    config.backlog = 64
    # Hypercorn has narrower types for the same protocol.
    app = cast("Framework", make_app(view, token, lambda: bound[0]))
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        run = functools.partial(serve, app, config, shutdown_trigger=stop.wait, mode="asgi")
        [url] = await nursery.start(run)
        bound.append(url.removeprefix("http://"))
        try:
            yield url
        finally:
            stop.set()
