"""What waits to be gossiped to one peer: encoded once, sent many at a time.

What stock does (``libp2p.pubsub.rpc_queue``): holds 32 messages, copies and measures each again for
each peer, and writes one at a time, each its own Noise frame and system call.
"""

from collections import deque
from typing import Final

import trio
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.rpc_queue import RpcQueue

from node.p2p.framing import frame

__all__ = ["Outbox"]

FRAMES: Final = 512
BYTES: Final = 4 * 1024 * 1024
WRITE_BYTES: Final = 60 * 1024


class Outbox(RpcQueue):
    """A queue of encoded frames, control messages first; full means dropped."""

    def __init__(self) -> None:
        super().__init__(FRAMES)
        self._first: deque[bytes] = deque()
        self._then: deque[bytes] = deque()
        self._bytes = 0
        self._changed = trio.Event()
        self.dropped = 0

    def __len__(self) -> int:
        """Return how many frames wait."""
        return len(self._first) + len(self._then)

    def push(self, rpc: rpc_pb2.RPC, priority: bool = False) -> bool:
        """Queue a message; return whether there was room."""
        return self.push_frame(frame(rpc.SerializeToString()), priority=priority)

    def push_frame(self, data: bytes, *, priority: bool = False) -> bool:
        """Queue an encoded frame; return whether there was room."""
        if self._closed or len(self) >= FRAMES or self._bytes + len(data) > BYTES:
            self.dropped += 1
            return False
        (self._first if priority else self._then).append(data)
        self._bytes += len(data)
        self._changed.set()
        return True

    async def pop_bytes(self) -> bytes | None:
        """Wait for frames and return as many as make one write; None once closed."""
        while not len(self):
            if self._closed:
                return None
            self._changed = trio.Event()
            await self._changed.wait()
        taken = bytearray()
        while len(self) and len(taken) < WRITE_BYTES:
            taken += (self._first or self._then).popleft()
        self._bytes -= len(taken)
        return bytes(taken)

    def close(self) -> None:
        """Let whoever waits go."""
        self._closed = True
        self._changed.set()
