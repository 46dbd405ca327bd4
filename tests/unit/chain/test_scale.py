"""SCALE's compact integers and vectors, held to scalecodec's and to the specification's examples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scalecodec.types import Compact

from chain.devchain.scale import decode_compact, decode_vec, encode_compact, encode_vec

EDGES = [0, 1, 63, 64, 65, 16383, 16384, 2**30 - 1, 2**30, 2**32, 2**64, 2**128 - 1, 2**535]


@pytest.mark.parametrize(
    ("value", "encoded"),
    [(0, "00"), (1, "04"), (42, "a8"), (69, "1501"), (65535, "feff0300"),
     (100_000_000_000_000, "0b00407a10f35a")],
)  # fmt: skip
def test_the_specifications_examples_are_encoded(value: int, encoded: str) -> None:
    assert encode_compact(value).hex() == encoded


@given(st.sampled_from(EDGES) | st.integers(0, 2**128))
def test_a_compact_reads_back_wherever_it_stands(value: int) -> None:
    encoded = encode_compact(value)
    assert decode_compact(b"\xff" + encoded + b"\xff", 1) == (value, 1 + len(encoded))


@given(st.sampled_from([e for e in EDGES if e < 2**128]) | st.integers(0, 2**128 - 1))
def test_a_compact_is_the_one_that_scalecodec_writes(value: int) -> None:
    assert encode_compact(value) == bytes(Compact().process_encode(value).data)


@given(st.binary(max_size=300))
def test_a_vector_reads_back(data: bytes) -> None:
    assert decode_vec(encode_vec(data)) == (data, len(encode_vec(data)))


@pytest.mark.parametrize("data", ["", "01", "0200", "03000000", "0301020304"[:8], "08ff"])
def test_bytes_that_end_too_early_are_refused(data: str) -> None:
    with pytest.raises(ValueError, match="the bytes end"):
        decode_vec(bytes.fromhex(data))


@pytest.mark.parametrize("value", [-1, 2**536])
def test_a_value_outside_the_range_is_refused(value: int) -> None:
    with pytest.raises(ValueError, match="compact integer is"):
        encode_compact(value)
