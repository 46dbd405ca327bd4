import pytest

from chain.devchain.block import Block, decode_body, encode_body, encode_header, extrinsics_root
from chain.devchain.scale import encode_compact, encode_vec
from tests.support.trie_oracle import blake2_256, whole_root

LOGS = (
    b"\6aura" + encode_vec(b"slot"),
    b"\4BABE" + encode_vec(b""),
    b"\0" + encode_vec(b"other"),
    b"\x08",
    b"\5aura" + encode_vec(bytes(64)),
)


def test_a_header_is_decoded_to_what_it_was_made_of() -> None:
    header = encode_header(b"P" * 32, 70_000, b"S" * 32, b"X" * 32, LOGS)
    block = Block.of(header, [])
    assert (block.parent, block.number) == (b"P" * 32, 70_000)
    assert (block.state_root, block.extrinsics_root) == (b"S" * 32, b"X" * 32)
    assert block.digest == LOGS
    assert block.hash == blake2_256(header)


@pytest.mark.parametrize("cut", [1, 64, 100, 140])
def test_a_header_that_is_cut_short_is_refused(cut: int) -> None:
    header = encode_header(b"P" * 32, 1, digest=LOGS)
    with pytest.raises(ValueError, match=r"."):
        Block.of(header[:cut], [])


def test_bytes_behind_a_header_and_unknown_logs_are_refused() -> None:
    with pytest.raises(ValueError, match="left over"):
        Block.of(encode_header(bytes(32), 1) + b"\0", [])
    with pytest.raises(ValueError, match="unknown kind 9"):
        Block.of(encode_header(bytes(32), 1, digest=[b"\x09"]), [])


def test_a_body_comes_back_with_the_length_of_each_extrinsic() -> None:
    extrinsics = tuple(encode_vec(bytes(n)) for n in (0, 1, 100, 20_000))
    assert decode_body(encode_body(extrinsics)) == extrinsics


@pytest.mark.parametrize("version", [0, 1])
def test_the_extrinsics_root_is_that_of_a_trie_keyed_by_compact_index(version: int) -> None:
    extrinsics = [encode_vec(bytes(n)) for n in range(70)]
    expected = whole_root({encode_compact(i): x for i, x in enumerate(extrinsics)}, version)
    assert extrinsics_root(extrinsics, version) == expected
