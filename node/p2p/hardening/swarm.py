"""A swarm that dials at once, gives every slot back, and lets nobody hold the door.

What stock does (``libp2p.network.swarm``):

- Each dial waits 250 ms after it has succeeded, also with a single address (happy eyeballs).
- One TCP address of a peer is dialled and no other; a failure blocks the peer for 60 s.
- The slot of an inbound connection, and the task with it, is held until the *swarm* ends: after
  ``max_connections`` connections in all, over a node's life, it accepts none.
- Any number of handshakes may be unfinished, ten seconds each.
- Yamux is built by name, whatever muxer was asked for.
- Every opened and closed stream starts a nursery with a task for each of three listeners, none of
  which does anything.
- An auto-connector dials everybody it ever heard of while there are fewer than 50 connections.
"""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import trio
from libp2p.abc import (
    IMuxedConn,
    INetConn,
    INetStream,
    IPeerStore,
    IRawConnection,
    ISecureConn,
    ITransport,
)
from libp2p.custom_types import TProtocol
from libp2p.io.abc import ReadWriteCloser
from libp2p.io.exceptions import IOException
from libp2p.io.trio import TrioTCPStream
from libp2p.network.auto_connector import AutoConnector
from libp2p.network.config import ConnectionConfig, RetryConfig
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.network.connection.swarm_connection import SwarmConn
from libp2p.network.exceptions import SwarmException
from libp2p.network.swarm import Swarm
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.peer.peerstore import PeerStoreError
from libp2p.protocol_muxer.exceptions import MultiselectClientError, MultiselectError
from libp2p.transport.exceptions import MuxerUpgradeFailure
from libp2p.transport.upgrader import TransportUpgrader
from multiaddr import Multiaddr

from node.p2p.addresses import dial_order, is_relayed
from node.p2p.config import Limits
from node.p2p.hardening.admission import Admission
from node.p2p.hardening.faults import faults
from node.p2p.hardening.readahead import ReadAhead
from node.p2p.hardening.yamux import PROTOCOL as YAMUX
from node.p2p.hardening.yamux import BoundedYamux

if TYPE_CHECKING:
    from libp2p.relay.circuit_v2.transport import CircuitV2Transport

__all__ = ["BoundedSwarm", "BoundedUpgrader"]

ADDRESSES_DIALLED: Final = 8
RELAY_ADDRESS_SECONDS: Final = 3_600
HEAD_START_SECONDS: Final = 0.25
"""How long an address is tried before the next one is too (RFC 8305, section 5)."""

_LOG: Final = logging.getLogger("ainur.p2p")


class BoundedUpgrader(TransportUpgrader):
    """Makes a connection a bounded yamux one."""

    def __init__(self, security: dict[TProtocol, Any], seconds: float) -> None:
        super().__init__(security, {TProtocol(YAMUX): BoundedYamux}, negotiate_timeout=int(seconds))

    async def upgrade_security(
        self, raw_conn: IRawConnection, is_initiator: bool, peer_id: ID | None = None
    ) -> ISecureConn:
        """Agree on Noise, and shake hands, on a connection that is read in chunks."""
        if isinstance(raw_conn, RawConnection) and isinstance(raw_conn.stream, TrioTCPStream):
            raw_conn.stream = ReadAhead(raw_conn.stream)
        return await super().upgrade_security(raw_conn, is_initiator, peer_id)

    async def upgrade_connection(self, conn: ISecureConn, peer_id: ID) -> IMuxedConn:
        """Agree on the muxer, and make it ours.

        Raises:
            MuxerUpgradeFailure: the peer does not speak yamux.
        """
        selector = self.muxer_multistream._selector  # noqa: SLF001  (stock builds its own class after this)
        try:
            await selector.select(conn, conn.is_initiator, self.muxer_multistream.negotiate_timeout)
        except (MultiselectError, MultiselectClientError) as error:
            raise MuxerUpgradeFailure("the peer does not speak yamux") from error
        return BoundedYamux(conn, peer_id)


class _NoAutoConnector(AutoConnector):
    """Dials nobody: who is dialled is the node's decision."""

    async def start(self) -> None:
        """Do nothing."""

    async def run_background_task(self, nursery: trio.Nursery) -> None:
        """Do nothing."""

    async def maybe_connect(self) -> None:
        """Do nothing."""


