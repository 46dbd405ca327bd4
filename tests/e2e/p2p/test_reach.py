"""Relay, AutoNAT and hole punching between processes in network namespaces.

Two nodes that have no route to each other, each behind a link of its own to a third; and two nodes each behind a
router that translates addresses and lets nobody in who was not asked for.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.e2e.p2p.test_churn import TOPIC, all_hear, no_exception_escaped, until
from tests.support.p2p_processes import Forks, Node, forks

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


ROUTER = """
table ip nat {
  chain out {
    type nat hook postrouting priority 100;
    oifname "wan" masquerade
  }
}
table ip filter {
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "lan" accept
  }
  chain input {
    type filter hook input priority 0; policy drop;
    ct state established,related accept
  }
}
"""
"""As home routers do: what was not asked for from inside is dropped without a word."""


@pytest.fixture(scope="module")
def nats() -> Iterator[str]:
    """Names of namespaces: NAME-r is the internet; NAME-a and NAME-b are each behind a router, NAME-na and NAME-nb."""
    made = f"ainurn{os.getpid()}"
    spaces = [f"{made}-{x}" for x in ("r", "na", "nb", "a", "b")]
    try:
        if shutil.which("ip") is None or shutil.which("nft") is None:
            pytest.skip(
                "NOT RUN: through NATs: no `ip` or `nft` (apt-get install iproute2 nftables)"
            )
        try:
            for space in spaces:
                ip("netns", "add", space)
                ip("link", "set", "lo", "up", namespace=space)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"NOT RUN: through NATs: no namespaces: {error.stderr}")
        inside(f"{made}-r", "sysctl", "-qw", "net.ipv4.ip_forward=1")
        for number, side in enumerate("ab", 1):
            router, host = f"{made}-n{side}", f"{made}-{side}"
            ip("link", "add", f"{side}0", "netns", f"{made}-r", "type", "veth",
               "peer", "name", "wan", "netns", router)  # fmt: skip
            ip("link", "add", "lan", "netns", router, "type", "veth",
               "peer", "name", "eth0", "netns", host)  # fmt: skip
            for space, device, address in (
                (f"{made}-r", f"{side}0", f"10.78.{number}.1/24"),
                (router, "wan", f"10.78.{number}.2/24"),
                (router, "lan", f"192.168.{number}.1/24"),
                (host, "eth0", f"192.168.{number}.2/24"),
            ):
                ip("addr", "add", address, "dev", device, namespace=space)
                ip("link", "set", device, "up", namespace=space)
            ip("route", "add", "default", "via", f"10.78.{number}.1", namespace=router)
            ip("route", "add", "default", "via", f"192.168.{number}.1", namespace=host)
            inside(router, "sysctl", "-qw", "net.ipv4.ip_forward=1")
            try:
                inside(router, "nft", "add table ip nat")
            except subprocess.CalledProcessError as error:
                pytest.skip(f"NOT RUN: through NATs: no netfilter: {error.stderr}")
            inside(router, "nft", "-f", "-", said=ROUTER)
        yield made
    finally:
        for space in spaces:
            subprocess.run(["ip", "netns", "del", space], check=False, capture_output=True)


def inside(space: str, *command: str, said: str = "") -> None:
    subprocess.run(
        ["ip", "netns", "exec", space, *command],
        input=said, check=True, capture_output=True, text=True,
    )  # fmt: skip


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
    until(lambda: any("p2p-circuit" in path for path in hidden.ask("paths", seeker.peer)))
    forward(name, on=True)
    until(
        lambda: any(
            "p2p-circuit" not in path
            for node, other in ((hidden, seeker), (seeker, hidden))
            for path in node.ask("paths", other.peer)
        )
    )
    assert seeker.ask("request", hidden.peer, "directly") == "directly"


def behind_routers(family: Forks, nats: str, **config: object) -> tuple[Node, Node, str]:
    """Start a relay and two nodes behind routers; return the nodes, and the first one's address through the relay."""
    anywhere = {"listen": ["/ip4/0.0.0.0/tcp/0"], **config}
    relay = family.start(
        "relay", netns=f"{nats}-r", limits=LIMITS, config={**anywhere, "relay_server": True}
    )
    hidden, seeker = (
        family.start(
            who,
            netns=f"{nats}-{side}",
            limits=LIMITS,
            config={**anywhere, "relays": [by(relay, network)]},
        )
        for who, side, network in (("hidden", "a", "10.78.1."), ("seeker", "b", "10.78.2."))
    )
    until(lambda: any("p2p-circuit" in a for a in hidden.addresses))
    [circuit] = [a for a in hidden.addresses if "p2p-circuit" in a]
    return hidden, seeker, circuit.replace("10.78.1.1", "10.78.2.1")


def test_a_node_behind_a_router_is_reached_by_one_behind_another_through_a_relay(
    family: Forks, nats: str
) -> None:
    hidden, seeker, circuit = behind_routers(family, nats)
    for address in ("192.168.1.2", "10.78.1.2"):
        with pytest.raises(RuntimeError, match="UnreachableError"):
            seeker.ask("connect", by(hidden, "192.168.1.").replace("192.168.1.2", address))
    assert seeker.ask("connect", circuit) == hidden.peer
    assert seeker.ask("request", hidden.peer, "through the relay") == "through the relay"
    assert all("p2p-circuit" in path for path in hidden.ask("paths", seeker.peer))


def test_a_hole_is_punched_through_two_routers_and_the_relay_is_needed_no_more(
    family: Forks, nats: str
) -> None:
    hidden, seeker, circuit = behind_routers(family, nats, hole_punching=True)
    seeker.ask("connect", circuit)
    until(
        lambda: any(
            "p2p-circuit" not in path
            for node, other in ((hidden, seeker), (seeker, hidden))
            for path in node.ask("paths", other.peer)
        )
    )
    family.nodes[0].end()
    assert seeker.ask("request", hidden.peer, "directly") == "directly"


def test_where_routers_give_each_peer_another_port_no_hole_is_punched_and_the_relay_goes_on(
    family: Forks, nats: str
) -> None:
    for side in "ab":
        translate(f"{nats}-n{side}", "masquerade fully-random")
    try:
        hidden, seeker, circuit = behind_routers(family, nats, hole_punching=True)
        seeker.ask("connect", circuit)
        tried = "layer=relay-circuit_v2-dcutr .*Failed to establish direct connection"
        until(lambda: any(re.search(tried, node.log.read_text()) for node in (hidden, seeker)))
        assert seeker.ask("request", hidden.peer, "as before") == "as before"
        assert all("p2p-circuit" in path for path in hidden.ask("paths", seeker.peer))
    finally:
        for side in "ab":
            translate(f"{nats}-n{side}", "masquerade")


def translate(router: str, how: str) -> None:
    inside(router, "nft", "flush chain ip nat out")
    inside(router, "nft", f'add rule ip nat out oifname "wan" {how}')


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
