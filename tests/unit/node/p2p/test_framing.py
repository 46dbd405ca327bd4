"""Frames: every split of the bytes gives the same frames, and rubbish gives one kind of error."""

import trio
from hypothesis import given
from hypothesis import strategies as st

from node.p2p.framing import FrameError, FrameReader, frame


class Pieces:
    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    async def read(self, n: int | None = None) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


def read_all(pieces: list[bytes], limit: int = 1 << 20) -> list[bytes]:
    async def main() -> list[bytes]:
        reader = FrameReader(Pieces([p for p in pieces if p]), limit)
        bodies = []
        while (body := await reader.read()) is not None:
            bodies.append(body)
        return bodies

    return trio.run(main)


@given(st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(1, 40), min_size=1))
def test_frames_come_out_however_the_bytes_were_cut(bodies: list[bytes], cuts: list[int]) -> None:
    data, pieces, i = b"".join(map(frame, bodies)), [], 0
    while data:
        pieces.append(data[: cuts[i % len(cuts)]])
        data = data[cuts[i % len(cuts)] :]
        i += 1
    assert read_all(pieces) == bodies


@given(st.binary(max_size=200))
def test_random_bytes_are_frames_or_a_frame_error(data: bytes) -> None:
    try:
        bodies = read_all([data], limit=100)
    except FrameError:
        return
    assert b"".join(map(frame, bodies)) == data or any(b >= 0x80 for b in data)


@given(st.integers(0, 2**21))
def test_the_prefix_is_the_shortest_and_within_the_bound(size: int) -> None:
    prefix = frame(bytes(size))[: -size or None]
    assert len(prefix) == max(1, (size.bit_length() + 6) // 7)


def test_too_long_a_frame_is_refused_before_its_body_is_read() -> None:
    for prefix in (frame(bytes(200))[:2], b"\xff\xff\xff\xff\xff\x01", b"\x80" * 9):
        try:
            read_all([prefix], limit=100)
        except FrameError:
            continue
        raise AssertionError(prefix)
