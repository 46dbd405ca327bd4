"""Neighbours on the LAN: says that we are there, and hears who else is.

zeroconf works in a thread of its own; what it hears comes over to trio one call at a time.

Source: libp2p specification, "Multicast DNS (mDNS)".
"""

import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import trio
from multiaddr import Multiaddr
from zeroconf import (
    InterfaceChoice,
    IPVersion,
    ServiceBrowser,
    ServiceInfo,
    ServiceStateChange,
    Zeroconf,
)

from market.identity import PeerId
from node.p2p.addresses import ip_of, parse_peer, peer_from_library
from node.p2p.errors import NetworkUsageError

__all__ = ["Neighbours", "decode_text_untrusted", "encode_text"]

SERVICE: Final = "_p2p._udp.local."
KEY: Final = b"dnsaddr="
STRING_BYTES: Final = 255
ANSWER_MS: Final = 2_000
ADDRESSES: Final = 8

_LOG: Final = logging.getLogger("ainur.p2p")

Found = Callable[[PeerId, tuple[str, ...]], None]


def encode_text(addresses: Sequence[str]) -> bytes:
    """Return the TXT record that tells these full addresses."""
    strings = [KEY + address.encode() for address in addresses]
    return b"".join(bytes([len(s)]) + s for s in strings if len(s) <= STRING_BYTES)


def decode_text_untrusted(text: bytes) -> Iterator[tuple[PeerId, str]]:
    """Yield the peers and addresses in a TXT record; whatever else is in it is passed over."""
    at = count = 0
    while at < len(text) and count < ADDRESSES:
        string = text[at + 1 : at + 1 + text[at]]
        at += 1 + text[at]
        if not string.startswith(KEY):
            continue
        count += 1
        try:
            info = parse_peer(string.removeprefix(KEY).decode())
        except (NetworkUsageError, UnicodeDecodeError):
            continue
        yield peer_from_library(info.peer_id), str(info.addrs[0])


class Neighbours:
    """Announces this node, and reports others."""

    def __init__(
        self, addresses: Sequence[str], found: Found, interfaces: Sequence[str] | None = None
    ) -> None:
        self._addresses = addresses
        self._found = found
        self._interfaces = interfaces

    async def run(self) -> None:
        """Announce and listen until cancelled; a machine without multicast is told so, once."""
        token = trio.lowlevel.current_trio_token()
        try:
            zeroconf = await trio.to_thread.run_sync(self._open, token)
        except OSError as error:
            _LOG.warning("no mDNS here (%s): give --bootstrap addresses instead", error)
            return
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(zeroconf.close)

    def _open(self, token: trio.lowlevel.TrioToken) -> Zeroconf:
        zeroconf = Zeroconf(
            interfaces=list(self._interfaces) if self._interfaces else InterfaceChoice.All,
            ip_version=IPVersion.V4Only,
        )
        name = secrets.token_hex(16)
        ips = {str(ip) for a in self._addresses if (ip := ip_of(Multiaddr(a))) is not None}
        zeroconf.register_service(
            ServiceInfo(
                SERVICE,
                f"{name}.{SERVICE}",
                port=4001,  # nobody's: the addresses in the text have their own
                properties=encode_text(self._addresses),
                server=f"{name}.local.",
                parsed_addresses=sorted(ips),
            )
        )

        def on_change(
            zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
        ) -> None:
            if state_change is ServiceStateChange.Removed:
                return
            info = ServiceInfo(service_type, name)
            info.request(
                zeroconf, ANSWER_MS
            )  # False where addresses are missing, which we need not
            heard: dict[PeerId, list[str]] = {}
            for peer, address in decode_text_untrusted(info.text or b""):
                heard.setdefault(peer, []).append(address)
            try:
                for peer, addresses in heard.items():
                    token.run_sync_soon(self._found, peer, tuple(addresses))
            except trio.RunFinishedError:
                return

        ServiceBrowser(zeroconf, SERVICE, handlers=[on_change])
        return zeroconf