class BoundedSwarm(Swarm):
    """The swarm of a node."""

    def __init__(
        self,
        peer_id: ID,
        peerstore: IPeerStore,
        upgrader: TransportUpgrader,
        transports: list[ITransport],
        limits: Limits,
    ) -> None:
        super().__init__(
            peer_id,
            peerstore,
            upgrader,
            transports,
            retry_config=RetryConfig(max_retries=0),
            connection_config=ConnectionConfig(
                min_connections=0,
                low_watermark=limits.low_watermark,
                high_watermark=limits.high_watermark,
                max_connections=limits.high_watermark + limits.handshakes,
                max_connections_per_peer=limits.connections_per_peer,
                dial_timeout=limits.dial_seconds,
                inbound_upgrade_timeout=limits.handshake_seconds,
                outbound_upgrade_timeout=limits.handshake_seconds,
                inbound_stream_protocol_negotiation_timeout=limits.negotiate_seconds,
                outbound_stream_protocol_negotiation_timeout=limits.negotiate_seconds,
            ),
        )
        self._limits = limits
        self.circuit: CircuitV2Transport | None = None
        """Dials through relays, when that is asked for."""
        self._handshakes = Admission[str](limits.handshakes_per_address, limits.handshakes)
        self.refused: frozenset[ID] = frozenset()
        """Peers with whom there is no connection, whoever dials."""
        self.auto_connector = _NoAutoConnector(self)

    async def _handle_inbound_connection(
        self, read_write_closer: ReadWriteCloser, maddr: Multiaddr
    ) -> None:
        address = read_write_closer.get_remote_address()
        host = address[0] if address else "unknown"
        conn: IMuxedConn | None = None
        with self._handshakes.enter(host) as admitted:
            if not admitted:
                faults.report("tcp", host, "too-many-handshakes", "closed unheard")
            elif len(self.get_connections()) >= self.connection_config.max_connections:
                faults.report("tcp", host, "too-many-connections", "closed unheard")
            else:
                conn = await self._upgrade(read_write_closer, maddr, host)
        if conn is None:
            await _close(read_write_closer)
            return
        await _closed(conn)

    async def _upgrade(
        self, stream: ReadWriteCloser, maddr: Multiaddr, host: str
    ) -> IMuxedConn | None:
        try:
            with trio.fail_after(self._limits.handshake_seconds):
                if isinstance(stream, IMuxedConn):  # QUIC has both in it
                    await self.add_conn(stream, direction="inbound")
                    return stream
                return await self.upgrade_inbound_raw_conn(RawConnection(stream, False), maddr)
        except trio.TooSlowError:
            faults.report("handshake", host, "slow", f"{self._limits.handshake_seconds:.0f} s")
        except Exception as error:  # noqa: BLE001  (whatever bytes of a stranger raise in any codec)
            faults.report("handshake", host, "failed", error.__cause__ or error)
        return None

    async def add_conn(self, muxed_conn: IMuxedConn, direction: str = "unknown") -> SwarmConn:
        """Take in a connection, unless its peer, which has now proved who it is, is refused.

        Raises:
            SwarmException: it is; the connection is closed.
        """
        if muxed_conn.peer_id in self.refused:
            await muxed_conn.close()
            raise SwarmException(f"{muxed_conn.peer_id} is refused")
        return await super().add_conn(muxed_conn, direction)

    async def dial_peer(self, peer_id: ID) -> list[INetConn]:
        """Return connections to a peer, dialling its addresses when there are none.

        Raises:
            SwarmException: no address answered.
        """
        while True:
            if live := [c for c in self.get_connections(peer_id) if not c.is_closed]:
                return live
            if (going := self._ongoing_dials.get(peer_id)) is None:
                break
            await going.wait()
            if not self.get_connections(peer_id):
                raise SwarmException(f"{peer_id} did not answer")
        ended = self._ongoing_dials[peer_id] = trio.Event()
        try:
            return [await self._dial_first(peer_id, self._addresses(peer_id))]
        finally:
            ended.set()
            self._ongoing_dials.pop(peer_id, None)

    def _addresses(self, peer_id: ID) -> list[Multiaddr]:
        if peer_id == self.self_id:
            raise SwarmException("that is this node itself")
        if peer_id in self.refused:
            raise SwarmException(f"{peer_id} is refused")
        try:
            known = self.peerstore.addrs(peer_id)
        except PeerStoreError as error:
            raise SwarmException(f"no address of {peer_id} is known") from error
        usable = [a for a in dial_order(known) if self._can_use(a)]
        if not usable:
            raise SwarmException(f"none of {len(known)} addresses of {peer_id} can be dialled")
        return usable[:ADDRESSES_DIALLED]

    def _can_use(self, address: Multiaddr) -> bool:
        if is_relayed(address):
            return self.circuit is not None
        return self.transport_manager.transport_for_dialing(address) is not None

    async def _dial_one(self, address: Multiaddr, peer_id: ID) -> INetConn:
        if not is_relayed(address) or self.circuit is None:
            return await self._dial_addr_single_attempt(address, peer_id)
        relay = address.decapsulate("/p2p-circuit")
        info = info_from_p2p_addr(relay)
        self.peerstore.add_addrs(info.peer_id, info.addrs, RELAY_ADDRESS_SECONDS)
        await self.dial_peer(info.peer_id)
        return await self.circuit.dial(Multiaddr(f"{address}/p2p/{peer_id}"))

    async def can_dial(self, peer_id: ID, address: Multiaddr) -> bool:
        """Return whether a peer answers at an address, on a connection that is then closed."""
        try:
            with trio.fail_after(self._limits.dial_seconds):
                conn = await self._dial_addr_single_attempt(address, peer_id)
        except (SwarmException, IOException, OSError, trio.TooSlowError):
            return False
        await conn.close()
        return True

    async def _dial_first(self, peer_id: ID, addresses: Sequence[Multiaddr]) -> INetConn:
        """Dial one address after the other, each with a head start; the first to answer wins."""
        won: list[INetConn] = []
        errors: list[Exception] = []

        async def dial(address: Multiaddr, failed: trio.Event) -> None:
            try:
                with trio.fail_after(self._limits.dial_seconds):
                    conn = await self._dial_one(address, peer_id)
            except (SwarmException, IOException, OSError, trio.TooSlowError) as error:
                errors.append(error)
                failed.set()
                return
            except Exception as error:  # noqa: BLE001  (bytes of a stranger in a handshake)
                faults.report("handshake", peer_id, "failed", error)
                errors.append(error)
                failed.set()
                return
            won.append(conn)
            nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            for address in addresses:
                failed = trio.Event()
                nursery.start_soon(dial, address, failed)
                if address is not addresses[-1]:
                    with trio.move_on_after(HEAD_START_SECONDS):
                        await failed.wait()
        if not won:
            causes = "; ".join(str(e.__cause__ or e) or type(e).__name__ for e in errors)
            raise SwarmException(f"no address of {peer_id} answered: {causes}")
        for other in won[1:]:
            await other.close()
        return won[0]

    def _schedule_prune(self) -> None:
        """Do nothing: see :mod:`node.p2p.trimming`."""

    async def notify_opened_stream(self, stream: INetStream) -> None:
        """Tell nobody: nobody acts on it."""

    async def notify_closed_stream(self, stream: INetStream) -> None:
        """Tell nobody: nobody acts on it."""
        stream._resource_released = True  # type: ignore[attr-defined]  # noqa: SLF001  (SwarmConn asks)


async def _closed(conn: IMuxedConn) -> None:
    """Wait until a connection has ended."""
    if isinstance(conn, BoundedYamux):
        await conn.event_closed.wait()
        return
    while not conn.is_closed:  # noqa: ASYNC110  (QUIC keeps its event to itself)
        await trio.sleep(1.0)


async def _close(stream: ReadWriteCloser | IRawConnection) -> None:
    with trio.move_on_after(1.0, shield=True):
        try:
            await stream.close()
        except (IOException, OSError, trio.BrokenResourceError) as error:
            _LOG.debug("closing a refused connection: %s", error)
