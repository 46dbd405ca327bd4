"""What a node's process runs, in a child of the parent, which imports this with all of the node.

It says ``{"ready": ...}`` when it answers, or ``{"error": text}``.
"""

import logging
import signal
from pathlib import Path
from typing import Any, Final

import attrs
import trio

from chain.errors import ChainError
from market.errors import UsageError
from market.identity import PeerId, account_from_ss58
from node.chainhost.daemon import first_of, logging_to
from node.chainhost.files import read_json
from node.database import DatabaseError
from node.executor.errors import ExecutorError
from node.executor.limits import Grants, Limits
from node.executor.loading import load_agents
from node.keystore.errors import KeystoreError
from node.p2p.config import NetworkConfig
from node.p2p.errors import NetworkError
from node.p2p.network import Network
from node.process import run
from node.process.datadir import DataDir
from node.process.errors import NodeProcessError
from node.process.keys import KeyChoice, load_keys
from node.requester import Terms
from node.testnet.agents import agents_of
from node.testnet.cheats import INSTALL
from node.testnet.config import Joined
from node.testnet.forking import Say
from node.trade.calls import Windows

__all__ = ["NodeOrder", "follow_refusals", "run_node"]

DRIFT: Final = 4.0
"""Share by which blocks may take longer than the chain says: a busy machine seals late, and its deadlines follow."""
TOLD: Final = 24
"""Capabilities that are told to the supervisor: so many fit into a line."""


@attrs.frozen
class NodeOrder:
    """What a node's process is started with."""

    name: str
    data_dir: str
    log: str
    refused: str
    """A file: ``{"peers": [PeerId, ...]}``, read at the start and at each SIGUSR1."""
    chain: str
    """``ws://…``."""
    listen: str
    bootstrap: tuple[str, ...]
    api_port: int
    arbiter: str
    """Who rules in the disputes of what it buys."""
    provider: int | None
    """Its place among the providers that sell what comes with the node; None where it does not."""
    windows: tuple[int, int, int]
    """Blocks that committing, revealing and accepting may take in what it buys."""
    joined: Joined | None
    """Why it joined later, if it did."""

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "NodeOrder":
        """Return what was written by ``attrs.asdict``."""
        joined = None if value["joined"] is None else Joined(**value["joined"])
        return cls(
            **{
                **value,
                "bootstrap": tuple(value["bootstrap"]),
                "windows": tuple(value["windows"]),
                "joined": joined,
            }
        )


async def follow_refusals(network: Network, path: Path, say: Say) -> None:
    """Have no connection with the peers that a file names; read it again at each SIGUSR1; until cancelled.

    Says ``{"refuses": [PeerId, ...]}`` each time it has done so.
    """
    with trio.open_signal_receiver(signal.SIGUSR1) as signals:
        while True:
            found = read_json(path)
            peers = [PeerId(peer) for peer in (found or {}).get("peers", [])]
            await network.refuse(peers)
            say({"refuses": peers})
            await anext(signals)


def run_node(argument: dict[str, Any], say: Say) -> None:
    """Run a node as ``ainur node run`` does, until SIGTERM.

    Args:
        argument: a :class:`NodeOrder`.
        say: takes ``ready`` with the node's record and what it ``sells``, or ``error``; and ``refuses``.
    """
    order = NodeOrder.from_json(argument)
    folder = DataDir(Path(order.data_dir))
    with logging_to(Path(order.log), also_stderr=False):
        logging.getLogger().setLevel(logging.WARNING)
        logging.getLogger("ainur").setLevel(logging.INFO)
        logging.getLogger("ainur.api").setLevel(logging.WARNING)  # the server announces itself
        try:
            with folder.locked():
                _run(order, folder, say)
        except* (
            *(NodeProcessError, KeystoreError, NetworkError, ChainError, UsageError),
            *(ExecutorError, DatabaseError, OSError),
        ) as group:
            say({"error": str(first_of(group))})
        except* Exception:
            logging.getLogger("ainur.node").exception("ended by a fault of its own")
            raise


def _run(order: NodeOrder, folder: DataDir, say: Say) -> None:
    agents = () if order.provider is None else agents_of(order.provider)
    grants = Grants(hidden=(folder.path,))
    if order.joined is not None and order.joined.cheat is not None:
        INSTALL[order.joined.cheat]()
    if order.joined is not None and order.joined.agents is not None:
        grants = attrs.evolve(
            grants, network=order.joined.network, unsandboxed=order.joined.unsandboxed
        )
        agents = trio.run(load_agents, Path(order.joined.agents), Limits(), grants)
    commit, reveal, accept = order.windows
    windows = Windows(commit=commit, reveal=reveal, accept=accept)
    config = run.NodeConfig(
        folder=folder,
        network=NetworkConfig(
            listen=(order.listen,), bootstrap=order.bootstrap, peer_store=folder.peers
        ),
        agents=agents,
        grants=grants,
        terms=Terms(windows=windows, arbiter=account_from_ss58(order.arbiter), drift=DRIFT),
        chain=order.chain,
        api_port=order.api_port,
        beside=lambda network: follow_refusals(network, Path(order.refused), say),
    )
    sells = [spec.offer.capability for spec in agents][:TOLD]
    keys = load_keys(folder, KeyChoice())
    trio.run(
        run.run_node,
        config,
        keys,
        lambda record: say({"ready": {**record.to_json(), "sells": sells}}),
    )
