"""An attacker: as much of the protocol as it takes to break the rest of it, by hand."""

import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from libp2p.abc import ISecureConn
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.keys import KeyPair
from libp2p.crypto.x25519 import create_new_key_pair as create_noise_key_pair
from libp2p.custom_types import TProtocol
from libp2p.io.trio import TrioTCPStream
from libp2p.io.utils import read_exactly
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.peer.id import ID
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as Noise
from multiaddr import Multiaddr

from node.p2p.framing import frame
from node.p2p.hardening.swarm import BoundedUpgrader

__all__ = ["Attacker", "attack", "dial_raw", "line"]

HEADER = struct.Struct("!BBHII")
DATA, WINDOW, PING, GO_AWAY = range(4)
SYN, ACK, FIN, RST = 1, 2, 4, 8
SOURCE = "127.0.0.2"
"""Not the address of honest peers: bounds are by address."""


def line(text: str | bytes) -> bytes:
    """Return a line of multistream-select."""
    return frame((text.encode() if isinstance(text, str) else text) + b"\n")


async def dial_raw(address: str, source: str = SOURCE) -> trio.SocketStream:
    """Open a socket to a node."""
    parts = address.split("/")
    sock = trio.socket.socket()
    await sock.bind((source, 0))
    await sock.connect((parts[2], int(parts[4])))
    return trio.SocketStream(sock)


class Attacker:
    """A peer that has got past Noise and writes yamux frames by hand."""

    def __init__(self, conn: ISecureConn, keys: KeyPair, seed: bytes) -> None:
        self.conn = conn
        self.seed = seed
        self.keys = keys
        self.peer = ID.from_pubkey(keys.public_key)
        self._next = 1

    async def frame(
        self, kind: int, flags: int, stream: int, length: int, body: bytes = b""
    ) -> None:
        """Write one yamux frame, right or wrong."""
        await self.conn.write(HEADER.pack(0, kind, flags, stream, length) + body)

    async def send(self, stream: int, body: bytes, flags: int = 0) -> None:
        """Write data on a stream, ignoring windows."""
        await self.frame(DATA, flags, stream, len(body), body)

    async def open(self, protocol: str | None = None) -> int:
        """Open a stream, and ask for a protocol without waiting for consent."""
        stream, self._next = self._next, self._next + 2
        await self.frame(WINDOW, SYN, stream, 0)
        if protocol is not None:
            await self.send(stream, line("/multistream/1.0.0") + line(protocol))
        return stream

    async def drain(self, seconds: float) -> bytes:
        """Read what the node writes, for a while or until it hangs up."""
        taken = bytearray()
        with trio.move_on_after(seconds):
            while True:
                header = await read_exactly(self.conn, HEADER.size)
                kind, length = header[1], HEADER.unpack(header)[4]
                if kind == DATA and length:
                    taken += await read_exactly(self.conn, length)
        return bytes(taken)


@asynccontextmanager
async def attack(address: str, seed: bytes) -> AsyncIterator[Attacker]:
    """Connect as a peer with an identity of its own, up to and with the choice of yamux."""
    keys = create_new_key_pair(seed)
    noise = Noise(keys, noise_privkey=create_noise_key_pair().private_key)
    upgrader = BoundedUpgrader({TProtocol(NOISE): noise}, 20.0)
    stream = await dial_raw(address)
    async with stream:
        raw = RawConnection(TrioTCPStream(stream), True)
        node = ID.from_base58(Multiaddr(address).value_for_protocol("p2p"))
        conn = await upgrader.upgrade_security(raw, True, node)
        await upgrader.upgrade_connection(conn, node)
        yield Attacker(conn, keys, seed)
