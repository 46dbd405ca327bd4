"""Twenty-five processes: a third killed, frozen or cut off, and healed; spam; Sybils."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

from node.api.client import connect
from node.directory.announcer import Pace
from node.p2p.dht import capability_key
from node.p2p.gossip import presence_topic
from node.process.datadir import DataDir
from tests.support.networks import PATIENCE
from tests.support.p2p_processes import Forks, Node, forks

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]

TOPIC = presence_topic(0)
NODES = 25
LIMITS = {"keepalive_seconds": 3.0}
TTL = 60
"""Seconds, as `ainur node run` has it."""
HEARTBEATS = 5
"""Who falls silent is listed for four more; the fifth is for a machine that does other work."""


@pytest.fixture
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    with forks(tmp_path_factory.mktemp("churn")) as made:
        yield made


def until(what: Callable[[], bool], seconds: float = 2 * PATIENCE) -> None:
    limit = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < limit, f"not within {seconds:g} s"
        time.sleep(0.3)


def start(family: Forks, count: int, prefix: str = "n") -> list[Node]:
    hubs = [family.start((prefix, i), limits=LIMITS) for i in range(2)]
    addresses = [hub.address for hub in hubs]
    rest = [
        family.start((prefix, i), ready=False, limits=LIMITS, config={"bootstrap": addresses})
        for i in range(2, count)
    ]
    for node in rest:
        node.wait_ready()
    hubs[1].ask("connect", addresses[0])
    for node in hubs + rest:
        node.ask("subscribe", TOPIC)
    return hubs + rest


def all_hear(nodes: list[Node], speaker: Node, words: str) -> None:
    """Everybody hears what one says, itself aside; said again until it has got round."""
    missing = {node.pid: node for node in nodes if node is not speaker}

    def heard() -> bool:
        speaker.ask("publish", TOPIC, words)
        time.sleep(0.5)
        for node in list(missing.values()):
            if words in node.ask("take_heard", TOPIC):
                del missing[node.pid]
        return not missing

    until(heard)


def no_exception_escaped(nodes: list[Node]) -> None:
    for node in nodes:
        assert "Traceback" not in node.log.read_text()


@attrs.frozen
class Agent:
    """A whole node of the test, which announces one capability."""

    node: Node
    number: int
    folder: DataDir

    @property
    def capability(self) -> str:
        return f"agent.number{self.number}"

    def lists(self) -> dict[str, list[str]]:
        """Return who announces what, as far as it knows."""
        answer = connect(self.folder).get("/v1/agents", limit=1_000)
        return {
            each["peer_id"]: [c["name"] for c in each["capabilities"]] for each in answer["agents"]
        }


def start_agent(family: Forks, folder: Path, number: int, *, bootstrap: list[str]) -> Agent:
    data = DataDir(folder / f"n{number}")
    node = family.start(
        ("agent", number),
        ready=False,
        limits=LIMITS,
        config={"bootstrap": bootstrap, "peer_store": str(data.peers)},
        data_dir=str(data.path),
        announce=f"agent.number{number}",
        ttl=TTL,
    )
    return Agent(node, number, data)


def until_right(*groups: list[Agent]) -> None:
    """Within five heartbeats each node lists those of its own group, with what they announce, and nobody else."""
    wrong: list[Agent] = []

    def is_right() -> bool:
        wrong[:] = []
        for group in groups:
            right = {agent.node.peer: [agent.capability] for agent in group}
            wrong.extend(agent for agent in group if agent.lists() != right)
        return not wrong

    try:
        until(is_right, HEARTBEATS * Pace(TTL).heartbeat)
    except AssertionError:
        shown = {
            agent.number: sorted(name for names in agent.lists().values() for name in names)
            for agent in wrong
        }
        pytest.fail(f"not right within {HEARTBEATS} heartbeats: {shown}")


def test_a_third_killed_frozen_or_cut_off_and_every_directory_is_right_within_five_heartbeats(
    family: Forks, tmp_path: Path
) -> None:
    hubs = [start_agent(family, tmp_path, 0, bootstrap=[])]
    hubs[0].node.wait_ready()
    addresses = [hubs[0].node.address]
    hubs.append(start_agent(family, tmp_path, 1, bootstrap=addresses))
    hubs[1].node.wait_ready()
    addresses.append(hubs[1].node.address)
    rest = [start_agent(family, tmp_path, i, bootstrap=addresses) for i in range(2, NODES)]
    for agent in rest:
        agent.node.wait_ready()
    agents = hubs + rest
    until(lambda: all(agent.folder.record.exists() for agent in agents))
    until_right(agents)

    killed, frozen, cut_off, well = agents[2:5], agents[5:8], agents[8:11], hubs + agents[11:]
    for agent in cut_off[1:]:  # whoever knows nobody but those it is cut off from is alone
        agent.node.ask("connect", cut_off[0].node.address)
    for agent in killed:
        agent.node.signal(signal.SIGKILL)
    for agent in frozen:
        agent.node.signal(signal.SIGSTOP)
    for side, other in ((cut_off, well), (well, cut_off)):
        for agent in side:
            agent.node.ask("refuse", [each.node.peer for each in other])
    until_right(well, cut_off)

    for agent in frozen:
        agent.node.signal(signal.SIGCONT)
    for agent in cut_off + well:
        agent.node.ask("refuse", [])
    back = [start_agent(family, tmp_path, each.number, bootstrap=addresses) for each in killed]
    for agent in back:
        agent.node.wait_ready()
    assert [agent.node.peer for agent in back] == [agent.node.peer for agent in killed]
    until(lambda: all(agent.folder.record.exists() for agent in back))
    until_right(well + cut_off + frozen + back)
    no_exception_escaped([agent.node for agent in agents + back])


def test_a_node_restarted_ten_times_among_others_leaves_nothing_behind_in_them(
    family: Forks,
) -> None:
    nodes = start(family, 8)
    all_hear(nodes, nodes[-1], "all here")
    addresses = [node.address for node in nodes[:2]]
    before = None
    for turn in range(11):
        extra = family.start("extra", limits=LIMITS, config={"bootstrap": addresses})
        extra.ask("subscribe", TOPIC)
        until(lambda: len(extra.ask("peers")) >= 2)  # noqa: B023
        extra.end()
        until(lambda: not any(extra.peer in node.ask("peers") for node in nodes))  # noqa: B023
        if turn == 0:
            until(lambda: all(len(node.ask("peers")) >= 2 for node in nodes))
            before = [node.ask("stats") for node in nodes]
    assert before is not None
    time.sleep(2.0)
    for node, was in zip(nodes, before, strict=True):
        now = node.ask("stats")
        # Nodes go on finding each other by the DHT meanwhile: a connection more is no leak.
        assert now["fds"] <= was["fds"] + len(nodes)
        assert now["rss"] < was["rss"] + 32 * 2**20
    no_exception_escaped(nodes)


def test_spam_graylists_its_sender_and_honest_messages_arrive_as_before(family: Forks) -> None:
    nodes = start(family, 10)
    target, honest = nodes[0], nodes[3]
    liar = family.start("liar", limits=LIMITS, config={"bootstrap": [target.address]})
    liar.ask("subscribe", TOPIC)
    until(lambda: target.peer in liar.ask("listeners", TOPIC))
    all_hear([*nodes, liar], honest, "before")
    for i in range(30):
        liar.ask("publish", TOPIC, f"bad {i}")

    def victims() -> list[Node]:
        """Those who had the liar in their mesh, which it sends to."""
        return [n for n in nodes if n.ask("peers").get(liar.peer, 0.0) < -1000]

    until(lambda: bool(victims()))
    victim = victims()[0]
    all_hear(nodes, honest, "meanwhile")
    liar.end()
    until(lambda: liar.peer not in victim.ask("peers"))
    again = family.start("liar", limits=LIMITS, config={"bootstrap": [victim.address]})
    until(lambda: again.peer in victim.ask("peers"))
    assert victim.ask("peers")[again.peer] < -1000
    all_hear(nodes, honest, "after")
    no_exception_escaped(nodes)


def test_twenty_sybils_on_a_key_do_not_hide_an_honest_provider(family: Forks) -> None:
    nodes = start(family, 5)
    key = capability_key("text.summarize", 0, 0).hex()
    addresses = [node.address for node in nodes[:2]]
    sybils = [
        family.start(("sybil", i), ready=False, limits=LIMITS, config={"bootstrap": addresses})
        for i in range(20)
    ]
    for sybil in sybils:
        sybil.wait_ready()
        until(lambda: bool(sybil.ask("peers")))  # noqa: B023
        until(lambda: sybil.ask("provide", key))  # noqa: B023
    honest, seeker = nodes[3], nodes[4]
    until(lambda: honest.ask("provide", key))
    for _ in range(5):
        assert honest.peer in seeker.ask("find_providers", key)
