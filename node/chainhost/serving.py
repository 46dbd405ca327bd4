"""What the backend ``embedded`` runs: the runtime's wasm, served by JSON-RPC.

Apart from :mod:`node.chainhost.embedded`, so that only the chain's own process pays for the imports.
"""

import errno
import functools
import logging
from collections.abc import Callable
from pathlib import Path

import trio

from chain import devnet
from chain.devchain.chain import DevChain
from chain.devchain.errors import DevChainError
from chain.devchain.notices import HeadChanged, Notice
from chain.devchain.rpc.access import POLKADOT_JS, Access
from chain.devchain.rpc.node import Identity
from chain.devchain.rpc.sealer import parse_seal
from chain.devchain.rpc.server import open_listeners, serve
from node.chainhost.backend import Ready
from node.chainhost.config import PROPERTIES, ChainConfig
from node.chainhost.errors import StartError

__all__ = ["run_embedded"]

log = logging.getLogger(__name__)


async def run_embedded(config: ChainConfig, salt: bytes, ready: Callable[[Ready], None]) -> None:
    """Open a chain and serve it until cancelled.

    Raises:
        StartError: it cannot be opened, or its port cannot be had.
    """
    chain = _open(config, salt)
    try:
        chain.listen(_log_blocks)
        await _serve(chain, config, ready)
    finally:
        chain.close()


def _open(config: ChainConfig, salt: bytes) -> DevChain:
    try:
        return DevChain.open(
            devnet.BLOB if config.runtime is None else Path(config.runtime),
            config.folder.store if config.persist else None,
            preset=config.preset,
            genesis_patch=config.genesis_patch,
            salt=salt,
            finality_lag=config.finality_lag,
        )
    except (DevChainError, OSError) as error:
        raise StartError(str(error)) from error


async def _serve(chain: DevChain, config: ChainConfig, ready: Callable[[Ready], None]) -> None:
    runtime = chain.runtime().version
    try:
        listeners = await open_listeners(config.port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise StartError(
            f"port {config.port} is in use: choose another one with --port, or --port 0 for any"
        ) from error
    start = functools.partial(
        serve,
        chain,
        listeners=listeners,
        seal=parse_seal(config.seal),
        access=Access(origins=frozenset({POLKADOT_JS, *config.allow_origin})),
        identity=Identity(
            chain=f"ainur {config.name}",
            name="ainur-devchain",
            version=_version,
            properties=PROPERTIES,
        ),
    )
    async with trio.open_nursery() as nursery:
        server = await nursery.start(start)
        genesis = f"0x{chain.genesis.hash.hex()}"
        ready(Ready(server.port, genesis, f"{runtime.spec_name}-{runtime.spec_version}"))


def _version() -> str:
    from importlib.metadata import version

    return version("ainur")


def _log_blocks(notice: Notice) -> None:
    if not isinstance(notice, HeadChanged):
        return
    if notice.left:
        log.info("left %d blocks for another branch", len(notice.left))
    for block in notice.gained:
        if len(block.extrinsics) > 1:  # more than its time
            log.info("block %d 0x%s: %d extrinsics", block.number, block.hash.hex(),
                     len(block.extrinsics))  # fmt: skip
