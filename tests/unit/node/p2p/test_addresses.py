"""Multiaddrs: which are told, in which order they are dialled, and what is not one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multiaddr import Multiaddr

from market.identity import PeerId, PublicKey, peer_id_from_key
from node.p2p.addresses import (
    dial_order,
    expand_unspecified,
    parse_peer,
    peer_from_library,
    peer_to_library,
)
from node.p2p.errors import NetworkUsageError
from node.p2p.hardening.admission import ByteBudget

PEER = "12D3KooWNxU7ox7ov6KC8RBrq37Ajt5ZhxMdHE1mbjEfZMYGBGw3"


@given(st.binary(min_size=32, max_size=32))
def test_a_peer_id_is_the_same_on_both_sides_of_the_library(key: bytes) -> None:
    peer = peer_id_from_key(PublicKey(key))
    assert peer_from_library(peer_to_library(peer)) == peer


@pytest.mark.parametrize(
    "peer", ["", "x", "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N", PEER[:-1]]
)
def test_another_kind_of_peer_id_is_refused(peer: str) -> None:
    with pytest.raises(NetworkUsageError):
        peer_to_library(PeerId(peer))


def test_a_full_address_gives_peer_and_address_and_a_relayed_one_the_peer_behind_the_relay() -> (
    None
):
    info = parse_peer(f" /ip4/10.0.0.1/tcp/4001/p2p/{PEER}\n")
    assert (peer_from_library(info.peer_id), str(info.addrs[0])) == (PEER, "/ip4/10.0.0.1/tcp/4001")
    other = peer_id_from_key(PublicKey(bytes(32)))
    relayed = parse_peer(f"/ip4/10.0.0.1/tcp/1/p2p/{other}/p2p-circuit/p2p/{PEER}")
    assert peer_from_library(relayed.peer_id) == PEER
    assert str(relayed.addrs[0]).endswith(f"{other}/p2p-circuit")


def test_direct_addresses_are_dialled_before_loopback_and_relayed_ones_and_0_0_0_0_never() -> None:
    lan, loop = Multiaddr("/ip4/10.0.0.1/tcp/1"), Multiaddr("/ip4/127.0.0.1/tcp/1")
    relayed = Multiaddr(f"/ip4/10.0.0.2/tcp/1/p2p/{PEER}/p2p-circuit")
    nowhere = Multiaddr("/ip4/0.0.0.0/tcp/1")
    assert dial_order([relayed, nowhere, loop, lan, lan]) == [lan, loop, relayed]


def test_0_0_0_0_is_told_as_the_addresses_of_this_machine() -> None:
    told = [str(a) for a in expand_unspecified([Multiaddr("/ip4/0.0.0.0/udp/9/quic-v1")])]
    assert "/ip4/127.0.0.1/udp/9/quic-v1" in told
    assert not [a for a in told if "0.0.0.0/" in a.replace("10.0.0.0/", "")]
    named = Multiaddr("/dns4/node.example/tcp/1")
    assert expand_unspecified([named]) == [named]


def test_a_budget_of_bytes_bounds_each_and_all_and_is_whole_again_afterwards() -> None:
    budget = ByteBudget[str](10, 15)
    assert budget.take("a", 10)
    assert not budget.take("a", 1)
    assert not budget.take("b", 6)
    assert budget.take("b", 5)
    budget.give_back("a", 10)
    budget.give_back("b", 5)
    assert budget.held == 0
    assert budget.take("c", 10)
