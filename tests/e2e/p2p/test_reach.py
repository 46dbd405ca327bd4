"""Relay, AutoNAT and hole punching between processes in network namespaces.

Two nodes that have no route to each other, each behind a link of its own to a third.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.e2e.p2p.test_churn import TOPIC, all_hear, no_exception_escaped, until
from tests.support.p2p_processes import Forks, forks

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

LIMITS = {"keepalive_seconds": 5.0}


def ip(*arguments: str, namespace: str | None = None) -> None:
    where = ("-n", namespace) if namespace else ()
    subprocess.run(["ip", *where, *arguments], check=True, capture_output=True, text=True)


@pytest.fixture(scope="module")
def name() -> Iterator[str]:
    """Names of namespaces: NAME-r joined to NAME-a and NAME-b, which are not joined to each other."""
    made = f"ainur{os.getpid()}"
    spaces = [f"{made}-{x}" for x in "rab"]
    try:
        if shutil.which("ip") is None:
            pytest.skip(
                "NOT RUN: relay, AutoNAT, hole punching: no `ip` (apt-get install iproute2)"
            )
        try:
            for space in spaces:
                ip("netns", "add", space)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"NOT RUN: relay, AutoNAT, hole punching: no namespaces: {error.stderr}")
        for space in spaces:
            ip("link", "set", "lo", "up", namespace=space)
        for number, side in enumerate("ab", 1):
            ip("link", "add", f"{side}0", "netns", f"{made}-r", "type", "veth",
               "peer", "name", "eth0", "netns", f"{made}-{side}")  # fmt: skip
            ip("addr", "add", f"10.77.{number}.1/24", "dev", f"{side}0", namespace=f"{made}-r")
            ip("addr", "add", f"10.77.{number}.2/24", "dev", "eth0", namespace=f"{made}-{side}")
            ip("link", "set", f"{side}0", "up", namespace=f"{made}-r")
            ip("link", "set", "eth0", "up", namespace=f"{made}-{side}")
            ip("route", "add", "default", "via", f"10.77.{number}.1", namespace=f"{made}-{side}")
        yield made
    finally:
        for space in spaces:
            subprocess.run(["ip", "netns", "del", space], check=False, capture_output=True)


@pytest.fixture
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    with forks(tmp_path_factory.mktemp("reach")) as made:
        yield made


def forward(name: str, *, on: bool) -> None:
    """Let the middle route between the two sides, or not."""
    subprocess.run(
        ["ip", "netns", "exec", f"{name}-r", "sysctl", "-qw", f"net.ipv4.ip_forward={int(on)}"],
        check=True,
    )


def by(node: object, prefix: str) -> str:
    [address] = [a for a in node.addresses if prefix in a and "p2p-circuit" not in a]  # type: ignore[attr-defined]
    return str(address)


def test_a_node_is_reached_through_a_relay_by_one_that_has_no_route_to_it(
    family: Forks, name: str
) -> None:
    forward(name, on=False)
    anywhere = {"listen": ["/ip4/0.0.0.0/tcp/0"]}
    relay = family.start(
        "relay", netns=f"{name}-r", limits=LIMITS, config={**anywhere, "relay_server": True}
    )
    hidden = family.start(
        "hidden",
        netns=f"{name}-a",
        limits=LIMITS,
        config={**anywhere, "relays": [by(relay, "10.77.1.")]},
    )
    until(lambda: any("p2p-circuit" in a for a in hidden.addresses))
    [circuit] = [a for a in hidden.addresses if "p2p-circuit" in a]
    seeker = family.start(
        "seeker",
        netns=f"{name}-b",
        limits=LIMITS,
        config={**anywhere, "relays": [by(relay, "10.77.2.")]},
    )
    with pytest.raises(RuntimeError, match="UnreachableError"):
        seeker.ask("connect", by(hidden, "10.77.1."))
    through = circuit.replace("10.77.1.1", "10.77.2.1")
    assert seeker.ask("connect", through) == hidden.peer
    assert seeker.ask("request", hidden.peer, "through the relay") == "through the relay"
    assert any("p2p-circuit" in path for path in hidden.ask("paths", seeker.peer))
    big = "x" * 300_000
    assert seeker.ask("request", hidden.peer, big) == big
    assert hidden.ask("request", seeker.peer, "and back") == "and back"


def test_a_node_that_can_be_dialled_learns_that_and_one_that_cannot_learns_that(
    family: Forks, name: str
) -> None:
    servers = [
        family.start(
            ("server", i),
            netns=f"{name}-r",
            limits=LIMITS,
            config={"listen": ["/ip4/10.77.1.1/tcp/0"], "autonat": True},
        )
        for i in range(3)
    ]
    bootstrap = [server.address for server in servers]
    asks = {"autonat": True, "bootstrap": bootstrap}
    public = family.start(
        "public",
        netns=f"{name}-a",
        limits=LIMITS,
        config={"listen": ["/ip4/10.77.1.2/tcp/0"], **asks},
    )
    private = family.start(
        "private",
        netns=f"{name}-a",
        limits=LIMITS,
        # What a router without a forwarded port does: the address is right, and nobody answers.
        config={"listen": ["/ip4/127.0.0.1/tcp/0"], "announce": ["/ip4/10.77.1.2/tcp/9"], **asks},
    )
    until(lambda: public.ask("reachability") == "public")
    until(lambda: private.ask("reachability") == "private")


def test_a_relayed_connection_becomes_a_direct_one_where_there_is_a_way(
    family: Forks, name: str
) -> None:
    forward(name, on=False)
    anywhere = {"listen": ["/ip4/0.0.0.0/tcp/0"], "hole_punching": True}
    relay = family.start(
        "relay", netns=f"{name}-r", limits=LIMITS, config={**anywhere, "relay_server": True}
    )
    hidden = family.start(
        "hidden",
        netns=f"{name}-a",
        limits=LIMITS,
        config={**anywhere, "relays": [by(relay, "10.77.1.")]},
    )
    until(lambda: any("p2p-circuit" in a for a in hidden.addresses))
    [circuit] = [a for a in hidden.addresses if "p2p-circuit" in a]
    seeker = family.start(
        "seeker",
        netns=f"{name}-b",
        limits=LIMITS,
        config={**anywhere, "relays": [by(relay, "10.77.2.")]},
    )
    seeker.ask("connect", circuit.replace("10.77.1.1", "10.77.2.1"))
    assert any("p2p-circuit" in path for path in hidden.ask("paths", seeker.peer))
    forward(name, on=True)
    until(
        lambda: any(
            "p2p-circuit" not in path
            for node, other in ((hidden, seeker), (seeker, hidden))
            for path in node.ask("paths", other.peer)
        )
    )
    assert seeker.ask("request", hidden.peer, "directly") == "directly"


def test_neighbours_on_a_lan_find_each_other_without_an_address(family: Forks, name: str) -> None:
    lan = {"listen": ["/ip4/0.0.0.0/tcp/0"], "mdns": True}
    # One on each end of a cable.
    first = family.start("first", netns=f"{name}-a", limits=LIMITS, config=lan)
    second = family.start("second", netns=f"{name}-r", limits=LIMITS, config=lan)
    until(lambda: second.peer in first.ask("peers"))
    assert first.ask("request", second.peer, "neighbour") == "neighbour"


def test_two_halves_that_were_cut_apart_hear_each_other_again_when_the_cable_is_back(
    family: Forks, name: str
) -> None:
    forward(name, on=True)
    anywhere = {"listen": ["/ip4/0.0.0.0/tcp/0"]}
    hub = family.start("hub", netns=f"{name}-r", limits=LIMITS, config=anywhere)
    near, far = (
        [
            family.start(
                (side, i),
                netns=f"{name}-{side}",
                limits=LIMITS,
                config={**anywhere, "bootstrap": [by(hub, network)]},
            )
            for i in range(3)
        ]
        for side, network in (("a", "10.77.1."), ("b", "10.77.2."))
    )
    everybody = [hub, *near, *far]
    for node in everybody:
        node.ask("subscribe", TOPIC)
    all_hear(everybody, near[0], "together")
    ip("link", "set", "a0", "down", namespace=f"{name}-r")
    cut = {node.peer for node in near}
    until(lambda: not any(cut & set(node.ask("peers")) for node in [hub, *far]))
    all_hear([hub, *far], far[0], "without them")
    ip("link", "set", "a0", "up", namespace=f"{name}-r")
    all_hear(everybody, near[1], "we are back")
    all_hear(everybody, far[1], "welcome")
    no_exception_escaped(everybody)
