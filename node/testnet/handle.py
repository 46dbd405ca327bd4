"""A running testnet in the hands of a test or a program."""

from pathlib import Path

from node.api.client import Client, connect
from node.testnet import control
from node.testnet.client import order
from node.testnet.config import NodeView, TestnetView
from node.testnet.home import Folder

__all__ = ["CHAIN", "Testnet"]

CHAIN = "chain"
"""The chain's name, where a node's could stand."""


class Testnet:
    """Looks at a testnet, and does to it what ``ainur testnet`` can.

    Raises:
        TestnetError: from every method, where the testnet refuses or does not answer.
    """

    __test__ = False  # not a class of tests, whatever its name

    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    @property
    def view(self) -> TestnetView:
        """The testnet as it is now."""
        return order(self.folder, "status")

    @property
    def chain_url(self) -> str:
        """``ws://…``, the same while the testnet runs."""
        return self.view.chain.url

    @property
    def names(self) -> list[str]:
        """The nodes' names."""
        return [node.name for node in self.view.nodes]

    def node(self, name: str) -> NodeView:
        """Return a node as it is now."""
        return self.view.node(name)

    def api(self, name: str) -> Client:
        """Return a client of a node's local API."""
        return connect(self.folder.node(name))

    def data_dir(self, name: str) -> Path:
        """Return a node's folder, for commands that take ``--data-dir``."""
        return self.folder.node(name).path

    def log(self, name: str) -> str:
        """Return what a node, or the chain, has logged."""
        path = self.folder.chain.log if name == CHAIN else self.folder.node_log(name)
        return path.read_text(errors="replace")

    def add_agent(self, file: Path, *, network: bool = False, unsandboxed: bool = False) -> str:
        """Start one more node, which sells the agents that a file declares; return its name."""
        view = order(
            self.folder, "add-agent", agents=str(file.absolute()), network=network, unsandboxed=unsandboxed,
        )  # fmt: skip
        return view.nodes[-1].name

    def add_cheater(self, kind: str) -> str:
        """Start one more node, which cheats in one way of :data:`~node.testnet.config.CHEATS`; return its name."""
        return order(self.folder, "add-cheater", kind=kind).nodes[-1].name

    def kill(self, name: str) -> None:
        """Kill a node, or the chain, as a power cut would."""
        order(self.folder, "kill", node=name)

    def freeze(self, name: str) -> None:
        """Stop a node, or the chain, where it is: nobody answers there; :meth:`start` ends it."""
        order(self.folder, "freeze", node=name)

    def start(self, name: str) -> None:
        """Bring back a node, or the chain, that was killed or frozen."""
        order(self.folder, "start", node=name)

    def partition(self, *sides: list[str]) -> None:
        """Cut the nodes of each side off from all others; those who are not named are one more side."""
        order(self.folder, "partition", sides=list(sides))

    def heal(self) -> None:
        """End the partition."""
        order(self.folder, "heal")

    def mend(self) -> None:
        """Undo all faults: everything runs, nobody is cut off."""
        view = self.view
        states = {CHAIN: view.chain_state, **{node.name: node.state for node in view.nodes}}
        for name, state in states.items():
            if state != "running":
                self.start(name)
        if any(node.refuses for node in view.nodes):
            self.heal()

    def reset(self) -> None:
        """Begin anew: another chain, nodes that remember nothing."""
        control.reset(self.folder)

    def down(self) -> None:
        """Stop all of it."""
        control.down(self.folder)
