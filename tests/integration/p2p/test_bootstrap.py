"""How a node finds its first peers, and finds them again."""

from pathlib import Path

import pytest
import trio

from market.identity import PeerId
from node.p2p.config import NetworkConfig
from node.p2p.errors import NetworkUsageError
from node.p2p.mdns import decode_text_untrusted, encode_text
from node.p2p.network import open_network
from node.p2p.peerbook import read_bootstrap_file, read_peers, write_peers
from tests.support.networks import eventually, networks, seed_of

pytestmark = pytest.mark.integration

PEER = PeerId("12D3KooWNxU7ox7ov6KC8RBrq37Ajt5ZhxMdHE1mbjEfZMYGBGw3")


async def test_a_node_connects_to_its_bootstrap_addresses_from_argument_and_file(
    tmp_path: Path,
) -> None:
    async with networks(2, star=False) as (a, b):
        file = tmp_path / "peers.txt"
        file.write_text(f"# the second one\n\n{b.multiaddrs[0]}  # here\n")
        config = NetworkConfig(bootstrap=a.multiaddrs, bootstrap_file=file)
        async with open_network(config, seed_of("new")) as new:
            await eventually(lambda: {p.peer for p in new.peers()} == {a.peer_id, b.peer_id})


async def test_a_bootstrap_peer_that_comes_later_is_reached_then() -> None:
    async with open_network(NetworkConfig(), seed_of("later")) as first:
        address = first.multiaddrs[0]
    async with open_network(NetworkConfig(bootstrap=(address,)), seed_of("new")) as new:
        await trio.sleep(2.0)
        assert not new.peers()
        port = address.split("/")[4]
        again = NetworkConfig(listen=(f"/ip4/127.0.0.1/tcp/{port}",))
        async with open_network(again, seed_of("later")) as back:
            await eventually(lambda: [p.peer for p in new.peers()] == [back.peer_id])


async def test_a_node_that_is_cut_off_comes_back_by_itself() -> None:
    async with networks(1) as (a,):
        config = NetworkConfig(bootstrap=a.multiaddrs)
        async with open_network(config, seed_of("new")) as new:
            await eventually(lambda: bool(new.peers()))
            await a.disconnect(new.peer_id)
            await eventually(lambda: not new.peers())
            await eventually(lambda: bool(new.peers()))


async def test_a_restarted_node_rejoins_from_its_own_store_without_a_bootstrap(
    tmp_path: Path,
) -> None:
    store = tmp_path / "data" / "peers.json"
    async with networks(2) as (a, b):
        config = NetworkConfig(bootstrap=a.multiaddrs, peer_store=store)
        async with open_network(config, seed_of("restarted")) as node:
            await node.connect(b.multiaddrs[0])
            await eventually(lambda: set(read_peers(store)) == {a.peer_id, b.peer_id})
        alone = NetworkConfig(peer_store=store)
        async with open_network(alone, seed_of("restarted")) as node:
            await eventually(lambda: {p.peer for p in node.peers()} == {a.peer_id, b.peer_id})


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"version": 2}', '{"version": 1, "peers": {"me": []}}', "\x00" * 99],
)
async def test_a_store_that_cannot_be_read_is_passed_over(tmp_path: Path, text: str) -> None:
    store = tmp_path / "peers.json"
    store.write_text(text)
    assert read_peers(store) == {}
    async with open_network(NetworkConfig(peer_store=store), seed_of(0)) as node:
        assert node.peers() == []


def test_what_is_written_is_read_and_bounded(tmp_path: Path) -> None:
    store = tmp_path / "peers.json"
    write_peers(store, {PEER: tuple(f"/ip4/10.0.0.1/tcp/{i + 1}" for i in range(100))})
    assert read_peers(store) == {PEER: tuple(f"/ip4/10.0.0.1/tcp/{i + 1}" for i in range(8))}
    assert read_peers(tmp_path / "none") == {}


@pytest.mark.parametrize("address", ["here", "/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/tcp/1/p2p/x"])
async def test_a_bootstrap_address_that_is_none_is_refused_at_once(address: str) -> None:
    with pytest.raises(NetworkUsageError, match=r"full multiaddr|PeerId"):
        async with open_network(NetworkConfig(bootstrap=(address,)), seed_of(0)):
            pass


async def test_a_bootstrap_file_that_is_missing_is_refused_by_name(tmp_path: Path) -> None:
    config = NetworkConfig(bootstrap_file=tmp_path / "none")
    with pytest.raises(NetworkUsageError, match="none"):
        async with open_network(config, seed_of(0)):
            pass


def test_comments_and_empty_lines_in_a_bootstrap_file_are_nothing(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("#x\n\n a  # b\nc\n")
    assert read_bootstrap_file(file) == ("a", "c")


def test_a_text_record_says_what_was_put_into_it_and_rubbish_says_nothing() -> None:
    addresses = [f"/ip4/192.168.1.{i}/tcp/4001/p2p/{PEER}" for i in range(3)]
    found = list(decode_text_untrusted(encode_text(addresses)))
    assert found == [(PEER, a.rsplit("/p2p", 1)[0]) for a in addresses]
    for rubbish in (
        b"",
        b"\xff",
        b"\x05abc",
        b"\x0adnsaddr=/x",
        bytes(300),
        b"\x0bdnsaddr=\xff\xff\xff",
    ):
        assert list(decode_text_untrusted(rubbish)) == []
