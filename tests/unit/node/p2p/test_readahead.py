"""Reading ahead changes how often is read, and nothing of what."""

import trio
from hypothesis import given
from hypothesis import strategies as st
from libp2p.io.abc import ReadWriteCloser

from node.p2p.hardening.readahead import CHUNK_BYTES, ReadAhead


class Below(ReadWriteCloser):
    """Gives what it is made with, in those pieces, and then the end."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = [piece for piece in pieces if piece]
        self.reads = 0
        self.most = 0

    async def read(self, n: int | None = None) -> bytes:
        self.reads += 1
        if not self.pieces:
            return b""
        first = self.pieces[0]
        taken, rest = (first, b"") if n is None or n < 0 else (first[:n], first[n:])
        self.pieces[:1] = [rest] if rest else []
        self.most = max(self.most, len(taken))
        return taken

    async def write(self, data: bytes) -> None:
        self.written = data

    async def close(self) -> None:
        self.closed = True

    def get_remote_address(self) -> tuple[str, int] | None:
        return ("127.0.0.1", 1)


@given(
    pieces=st.lists(st.binary(max_size=40), max_size=20),
    sizes=st.lists(st.sampled_from([1, 2, 3, 16, 100, CHUNK_BYTES, -1, None]), max_size=20),
)
def test_whatever_is_asked_for_comes_in_order_and_no_more_of_it(
    pieces: list[bytes], sizes: list[int | None]
) -> None:
    async def read() -> None:
        reader, everything, got = ReadAhead(Below(pieces)), b"".join(pieces), b""
        for size in sizes:
            data = await reader.read(size)
            assert size is None or size < 0 or len(data) <= size
            assert data or got == everything
            got += data
        while data := await reader.read():
            got += data
        assert got == everything
        assert await reader.read(2) == b""

    trio.run(read)


async def test_a_length_and_its_message_cost_one_read_and_no_more_is_held_than_a_chunk() -> None:
    below = Below([bytes(100)])
    reader = ReadAhead(below)
    assert (len(await reader.read(2)), len(await reader.read(98))) == (2, 98)
    assert below.reads == 1
    below = Below([bytes(10 * CHUNK_BYTES)])
    await ReadAhead(below).read(1)
    assert below.most == CHUNK_BYTES


async def test_the_rest_is_passed_on() -> None:
    below = Below([])
    reader = ReadAhead(below)
    await reader.write(b"x")
    await reader.close()
    assert (below.written, below.closed) == (b"x", True)
    assert reader.get_remote_address() == ("127.0.0.1", 1)
