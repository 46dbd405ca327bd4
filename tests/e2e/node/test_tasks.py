"""Tasks bought and sold by real processes: a chain, nodes, their agents, and the command line."""

import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from market.identity import Identity
from market.units import AINU
from node.process.datadir import DataDir
from node.process.keys import KeyChoice, load_keys
from tests.support.markets import Market
from tests.support.node_processes import NodeProcess, ainur, until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.chain,
    pytest.mark.market,
    pytest.mark.timeout(400),
]

AGENT = """
import asyncio
from ainur import agent

@agent(capability="text.wordcount", price="0.02 AINU")
async def wordcount(task):
    await task.progress(0.5)
    await asyncio.sleep(task.input.get("seconds", 0))
    return {"words": len(task.input["text"].split())}
"""


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "chain"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    up = ainur(
        *("chain", "up", "--seal", "0.25", "--finality-lag", "2", "--preset", "testnet"),
        *("--port", str(port), "--json"),
        folder=folder,
    )
    assert up.returncode == 0, up.stderr
    yield f"ws://127.0.0.1:{port}"
    down = ainur("chain", "down", folder=folder)
    assert down.returncode == 0, down.stderr


class Town:
    """A chain and the nodes on it."""

    def __init__(self, folder: Path, chain: str) -> None:
        self.folder, self.chain = folder, chain
        self.running: dict[str, NodeProcess] = {}
        (folder / "agent.py").write_text(AGENT)

    def settle(self, bonds: dict[str, int]) -> None:
        """Make keys, and fund, register and bond their accounts."""

        async def register() -> None:
            market = Market(self.chain, self.folder)
            async with trio.open_nursery() as nursery:
                for name, bond in bonds.items():
                    identity = self.identity(name)

                    async def one(identity: Identity = identity, bond: int = bond) -> None:
                        await market.register(identity, bond=bond)

                    nursery.start_soon(one)

        trio.run(register)

    def identity(self, name: str) -> Identity:
        folder = DataDir(self.folder / name)
        with folder.locked():
            return load_keys(folder, KeyChoice()).operator

    def start(self, name: str, *options: str) -> NodeProcess:
        others = [f"--bootstrap={each.address}" for each in self.running.values()]
        node = NodeProcess(
            self.folder / name, "--chain", self.chain, "--windows", "60,60,60", *others, *options
        )
        self.running[name] = node
        return node

    def provider(self, name: str) -> NodeProcess:
        return self.start(name, "--agent", str(self.folder / "agent.py"))


@pytest.fixture
def town(tmp_path: Path, chain: str) -> Iterator[Town]:
    made = Town(tmp_path, chain)
    yield made
    for node in made.running.values():
        node.kill()


def submit(node: NodeProcess, *options: str, seconds: float = 0.0) -> list[str]:
    given = json.dumps({"text": "to be or not to be", "seconds": seconds})
    return [
        *("submit", "text.wordcount", "--input", given, "--budget", "1 AINU"),
        *("--deadline", "4m", *options),
    ]


def offered_by(node: NodeProcess) -> int:
    return len(node.ask("find", "text.wordcount")["matches"])


def test_a_task_is_bought_on_the_command_line_watched_and_paid(town: Town, tmp_path: Path) -> None:
    town.settle({"alice": 0, "bob": 200 * AINU, "carol": 200 * AINU})
    alice = town.start("alice")
    town.provider("bob")
    town.provider("carol")
    until(lambda: offered_by(alice) == 2)
    done = ainur(*submit(alice), "--watch", folder=alice.folder)
    assert done.returncode == 0, done.stderr + alice.log.read_text()
    steps = [line.split(": ")[0].split()[-1] for line in done.stderr.splitlines()]
    for step in ("called", "committed", "closed", "award", "escrow", "checked", "settled", "ended"):
        assert step in steps, done.stderr
    assert "released: paid 0.02 AINU" in done.stdout
    assert done.stdout.endswith('{"words": 6}\n')
    task = done.stdout.split()[0]
    got = ainur("task", "result", task, folder=alice.folder)
    assert json.loads(got.stdout) == {"words": 6}
    saved = str(tmp_path / "auction.file")
    assert ainur("task", "auction", task, saved, folder=alice.folder).returncode == 0
    checked = ainur("auction", "verify", saved, "--chain", town.chain, "--json")
    assert json.loads(checked.stdout)["ok"], checked.stdout
    shown = alice.ask("task", "show", task)
    assert shown["task"]["ended"] == "released: paid 0.02 AINU"
    kinds = [event["kind"] for event in shown["events"]]
    assert kinds[0] == "submitted"
    assert kinds[-1] == "ended"
    assert [each["id"] for each in alice.ask("task", "list")["tasks"]] == [task]
    for name, node in town.running.items():
        assert node.stop() == 0, name
        assert "Traceback" not in node.log.read_text()


def test_whoever_is_killed_goes_on_after_its_restart_and_is_paid_once(town: Town) -> None:
    town.settle({"alice": 0, "bob": 200 * AINU})
    alice, bob = town.start("alice"), town.provider("bob")
    until(lambda: offered_by(alice) == 1)
    [task] = alice.ask(*submit(alice, seconds=2.0))["tasks"]

    def events(node: NodeProcess) -> list[str]:
        shown = node.ask("task", "show", task["id"])
        return [event["kind"] for event in shown["events"]]

    until(lambda: "progress" in events(alice))
    bob.kill()
    alice.kill()
    assert bob.process.returncode == alice.process.returncode == -signal.SIGKILL
    town.running.clear()
    alice = town.start("alice")
    town.provider("bob")
    until(lambda: "ended" in events(alice))
    shown = alice.ask("task", "show", task["id"])["task"]
    assert shown["ended"].startswith("released: paid")
    assert shown["provider"] == town.running["bob"].record["account"]
