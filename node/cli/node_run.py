"""What ``ainur node run`` does; apart from its options, since it imports the whole node."""

from collections.abc import Callable
from pathlib import Path

import trio

from chain.errors import ChainError
from market.errors import UsageError
from market.hashing import Hash
from market.messages import Blob, Capability
from market.units import Planck
from node.agents.builtin import builtin_agents
from node.agents.specs import AgentSpec
from node.chainhost.daemon import first_of
from node.database import DatabaseError
from node.directory.announcer import Pace
from node.executor.errors import ExecutorError
from node.executor.limits import Grants, Limits
from node.executor.loading import load_agents
from node.keystore.errors import KeystoreError
from node.p2p.config import DEFAULT_LISTEN, NetworkConfig
from node.p2p.errors import NetworkError
from node.process.datadir import DataDir, Record
from node.process.errors import NodeProcessError, StartError
from node.process.keys import KeyChoice, load_keys
from node.process.run import NodeConfig, run_node
from node.requester import Terms
from node.trade.calls import Windows

__all__ = ["errors_of_the_node", "run_foreground"]

_ANYTHING = b"true"
"""The JSON-Schema that every value satisfies: what is announced by name alone says no more."""


def errors_of_the_node() -> tuple[type[Exception], ...]:
    """Return the errors that end the command with a message; those that cost an import to name."""
    return (NetworkError, ExecutorError, DatabaseError)


def capability_of(name: str, text: str) -> Capability:
    """Return a capability that says nothing but its name and a text."""
    import hashlib

    schema = Blob(
        hash=Hash(hashlib.blake2b(_ANYTHING, digest_size=32).digest()),
        size=len(_ANYTHING),
        media_type="application/schema+json",
    )
    return Capability(
        name=name, version=1, description=text, input_schema=schema, output_schema=schema,
        typical_price=Planck(0), free_slots=1,
    )  # fmt: skip


def run_foreground(
    folder: DataDir,
    tell: Callable[[Record], None],
    ask: Callable[[str], str] | None,
    *,
    listen: tuple[str, ...],
    bootstrap: tuple[str, ...],
    bootstrap_file: Path | None,
    mdns: bool,
    announce: tuple[tuple[str, str], ...],
    agent_files: tuple[Path, ...],
    builtin: bool,
    slots: int,
    windows: tuple[int, int, int],
    allow_network: bool,
    allow_unsandboxed: bool,
    ttl: int,
    chain_url: str | None,
    api_port: int,
    key: str | None,
    transport_key: str | None,
    keystore: Path | None,
    passphrase_file: Path | None,
) -> None:
    """Run a node in this process until it is told to end.

    Raises:
        NodeProcessError: it cannot start.
        KeystoreError: its keys cannot be used.
        NetworkError: it cannot listen.
        ChainError: the chain does not answer.
        UsageError: an option is none.
        ExecutorError: an agent does not load, or may not run here.
        DatabaseError: the disk has failed, or what it holds is of a newer program.
    """
    commit, reveal, accept = windows
    grants = Grants(network=allow_network, unsandboxed=allow_unsandboxed, hidden=(folder.path,))
    with folder.locked():
        keys = load_keys(folder, KeyChoice(keystore, key, transport_key, passphrase_file), ask)
        config = NodeConfig(
            folder=folder,
            network=NetworkConfig(
                listen=listen or DEFAULT_LISTEN,
                bootstrap=bootstrap,
                bootstrap_file=bootstrap_file,
                mdns=mdns,
                peer_store=folder.peers,
            ),
            capabilities=tuple(capability_of(name, text) for name, text in announce),
            pace=Pace(ttl),
            chain=chain_url,
            api_port=api_port,
            agents=trio.run(_declared, agent_files, builtin, grants),
            grants=grants,
            slots=slots,
            terms=Terms(windows=Windows(commit=commit, reveal=reveal, accept=accept)),
        )
        refusal: Exception | None = None
        try:
            trio.run(run_node, config, keys, tell)
        except* (
            *(NodeProcessError, KeystoreError, NetworkError, ChainError, UsageError),
            *(ExecutorError, DatabaseError),
        ) as group:
            # Nurseries wrap what ends them; a start that failed has one reason.
            refusal = first_of(group)
        except* OSError as group:
            refusal = StartError(f"the node cannot go on: {first_of(group)}")
        if refusal is not None:
            raise refusal


async def _declared(
    files: tuple[Path, ...], builtin: bool, grants: Grants
) -> tuple[AgentSpec, ...]:
    """Return the agents that are to be sold: of what comes with the node the first of each capability."""
    found: dict[str, AgentSpec] = {}
    for spec in builtin_agents() if builtin else ():
        found.setdefault(spec.offer.capability, spec)
    named: list[AgentSpec] = []
    for file in files:
        named += await load_agents(file, Limits(), grants)
    return (*(s for n, s in found.items() if n not in {a.offer.capability for a in named}), *named)
