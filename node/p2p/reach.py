"""Being reached from behind a router: relays, whether we can be dialled at all, and hole punching.

| what | how | works |
|---|---|---|
| relay (circuit v2) | reserve at a relay, be dialled through it, or be one | yes |
| AutoNAT v1 | ask peers to dial us back, and dial others back | yes, with our own dial |
| hole punching (DCUtR) | dial each other at once, told when by the relayed connection | yes, over TCP, between two routers that keep a port for all whom it speaks to, as Linux does; not where each peer gets another port |

Each is shown between processes in network namespaces by ``tests/e2e/p2p/test_reach.py``: the relay by two nodes
without a route to each other and by two behind routers, AutoNAT by one that can be dialled and one that cannot, hole
punching through two routers that translate addresses (netfilter) and drop what nobody asked for.

What stock does: AutoNAT's server answers "reached" to everybody, because its dial returns the
connection that the question came by; a relayed address cannot be dialled by its multiaddr; and an
address through a relay loses everything behind the relay's own PeerId when it is told.
"""

import logging
from typing import Final

import trio
from libp2p.host.autonat.autonat import AutoNATService, AutoNATStatus
from libp2p.peer.id import ID
from libp2p.relay.circuit_v2.config import RelayConfig, RelayRole
from libp2p.relay.circuit_v2.dcutr import DCUtRProtocol
from libp2p.relay.circuit_v2.protocol import PROTOCOL_ID as HOP
from libp2p.relay.circuit_v2.protocol import CircuitV2Protocol
from libp2p.relay.circuit_v2.resources import RelayLimits
from libp2p.relay.circuit_v2.transport import CircuitV2Transport
from libp2p.tools.anyio_service import background_trio_service
from multiaddr import Multiaddr

from node.p2p.addresses import parse_peer
from node.p2p.config import NetworkConfig
from node.p2p.hardening.faults import faults
from node.p2p.hardening.host import BoundedHost

__all__ = ["Reach"]

CIRCUIT_SECONDS: Final = 3_600
CIRCUIT_BYTES: Final = 128 * 1024 * 1024
CIRCUITS, RESERVATIONS = 16, 128
CHECK_SECONDS: Final = 5.0
"""Between two looks at whether we still have a relay."""
RENEW_SECONDS: Final = 600.0
AUTONAT_SECONDS: Final = 60.0
AUTONAT_FIRST_SECONDS: Final = 5.0
AUTONAT_SERVERS: Final = 8
AUTONAT_CONFIRMATIONS: Final = 3
AUTONAT_PROTOCOL: Final = "/libp2p/autonat/1.0.0"

_LOG: Final = logging.getLogger("ainur.p2p")


class _AutoNat(AutoNATService):
    """Dials back for real: on a connection of its own, which is then closed."""

    host: BoundedHost

    async def _try_dial(self, peer_id: ID, addrs: list[bytes]) -> bytes | None:
        for raw in addrs[:4]:
            try:
                if await self.host.get_network().can_dial(peer_id, Multiaddr(raw)):
                    return raw
            except ValueError as error:
                faults.report("autonat", peer_id, "bad-address", error)
        return None


class Reach:
    """What a node does to be reached, as its configuration says."""

    def __init__(self, host: BoundedHost, config: NetworkConfig) -> None:
        self._host = host
        self._relays = [parse_peer(address) for address in config.relays]
        self._circuit: CircuitV2Protocol | None = None
        self._transport: CircuitV2Transport | None = None
        self._autonat: _AutoNat | None = None
        self._hole_punching = config.hole_punching
        self._reserved: dict[ID, float] = {}
        if config.relay_server or config.relays or config.hole_punching:
            limits = RelayLimits(
                duration=CIRCUIT_SECONDS,
                data=CIRCUIT_BYTES,
                max_circuit_conns=CIRCUITS,
                max_reservations=RESERVATIONS,
            )
            roles = RelayRole.STOP | (RelayRole.HOP if config.relay_server else RelayRole(0))
            self._circuit = CircuitV2Protocol(host, limits=limits, allow_hop=config.relay_server)
            self._transport = CircuitV2Transport(
                host, self._circuit, RelayConfig(roles=roles, limits=limits)
            )
            host.get_network().circuit = self._transport
        if config.autonat:
            self._autonat = _AutoNat(host, confirmations=AUTONAT_CONFIRMATIONS)

    @property
    def reachability(self) -> str:
        """``public``, ``private`` or ``unknown``, as others say who have tried."""
        if self._autonat is None:
            return "unknown"
        names = {AutoNATStatus.PUBLIC: "public", AutoNATStatus.PRIVATE: "private"}
        return names.get(self._autonat.get_status(), "unknown")

    @property
    def relays(self) -> set[ID]:
        """Relays at which we have a reservation."""
        return set(self._reserved)

    async def run(self) -> None:
        """Serve, reserve and ask until cancelled."""
        async with trio.open_nursery() as nursery:
            if self._autonat is not None:
                nursery.start_soon(self._ask_reachability, self._autonat)
            if self._circuit is None:
                return
            async with background_trio_service(self._circuit):
                await self._circuit.event_started.wait()
                if self._hole_punching:
                    nursery.start_soon(self._punch)
                await self._keep_reservations()

    async def _punch(self) -> None:
        async with background_trio_service(DCUtRProtocol(self._host)):
            await trio.sleep_forever()

    async def _ask_reachability(self, autonat: _AutoNat) -> None:
        await trio.sleep(AUTONAT_FIRST_SECONDS)
        store = self._host.store
        while True:
            servers = [
                peer
                for peer in self._host.get_connected_peers()
                if store.has_peer(peer) and AUTONAT_PROTOCOL in store.get_protocols(peer)
            ]
            try:
                autonat.dial_results = {}
                await autonat.check_reachability(servers[:AUTONAT_SERVERS])
            except Exception as error:  # noqa: BLE001  (what a server answers, in several codecs)
                faults.report("autonat", "-", "failed", error)
            await trio.sleep(AUTONAT_SECONDS if servers else AUTONAT_FIRST_SECONDS)

    async def _keep_reservations(self) -> None:
        while True:
            now = trio.current_time()
            for relay in self._relays:
                connected = bool(self._host.get_network().get_connections(relay.peer_id))
                if connected and now < self._reserved.get(relay.peer_id, 0.0):
                    continue
                self._reserved.pop(relay.peer_id, None)
                try:
                    with trio.fail_after(2 * CHECK_SECONDS):
                        await self._reserve(relay.peer_id, relay.addrs[0])
                except Exception as error:  # noqa: BLE001  (whatever a relay does, we try again)
                    _LOG.warning("no reservation at %s: %r", relay.peer_id, error)
            self._host.circuits = [
                Multiaddr(f"{relay.addrs[0]}/p2p/{relay.peer_id}/p2p-circuit")
                for relay in self._relays
                if relay.peer_id in self._reserved
            ]
            await trio.sleep(CHECK_SECONDS)

    async def _reserve(self, relay: ID, address: Multiaddr) -> None:
        if self._transport is None:
            return
        self._host.store.put_first(relay, [address], CIRCUIT_SECONDS)
        await self._host.get_network().dial_peer(relay)
        stream = await self._host.new_stream(relay, [HOP])
        try:
            # The public `reserve` renews in a worker of its own, which outlives its nursery.
            if await self._transport._make_reservation(stream, relay):  # noqa: SLF001
                self._reserved[relay] = trio.current_time() + RENEW_SECONDS
        finally:
            with trio.CancelScope(shield=True), trio.move_on_after(1.0):
                await stream.close()
