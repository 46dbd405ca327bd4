"""The library's parts put together: Noise and nothing else, yamux and nothing else.

What stock does: ``new_host`` also accepts plaintext and secio, where anybody can claim any PeerId;
adds a resource manager whose circuit breaker refuses everybody for a minute after five failures;
and listens with SO_REUSEPORT, so that a second node on one port takes half of the first one's peers.
"""

import logging
import socket
from typing import Final

from libp2p.abc import ITransport
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.keys import KeyPair
from libp2p.crypto.x25519 import create_new_key_pair as create_noise_key_pair
from libp2p.custom_types import TProtocol
from libp2p.peer.id import ID
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as Noise
from libp2p.tools.anyio_service.trio_manager import TrioManager
from libp2p.transport.tcp.tcp import TCP
from multiaddr import Multiaddr

from node.p2p.addresses import ip_of
from node.p2p.config import NetworkConfig
from node.p2p.errors import NetworkError, NetworkUsageError
from node.p2p.hardening import multistream
from node.p2p.hardening.faults import LibraryLog
from node.p2p.hardening.host import BoundedHost, BoundedPeerStore
from node.p2p.hardening.swarm import BoundedSwarm, BoundedUpgrader

__all__ = ["build_host", "require_free"]

SEED_BYTES: Final = 32
QUIC_READ_SECONDS: Final = 86_400.0


def build_host(config: NetworkConfig, seed: bytes) -> BoundedHost:
    """Return a host that does not listen yet.

    Raises:
        NetworkUsageError: the seed has another length, or an address is none.
    """
    if len(seed) != SEED_BYTES:
        raise NetworkUsageError(f"a seed has {SEED_BYTES} bytes, not {len(seed)}")
    _install()
    limits = config.limits
    keys = create_new_key_pair(seed)
    noise = Noise(keys, noise_privkey=create_noise_key_pair().private_key)
    upgrader = BoundedUpgrader({TProtocol(NOISE): noise}, limits.handshake_seconds)
    peer_id = ID.from_pubkey(keys.public_key)
    store = BoundedPeerStore()
    store.add_key_pair(peer_id, keys)
    swarm = BoundedSwarm(peer_id, store, upgrader, _transports(config, keys, upgrader), limits)
    return BoundedHost(swarm, store, limits, config.announce)


def _transports(
    config: NetworkConfig, keys: KeyPair, upgrader: BoundedUpgrader
) -> list[ITransport]:
    names = {p.name for a in config.listen for p in _parsed(a).protocols()}
    transports: list[ITransport] = [TCP()]
    if "quic-v1" in names:
        from libp2p.transport.quic.config import QUICTransportConfig
        from libp2p.transport.quic.transport import QUICTransport

        from node.p2p.hardening import quic

        quic.install()
        # Stock breaks off a stream on which nothing has come for 30 s: gossip is quiet for longer.
        patient = QUICTransportConfig(STREAM_READ_TIMEOUT=QUIC_READ_SECONDS)
        transports.append(QUICTransport(keys.private_key, config=patient))
    if "ws" in names:
        from libp2p.transport.websocket.transport import WebsocketTransport

        transports.append(WebsocketTransport(upgrader))
    return transports


def _parsed(address: str) -> Multiaddr:
    try:
        return Multiaddr(address)
    except Exception as error:
        raise NetworkUsageError(f"{address!r} is not a multiaddr: {error}") from error


def require_free(addresses: tuple[str, ...]) -> None:
    """Refuse a TCP port on which another process listens.

    Raises:
        NetworkError: it is taken.
        NetworkUsageError: it is not an address.
    """
    for address in map(_parsed, addresses):
        ip = ip_of(address)
        if ip is None or "tcp" not in {p.name for p in address.protocols()}:
            continue
        port = int(address.value_for_protocol("tcp") or 0)
        family = socket.AF_INET6 if ip.version == 6 else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((str(ip), port))
                probe.listen(1)
            except OSError as error:
                raise NetworkError(
                    f"cannot listen on {address}: {error.strerror}; choose another port"
                ) from error


def _install() -> None:
    """Do once for the process what cannot be done by a subclass."""
    # The library's service manager walks all of its tasks to find the parent of each new one, and
    # refuses more than a thousand children.
    TrioManager._find_parent_task = lambda self, trio_task: None  # type: ignore[method-assign]  # noqa: ARG005, SLF001
    multistream.install()
    root = logging.getLogger()
    if not root.handlers:  # the library logs to the root, which would then set itself up
        root.addHandler(logging.NullHandler())
    library = logging.getLogger("libp2p")
    if not any(isinstance(handler, LibraryLog) for handler in library.handlers):
        library.addHandler(LibraryLog(logging.WARNING))
        library.propagate = False
        library.setLevel(logging.WARNING)
