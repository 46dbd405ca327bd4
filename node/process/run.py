"""All parts of a node, started in order and stopped in the opposite one."""

import logging
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final

import attrs
import trio

from market.identity import ss58_from_account
from market.messages import Capability
from node.agents.specs import AgentSpec
from node.api.serving import serve_api
from node.api.view import View
from node.directory.announcer import Announcer, Pace
from node.directory.service import SHARD, DirectoryService
from node.executor.limits import Grants, Limits
from node.p2p.config import NetworkConfig
from node.p2p.gossip import presence_topic
from node.p2p.network import Network, open_network
from node.process.agents import capability_of, open_agents
from node.process.datadir import DataDir, Record
from node.process.heads import open_head
from node.process.keys import NodeKeys
from node.process.market import open_market
from node.process.sequence import Sequence
from node.requester import Terms

__all__ = ["NodeConfig", "run_node"]

_LOG: Final = logging.getLogger("ainur.node")

DEFAULT_PACE: Final = Pace()
SOFTWARE: Final = f"ainur/{version('ainur')}"


@attrs.frozen(kw_only=True)
class NodeConfig:
    """Everything that is asked of a node."""

    folder: DataDir
    network: NetworkConfig
    capabilities: tuple[Capability, ...] = ()
    pace: Pace = DEFAULT_PACE
    chain: str | None = None
    """``ws://…``; without one the network has neither registry nor escrow."""
    api_port: int = 0
    beside: Callable[[Network], Awaitable[None]] | None = None
    """Runs beside the node, with its network; how a testnet cuts it off from others."""
    agents: tuple[AgentSpec, ...] = ()
    """What it sells, where there is a chain."""
    grants: Grants = attrs.field(factory=Grants)
    """What its agents are allowed."""
    slots: int = 1
    """Tasks that each agent works on side by side."""
    terms: Terms = attrs.field(factory=Terms)
    """Of what it buys."""


@asynccontextmanager
async def open_node(config: NodeConfig, keys: NodeKeys) -> AsyncIterator[Record]:
    """Run a node while the block runs.

    Raises:
        NetworkError: it cannot listen.
        ChainError: the chain does not answer.
        KeystoreError: its keys may not be used on this chain.
        StartError: its folder cannot be used.
        UsageError: peers would refuse what it says of itself.
        ExecutorError: an agent does not load, or may not run here.
        DatabaseError: the disk has failed, or what it holds is of a newer program.
    """
    limits = Limits(workers=config.slots)
    async with (
        open_agents(config.agents, limits, config.grants) as until_up,
        open_head(config.chain) as head,
    ):
        keys.refuse_development(is_dev_chain=head.is_dev_chain)
        async with (
            open_network(config.network, keys.transport_seed) as network,
            _beside(config, network),
        ):
            suffix = f"/p2p/{network.peer_id}"
            announcer = Announcer(
                topic=presence_topic(SHARD),
                head=head,
                operator=lambda: keys.signing(head.operator_key(keys.account, head.now().block)),
                transport=keys.transport,
                sequence=Sequence(config.folder.sequence),
                addresses=lambda: tuple(a.removesuffix(suffix) for a in network.multiaddrs),
                software=SOFTWARE,
                pace=config.pace,
            )
            agents = await until_up()
            sold = tuple(capability_of(agent.offer, config.slots) for agent in agents.values())
            capabilities = (*config.capabilities, *sold)
            announcer.message(capabilities)  # what peers would refuse is refused before the start
            service = DirectoryService(network, head, announcer)
            token = config.folder.new_token()
            async with (
                service.running(),
                open_market(
                    config.folder,
                    keys,
                    head,
                    network,
                    service,
                    agents=agents,
                    slots=config.slots,
                    terms=config.terms,
                    grants=config.grants,
                ) as trading,
            ):
                announcer.capabilities = capabilities  # only now can it do what it says
                announcer.soon()
                view = View(network, service, head, keys.account, SOFTWARE, trading)
                try:
                    async with serve_api(view, token, config.api_port) as url:
                        record = Record(
                            pid=os.getpid(),
                            api=url,
                            peer_id=network.peer_id,
                            account=ss58_from_account(keys.account),
                            multiaddrs=network.multiaddrs,
                        )
                        config.folder.write_record(record)
                        try:
                            yield record
                        finally:
                            if trading is not None:
                                trading.life.end_streams()  # before the API waits for them
                finally:
                    config.folder.record.unlink(missing_ok=True)


@asynccontextmanager
async def _beside(config: NodeConfig, network: Network) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:
        if config.beside is not None:
            nursery.start_soon(config.beside, network)
        yield
        nursery.cancel_scope.cancel()


async def run_node(config: NodeConfig, keys: NodeKeys, ready: Callable[[Record], None]) -> None:
    """Run a node until it is told to end, by Ctrl-C or SIGTERM.

    What was opened is closed in the opposite order, rather than cancelled all at once: a node that leaves says
    so while it still has a network.
    """
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            running = trio.Event()
            told = trio.Event()

            async def listen() -> None:
                async for number in signals:
                    _LOG.info("%s: ending", signal.Signals(number).name)
                    if told.is_set() or not running.is_set():
                        # It does not start, or does not end: then it is not waited for.
                        nursery.cancel_scope.cancel()
                    told.set()

            nursery.start_soon(listen)
            async with open_node(config, keys) as record:
                running.set()
                ready(record)
                await told.wait()
            nursery.cancel_scope.cancel()
