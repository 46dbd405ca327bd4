"""Whatever bytes come, from whoever: an error of ours, and the chain goes on."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.devchain.chain import DevChain
from chain.devchain.errors import (
    ImportRefusedError,
    RefusedError,
    RuntimeTrapError,
)
from chain.devchain.scale import encode_vec
from tests.support.extrinsics import ALICE, remark, sign
from tests.support.runtime import runtime_path

pytestmark = [pytest.mark.property, pytest.mark.chain]


@pytest.fixture(scope="module")
def chain() -> Iterator[DevChain]:
    with DevChain.open(runtime_path()) as opened:
        opened.build()
        yield opened


def mutated(good: bytes, at: int, byte: int, cut: int) -> bytes:
    at %= len(good)
    return (good[:at] + bytes([byte]) + good[at + 1 :])[: len(good) - cut % len(good)]


MUTATION = st.tuples(
    st.integers(0, 10_000), st.integers(0, 255), st.one_of(st.just(0), st.integers(0, 50))
)


@given(data=st.binary(max_size=200))
@settings(max_examples=30, deadline=None)
def test_random_bytes_are_refused(chain: DevChain, data: bytes) -> None:
    for raw in (data, encode_vec(data), encode_vec(b"\x84" + data), encode_vec(b"\x04" + data)):
        with pytest.raises(RefusedError):
            chain.submit(raw)
    assert chain.state().root == chain.head.state_root


@given(mutation=MUTATION)
@settings(max_examples=40, deadline=None)
def test_a_damaged_extrinsic_is_refused_or_harmless(
    chain: DevChain, mutation: tuple[int, int, int]
) -> None:
    fork = chain.fork()
    good = sign(fork, ALICE, remark(fork), 0)
    try:
        fork.submit(mutated(good, *mutation))
    except RefusedError:
        assert not fork.has_ready
    fork.build()
    fork.submit(sign(fork, ALICE, remark(fork, b"after"), len(fork.head.extrinsics) - 1))
    assert len(fork.build().extrinsics) == 2
    fork.close()


@given(data=st.data(), argument=st.binary(max_size=100))
@settings(max_examples=60, deadline=None)
def test_any_runtime_call_answers_or_traps(
    chain: DevChain, data: st.DataObject, argument: bytes
) -> None:
    api = data.draw(st.sampled_from(sorted(chain.runtime().exports)))
    try:
        chain.call(api, argument)
    except RuntimeTrapError as error:
        assert error.method == api  # noqa: PT017  (it need not trap)
    assert chain.state().root == chain.head.state_root


@given(mutation=MUTATION, in_header=st.booleans())
@settings(max_examples=30, deadline=None)
def test_a_damaged_block_is_refused(
    chain: DevChain, mutation: tuple[int, int, int], in_header: bool
) -> None:
    fork = chain.fork()
    other = fork.fork()
    other.submit(sign(other, ALICE, remark(other), 0))
    block = other.build()
    header, extrinsics = block.header, list(block.extrinsics)
    if in_header:
        header = mutated(header, *mutation)
    else:
        extrinsics[1] = mutated(extrinsics[1], *mutation)
    if (header, tuple(extrinsics)) == (block.header, block.extrinsics):
        assert fork.import_block(header, extrinsics) == block
    else:
        with pytest.raises(ImportRefusedError):
            fork.import_block(header, extrinsics)
        assert fork.head == chain.head
    assert fork.import_block(block.header, block.extrinsics) == block
    fork.close()
    other.close()
