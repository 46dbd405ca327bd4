"""What no sequence of bytes, order or alteration can break on the wire."""

import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.codec import encode_canonical
from market.envelope import (
    Envelope,
    Opened,
    decode_envelope_untrusted,
    message_id,
    open_untrusted,
)
from market.errors import DecodeError, EnvelopeError, UsageError
from market.hashing import digest
from market.merkle import MerkleRoot, is_member, merkle_root, prove
from market.replay import WINDOW, ReplayWindow
from tests.support.fuzz import Case, cases, decode, honest_envelopes
from tests.support.samples import GENESIS, OwnKeys

pytestmark = [pytest.mark.property, pytest.mark.timeout(600)]  # a busy machine is no failure

ENVELOPES = honest_envelopes()
leaves = st.sets(st.binary(min_size=32, max_size=32), max_size=40)


def test_hostile_input_ends_in_the_one_error_or_in_a_canonical_value() -> None:
    for case in cases(seed=1, count=20_000):
        try:
            value = decode(case)
        except (DecodeError, EnvelopeError):
            continue
        again = value.raw if isinstance(value, Opened) else encode_canonical(value)
        assert again == case.data


@given(st.binary(max_size=300))
def test_noise_is_never_an_envelope(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(Case(data, None))


@given(st.sampled_from(ENVELOPES), st.data())
def test_no_field_of_a_signed_message_can_change(raw: bytes, data: st.DataObject) -> None:
    """Flip any bit anywhere: it no longer opens."""
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    altered = bytearray(raw)
    altered[bit // 8] ^= 1 << bit % 8
    with pytest.raises((DecodeError, EnvelopeError)):
        open_untrusted(bytes(altered), genesis=GENESIS, keys=OwnKeys())


def test_no_bit_of_one_message_can_change() -> None:
    """The same, exhaustively, for one of them."""
    raw = ENVELOPES[2]
    for bit in range(len(raw) * 8):
        altered = bytearray(raw)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises((DecodeError, EnvelopeError)):
            open_untrusted(bytes(altered), genesis=GENESIS, keys=OwnKeys())


@given(st.sampled_from(ENVELOPES), st.sampled_from(sorted(set(Envelope.__struct_fields__))))
def test_every_field_but_the_signature_is_in_the_id(raw: bytes, field: str) -> None:
    envelope = decode_envelope_untrusted(raw)
    value = getattr(envelope, field)
    other: object
    match value:
        case bytes():
            other = bytes([value[0] ^ 1]) + value[1:]
        case int():
            other = value + 1
        case _:
            other = "award" if value != "award" else "cfp"
    fields = {name: getattr(envelope, name) for name in Envelope.__struct_fields__}
    changed = Envelope(**{**fields, field: other})
    assert (message_id(changed) == message_id(envelope)) == (field == "signature")


@given(
    st.tuples(st.text("abc-", min_size=1, max_size=4), st.binary(max_size=6)),
    st.tuples(st.text("abc-", min_size=1, max_size=4), st.binary(max_size=6)),
)
def test_two_kinds_or_two_contents_never_share_a_digest(
    a: tuple[str, bytes], b: tuple[str, bytes]
) -> None:
    assert (digest(*a) == digest(*b)) == (a == b)


@pytest.mark.parametrize("kind", ["", "a\0b", "größe"])
def test_kind_that_could_run_into_its_data_is_refused(kind: str) -> None:
    with pytest.raises(UsageError):
        digest(kind, b"")


def _naive_root(items: set[bytes]) -> bytes:
    """RFC 6962's recursion, which splits at the largest power of two below the size."""

    def h(kind: bytes, data: bytes) -> bytes:
        return hashlib.blake2b(b"ainur/1/" + kind + b"\0" + data, digest_size=32).digest()

    def tree(hashes: list[bytes]) -> bytes:
        if len(hashes) == 1:
            return hashes[0]
        split = 1 << (len(hashes) - 1).bit_length() - 1
        return h(b"node", b"\1" + tree(hashes[:split]) + tree(hashes[split:]))

    return tree([h(b"leaf", b"\0" + i) for i in sorted(items)]) if items else h(b"leaf", b"")


@given(leaves)
def test_root_is_the_one_of_the_recursive_definition(items: set[bytes]) -> None:
    assert merkle_root(items) == _naive_root(items)


@given(leaves, st.randoms(use_true_random=False))
def test_root_does_not_depend_on_order_or_repetition(items: set[bytes], rng: random.Random) -> None:
    shuffled = [*items, *items]
    rng.shuffle(shuffled)
    assert merkle_root(shuffled) == merkle_root(items)


@given(leaves, leaves)
def test_different_sets_have_different_roots(a: set[bytes], b: set[bytes]) -> None:
    assert (merkle_root(a) == merkle_root(b)) == (a == b)


@given(leaves.filter(bool), st.data())
def test_members_have_proofs_and_strangers_do_not(items: set[bytes], data: st.DataObject) -> None:
    member = data.draw(st.sampled_from(sorted(items)))
    root, proof = merkle_root(items), prove(items, member)
    assert is_member(root, member, proof)
    assert not is_member(root, bytes([member[0] ^ 1]) + member[1:], proof)
    assert not is_member(MerkleRoot(bytes(32)), member, proof)
    with pytest.raises(UsageError):
        prove(items - {member}, member)


@given(st.lists(st.integers(0, 3 * WINDOW) | st.sampled_from([0, 1, WINDOW, WINDOW + 1])))
def test_window_admits_each_number_once_and_agrees_with_a_set(numbers: list[int]) -> None:
    window, seen = ReplayWindow(), set[int]()
    for number in numbers:
        highest = max(seen, default=-1)
        expected = "stale" if number <= highest - WINDOW else "replayed" if number in seen else None
        if expected is None:
            window = window.admit(number)
            seen.add(number)
        else:
            with pytest.raises(EnvelopeError) as refused:
                window.admit(number)
            assert refused.value.reason == expected
