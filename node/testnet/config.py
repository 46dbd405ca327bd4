"""How a testnet is started, and what it then is."""

from typing import Any, Literal

import attrs

from node.chainhost.config import Record as ChainRecord
from node.chainhost.files import read_json
from node.testnet.errors import TestnetError
from node.testnet.home import Folder

__all__ = [
    "CHAIN_PROGRAM",
    "CHEATS",
    "NODE_PROGRAM",
    "RUNTIME_PROGRAM",
    "USUAL_WINDOWS",
    "Joined",
    "NodeView",
    "State",
    "TestnetConfig",
    "TestnetView",
]

VERSION = 1
NODE_PROGRAM = "node.testnet.node_program:run_node"
CHAIN_PROGRAM = "node.testnet.chain_program:run_chain_process"
RUNTIME_PROGRAM = "node.testnet.chain_program:load_runtime"

CHEATS = ("non-revealer", "late", "wrong-result", "non-deliverer", "silent-requester")
"""How a node can cheat; see :mod:`node.testnet.cheats`."""

USUAL_WINDOWS = (2, 2, 3)
"""Blocks, of :data:`node.trade.calls.CI_WINDOWS`."""

State = Literal["starting", "running", "frozen", "killed", "ended"]
"""Of a process; ``ended`` is by itself, ``killed`` as it was asked."""


@attrs.frozen
class Joined:
    """A node that joined later: to sell agents of the user's own, or to cheat."""

    name: str
    agents: str | None = None
    """The file that declares what it sells; None: what comes with the node."""
    cheat: str | None = None
    """One of :data:`CHEATS`."""
    network: bool = False
    """Whether they may use the network."""
    unsandboxed: bool = False
    """Whether they may run where there is no sandbox."""


@attrs.frozen
class TestnetConfig:
    """Everything that was asked for."""

    __test__ = False  # not a class of tests, whatever its name

    name: str
    data_dir: str
    nodes: int
    seed: str
    """Gives all keys and the genesis."""
    is_seeded: bool
    """Whether the seed was asked for; else a reset takes another one."""
    backend: str = "embedded"
    program: str = NODE_PROGRAM
    """What a node's process runs, as ``module:function``."""
    owner: int | None = None
    """A process with which it ends; None: it stays until it is stopped."""
    joined: tuple[Joined, ...] = ()
    """Nodes beyond those that it began with, in order."""
    windows: tuple[int, int, int] = USUAL_WINDOWS
    """Blocks that committing, revealing and accepting may take in auctions."""

    def to_json(self) -> dict[str, Any]:
        """Return what is written down."""
        return {"version": VERSION, **attrs.asdict(self)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "TestnetConfig":
        """Return what was written, without its version.

        Raises:
            TypeError: it has other fields.
        """
        joined = tuple(Joined(**each) for each in value["joined"])
        commit, reveal, accept = value.get("windows", USUAL_WINDOWS)
        return cls(**{**value, "joined": joined, "windows": (commit, reveal, accept)})

    @classmethod
    def read(cls, folder: Folder) -> "TestnetConfig | None":
        """Return how a testnet was last started, or None where it never was.

        Raises:
            TestnetError: another version of this program wrote it.
        """
        value = read_json(folder.config)
        if value is None:
            return None
        try:
            if value.pop("version") == VERSION:
                return cls.from_json(value)
        except (KeyError, TypeError):
            pass
        raise TestnetError(
            f"{folder.config} is of another version of this program: remove {folder.path}"
        )


@attrs.frozen
class NodeView:
    """A node as it is shown."""

    name: str
    state: State
    pid: int | None
    peer_id: str
    account: str
    agents: tuple[str, ...]
    """The capabilities that it sells."""
    api: str | None
    """``http://127.0.0.1:PORT``; None while it does not run."""
    multiaddr: str
    """Where peers reach it."""
    data_dir: str
    is_provider: bool
    refuses: tuple[str, ...] = ()
    """The names of the nodes that it is cut off from."""
    cheat: str | None = None
    """How it cheats; None: it is honest."""
    status: int | None = None
    """Exit code, or minus the signal that ended it; None while it runs."""


@attrs.frozen
class TestnetView:
    """A testnet as it is shown."""

    __test__ = False

    name: str
    data_dir: str
    pid: int
    """The supervisor's."""
    seed: str
    chain: ChainRecord
    chain_state: State
    arbiter: str
    """The account that rules in disputes; its key lies in the folder's keystore."""
    nodes: tuple[NodeView, ...]

    def node(self, name: str) -> NodeView:
        """Return a node.

        Raises:
            KeyError: there is none of that name.
        """
        return {node.name: node for node in self.nodes}[name]

    def to_json(self) -> dict[str, Any]:
        """Return what is shown."""
        value = attrs.asdict(self)
        value["chain"] = {**self.chain.to_json(), "state": value.pop("chain_state")}
        del value["chain"]["version"]
        return value

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "TestnetView":
        """Return what :meth:`to_json` made."""
        chain = dict(value["chain"])
        state = chain.pop("state")
        fields = {field.name for field in attrs.fields(ChainRecord)}
        nodes = tuple(
            NodeView(**{**n, "agents": tuple(n["agents"]), "refuses": tuple(n["refuses"])})
            for n in value["nodes"]
        )
        record = ChainRecord(**{k: v for k, v in chain.items() if k in fields})
        return cls(**{**value, "chain": record, "chain_state": state, "nodes": nodes})
