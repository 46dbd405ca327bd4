"""One question to a peer and its answer, on a stream of its own, in one round trip.

What stock does (``libp2p.kad_dht``): three round trips for each question, two of them to agree on a
protocol that has one name, with a signed peer record going out and one for each peer that is named in
the answer, which no other implementation sends or reads.

Source: multistream-select 1.0, "a client that knows what it wants may send all of it at once".
"""

from typing import Final

import trio
from libp2p.custom_types import TProtocol
from libp2p.kad_dht.pb.kademlia_pb2 import Message
from libp2p.network.stream.exceptions import StreamError
from libp2p.peer.id import ID

from node.p2p.framing import FrameError, FrameReader, frame
from node.p2p.hardening.swarm import BoundedSwarm

__all__ = ["ask", "tell"]

_MULTISTREAM: Final = b"/multistream/1.0.0\n"
CLOSE_SECONDS: Final = 2.0


async def ask(
    swarm: BoundedSwarm, peer: ID, protocol: TProtocol, question: Message, limit: int
) -> Message:
    """Return a peer's answer; the caller bounds the wait.

    Raises:
        SwarmException: the peer cannot be dialled.
        IOException: the stream ended or broke.
        MuxedStreamError: the connection did.
        FrameError: what came is no frame, or longer than ``limit`` bytes, or answers another question,
            or the peer does not speak the protocol.
        DecodeError: what came is no message.
    """
    data = await _exchange(swarm, peer, protocol, question, limit, answers=True)
    answer = Message()
    answer.ParseFromString(data)
    if answer.type != question.type:
        raise FrameError(f"an answer of type {answer.type} to a question of type {question.type}")
    return answer


async def tell(swarm: BoundedSwarm, peer: ID, protocol: TProtocol, message: Message) -> None:
    """Send a peer a message to which there is no answer that matters; raises as :func:`ask`."""
    await _exchange(swarm, peer, protocol, message, 0, answers=False)


async def _exchange(
    swarm: BoundedSwarm,
    peer: ID,
    protocol: TProtocol,
    message: Message,
    limit: int,
    *,
    answers: bool,
) -> bytes:
    name = f"{protocol}\n".encode()
    stream = await swarm.new_stream(peer)
    whole = False
    try:
        await stream.write(frame(_MULTISTREAM) + frame(name) + frame(message.SerializeToString()))
        reader = FrameReader(stream, max(limit, len(name), len(_MULTISTREAM)))
        for expected in (_MULTISTREAM, name):
            if (line := await reader.read()) != expected:
                raise FrameError(f"{line!r} where {expected!r} was to be agreed on")
        data = await reader.read() if answers else b""
        if data is None:
            raise StreamError("it ended the stream instead of answering")
        whole = True
    finally:
        with trio.CancelScope(shield=True), trio.move_on_after(CLOSE_SECONDS, shield=True):
            await (stream.close() if whole else stream.reset())
    return data
