"""Reading runtime blobs, good and bad."""

import pytest

from chain.devchain.blob import compress, custom_section, decompress, read_blob
from chain.devchain.errors import BlobError
from chain.devchain.scale import encode_compact, encode_vec

HEADER = b"\0asm\1\0\0\0"


def section(name: str, data: bytes) -> bytes:
    body = bytes((len(name),)) + name.encode() + data
    assert len(body) < 128
    return b"\0" + bytes((len(body),)) + body


VERSION = (
    encode_vec(b"test")
    + encode_vec(b"impl")
    + b"".join(n.to_bytes(4, "little") for n in (1, 2, 3))
    + encode_compact(0)
    + (4).to_bytes(4, "little")
    + b"\1"
)
CORE = bytes.fromhex("df6acb689907609b")
RUNTIME = (
    HEADER
    + section("runtime_version", VERSION)
    + section("runtime_apis", CORE + (5).to_bytes(4, "little"))
)


@pytest.mark.parametrize("pack", [bytes, compress])
def test_a_runtime_says_what_it_is_plain_or_compressed(pack) -> None:
    blob = read_blob(pack(RUNTIME))
    assert (blob.spec_name, blob.impl_name) == ("test", "impl")
    assert (blob.authoring_version, blob.spec_version, blob.impl_version) == (1, 2, 3)
    assert (blob.transaction_version, blob.system_version) == (4, 1)
    assert blob.apis == (("Core", 5),)
    assert blob.raw_size == len(RUNTIME)


def test_a_section_is_found_behind_others() -> None:
    assert custom_section(HEADER + section("a", b"1") + section("b", b"2"), "b") == b"2"
    assert custom_section(HEADER + section("a", b"1"), "b") is None


@pytest.mark.parametrize(
    ("blob", "words"),
    [
        (b"", "not a runtime"),
        (b"MZ", "not a runtime"),
        (HEADER, "no section runtime_version"),
        (HEADER + b"\0\xff", "cut short"),
        (HEADER + b"\0\x05\x01a", "cut short"),
        (HEADER + section("runtime_version", VERSION[:9]), "damaged"),
        (HEADER + section("runtime_version", b"\xff" * 40), "damaged"),
        (bytes.fromhex("52bc537646db8e05") + b"nonsense", "damaged"),
        (compress(b"not wasm"), "not a runtime"),
    ],
)
def test_bytes_that_are_no_runtime_are_refused_in_words(blob: bytes, words: str) -> None:
    with pytest.raises(BlobError, match=words):
        read_blob(blob)


def test_a_blob_that_unpacks_beyond_the_limit_is_refused() -> None:
    with pytest.raises(BlobError, match="more than"):
        decompress(compress(bytes(51 * 1024 * 1024)))


def test_every_cut_of_a_compressed_runtime_is_refused() -> None:
    blob = compress(RUNTIME)
    for end in range(len(blob) - 1):
        with pytest.raises(BlobError):
            read_blob(blob[:end])
