from hashlib import blake2b

import pytest

from chain.devchain import trie
from tests.support.trie_oracle import whole_root


def blake2_256(data: bytes) -> bytes:
    return blake2b(data, digest_size=32).digest()


# Worked out by hand from the specification: header, partial key, bitmap, value, children.
BY_HAND = [
    ("no key at all", {}, "00"),
    ("a leaf at the root: 01 and two nibbles", {b"\x12": b"v"}, "42 12 04 76"),
    ("the empty key: a leaf without a partial key", {b"": b"v"}, "40 04 76"),
    ("an empty value", {b"\x12": b""}, "42 12 00"),
    (
        "two keys that part at the second nibble: a branch of one nibble over inline leaves",
        {b"\x12": b"a", b"\x13": b"b"},
        "81 01 0c00 0c 40 04 61 0c 40 04 62",
    ),
    (
        "a key that is the other's beginning: a branch with a value",
        {b"\x12": b"a", b"\x12\x34": b"b"},
        "c2 12 0800 04 61 10 41 04 04 62",
    ),
    (
        "an odd partial key: its first nibble stands alone",
        {b"\x01\x23": b"a", b"\x41\x23": b"b"},
        "80 1100 14 43 0123 04 61 14 43 0123 04 62",
    ),
    (
        "63 nibbles or more: the length goes on in a second byte",
        {bytes(32): b"v"},
        "7f 01" + "00" * 32 + "04 76",
    ),
]


@pytest.mark.parametrize(("what", "pairs", "encoding"), BY_HAND, ids=[x[0] for x in BY_HAND])
@pytest.mark.parametrize("version", [0, 1])
def test_roots_are_the_hash_of_the_encoding_worked_out_by_hand(
    what: str, pairs: dict[bytes, bytes], encoding: str, version: int
) -> None:
    assert trie.root_of(pairs.items(), version) == blake2_256(bytes.fromhex(encoding))


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("size", [31, 32, 33, 34])
def test_a_value_is_hashed_from_33_bytes_on_and_only_under_version_1(
    size: int, version: int
) -> None:
    value = bytes(range(size))
    inline = bytes.fromhex("42 12") + bytes([size << 2]) + value
    hashed = bytes.fromhex("22 12") + blake2_256(value)
    expected = hashed if version == 1 and size > 32 else inline
    assert trie.root_of([(b"\x12", value)], version) == blake2_256(expected)


def test_a_branch_with_a_long_value_has_a_header_of_its_own() -> None:
    value = bytes(40)
    expected = bytes.fromhex("12 12 0800") + blake2_256(value) + bytes.fromhex("10 41 04 04 62")
    assert trie.root_of([(b"\x12", value), (b"\x12\x34", b"b")], 1) == blake2_256(expected)


def test_a_child_is_inline_up_to_31_bytes_and_a_hash_from_32_on() -> None:
    for size, inline in [(28, True), (29, True), (30, False)]:
        leaf = b"\x40" + bytes([size << 2]) + bytes(size)
        assert (len(leaf) < 32) is inline
        child = bytes([len(leaf) << 2]) + leaf if inline else b"\x80" + blake2_256(leaf)
        small = b"\x08\x40\x00"
        expected = bytes.fromhex("81 01 0c00") + child + small
        pairs = {b"\x12": bytes(size), b"\x13": b""}
        assert trie.root_of(pairs.items(), 1) == blake2_256(expected)


def test_an_older_version_is_untouched_by_what_is_made_from_it() -> None:
    one = None
    for i in range(50):
        one = trie.put(one, bytes([i, 1]), bytes([i]), 1)
    before, pairs = trie.root_hash(one), dict(trie.walk(one))
    two = one
    for i in range(0, 50, 3):
        two = trie.put(two, bytes([i, 1]), None if i % 2 else b"changed" * 9, 1)
    assert trie.root_hash(two) != before
    assert dict(trie.walk(one)) == pairs
    assert trie.root_hash(one) == before == whole_root(pairs, 1)


def test_only_the_path_to_a_changed_key_is_made_anew() -> None:
    node = None
    for i in range(4096):
        node = trie.put(node, blake2_256(bytes([i % 256, i // 256])), b"x", 1)
    trie.root_hash(node)
    hashed = []

    def counting(data: bytes) -> bytes:
        hashed.append(len(data))
        return blake2_256(data)

    changed = trie.put(node, blake2_256(b"\0\0"), b"y", 1)
    trie.root_hash(changed, counting)
    assert len(hashed) <= 5  # log16 of 4,096 is 3; a node more where the path is uneven


def test_writing_what_is_there_already_changes_no_node() -> None:
    node = trie.put(trie.put(None, b"a", b"1", 1), b"b", b"2", 1)
    trie.root_hash(node)
    assert trie.put(node, b"a", b"1", 1) is node
    assert trie.put(node, b"c", None, 1) is node


def test_a_value_of_version_0_stays_so_until_it_is_written_again() -> None:
    long = bytes(40)
    node = trie.put(trie.put(None, b"\x12", long, 0), b"\x13", long, 0)
    assert trie.root_hash(node) == whole_root({b"\x12": long, b"\x13": long}, 0)
    node = trie.put(node, b"\x12", long, 1)
    assert trie.root_hash(node) not in {
        whole_root({b"\x12": long, b"\x13": long}, version) for version in (0, 1)
    }
    assert sorted(v for _, _, v in trie.walk_versions(node)) == [0, 1]
    node = trie.put(node, b"\x13", long, 1)
    assert trie.root_hash(node) == whole_root({b"\x12": long, b"\x13": long}, 1)


def test_removing_every_key_leaves_the_empty_root() -> None:
    keys = [bytes([i, j]) for i in range(5) for j in range(5)]
    node = None
    for key in keys:
        node = trie.put(node, key, key * 20, 1)
    for key in keys:
        node = trie.put(node, key, None, 1)
    assert node is None
    assert trie.root_hash(node) == trie.EMPTY_ROOT == blake2_256(b"\0")
