"""Multiaddrs: which to tell, which to dial first, and PeerIds at the library's border."""

import ipaddress
from collections.abc import Iterable, Sequence

import base58
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo, info_from_p2p_addr
from libp2p.utils.address_validation import get_available_interfaces
from multiaddr import Multiaddr
from multiaddr.exceptions import ProtocolLookupError

from market.errors import UsageError
from market.identity import PeerId, key_from_peer_id
from node.p2p.errors import NetworkUsageError

__all__ = [
    "dial_order",
    "expand_unspecified",
    "ip_of",
    "is_relayed",
    "parse_peer",
    "peer_from_library",
    "peer_to_library",
]


def peer_to_library(peer: PeerId) -> ID:
    """Return a PeerId as the library holds it.

    Raises:
        NetworkUsageError: it is not the PeerId of an ed25519 key.
    """
    try:
        key_from_peer_id(peer)
    except UsageError as error:
        raise NetworkUsageError(str(error)) from error
    return ID(base58.b58decode(peer))


def peer_from_library(peer: ID) -> PeerId:
    """Return the library's PeerId as text."""
    return PeerId(peer.to_base58())


def parse_peer(address: str) -> PeerInfo:
    """Return peer and address of a full multiaddr.

    Raises:
        NetworkUsageError: it is not a multiaddr, or has no ``/p2p/…`` at its end.
    """
    try:
        info = info_from_p2p_addr(Multiaddr(address.strip()))
    except Exception as error:
        raise NetworkUsageError(
            f"{address!r} is not a full multiaddr like /ip4/192.0.2.1/tcp/4001/p2p/12D3KooW…: {error}"
        ) from error
    peer_to_library(peer_from_library(info.peer_id))
    return info


def ip_of(address: Multiaddr) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address in a multiaddr; None for a name."""
    for protocol in ("ip4", "ip6"):
        try:
            value = address.value_for_protocol(protocol)
        except ProtocolLookupError:
            continue
        if value is not None:
            return ipaddress.ip_address(value)
    return None


def is_relayed(address: Multiaddr) -> bool:
    """Return whether an address goes through a relay."""
    return "/p2p-circuit" in str(address)


def dial_order(addresses: Iterable[Multiaddr]) -> list[Multiaddr]:
    """Return addresses worth dialling, each once: direct before relayed, loopback behind others."""

    def rank(address: Multiaddr) -> tuple[bool, bool]:
        ip = ip_of(address)
        return (is_relayed(address), ip is not None and ip.is_loopback)

    unique = {str(a): a for a in addresses}
    usable = [a for a in unique.values() if (ip := ip_of(a)) is None or not ip.is_unspecified]
    return sorted(usable, key=rank)


def expand_unspecified(addresses: Sequence[Multiaddr]) -> list[Multiaddr]:
    """Return addresses with 0.0.0.0 replaced by those of this machine's interfaces."""
    told: list[Multiaddr] = []
    for address in addresses:
        ip = ip_of(address)
        if ip is None or not ip.is_unspecified:
            told.append(address)
            continue
        rest = str(address).split("/", 3)[3]
        version = f"ip{ip.version}"
        interfaces = [ip_of(interface) for interface in get_available_interfaces(1)]
        told += [
            Multiaddr(f"/{version}/{own}/{rest}")
            for own in interfaces
            if own is not None and own.version == ip.version
        ]
    return list(dict.fromkeys(told))
