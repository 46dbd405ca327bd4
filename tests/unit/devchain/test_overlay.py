import pytest

from chain.devchain.errors import DevChainError
from chain.devchain.overlay import Overlay, Removed
from chain.devchain.scale import encode_compact
from chain.devchain.state import CHILD_PREFIX, EMPTY, Changes
from tests.support.trie_oracle import whole_root

BASE = EMPTY.apply(Changes({bytes([i]): bytes([i]) for i in (10, 20, 40)}), 1)


def test_an_inner_rollback_undoes_only_what_was_done_inside() -> None:
    overlay = Overlay(BASE)
    overlay.set(b"a", b"0")
    overlay.start()
    overlay.set(b"a", b"1")
    overlay.start()
    overlay.set(b"a", b"2")
    overlay.set(b"b", b"2")
    overlay.rollback()
    assert (overlay.get(b"a"), overlay.get(b"b")) == (b"1", None)
    overlay.rollback()
    assert overlay.get(b"a") == b"0"


def test_an_inner_commit_is_undone_by_the_outer_rollback() -> None:
    overlay = Overlay(BASE)
    overlay.start()
    overlay.start()
    overlay.set(b"\x0a", b"changed")
    overlay.child_set(b"child", b"k", b"v")
    overlay.commit()
    assert overlay.get(b"\x0a") == b"changed"
    overlay.rollback()
    assert overlay.get(b"\x0a") == b"\x0a"
    assert overlay.child_get(b"child", b"k") is None
    assert overlay.result(1).root == BASE.root


def test_closing_a_transaction_that_is_not_open_is_an_error() -> None:
    overlay = Overlay(BASE)
    with pytest.raises(DevChainError, match="had not opened"):
        overlay.commit()


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_items_appended_in_a_transaction_go_or_stay_with_it(end: str) -> None:
    overlay = Overlay(EMPTY)
    overlay.append(b"events", b"A")
    overlay.start()
    overlay.append(b"events", b"B")
    assert overlay.get(b"events") == encode_compact(2) + b"AB"
    overlay.append(b"events", b"C")
    getattr(overlay, end)()
    overlay.append(b"events", b"D")
    expected = b"ABCD" if end == "commit" else b"AD"
    assert overlay.get(b"events") == encode_compact(len(expected)) + expected


def test_a_list_replaced_and_rolled_back_is_the_list_again() -> None:
    overlay = Overlay(EMPTY)
    overlay.append(b"k", b"A")
    overlay.start()
    overlay.append(b"k", b"B")
    overlay.set(b"k", b"other")
    overlay.append(b"k", b"C")  # "other" begins with a compact: it is read as a list
    overlay.rollback()
    assert overlay.get(b"k") == b"\x04A"


@pytest.mark.parametrize("stored", [b"", b"\x03"], ids=["empty", "not a list"])
def test_appending_to_what_is_no_list_starts_one(stored: bytes) -> None:
    overlay = Overlay(EMPTY.apply(Changes({b"k": stored}), 1))
    overlay.append(b"k", b"A")
    assert overlay.get(b"k") == b"\x04A"


def test_the_length_of_a_list_may_take_more_bytes_as_it_grows() -> None:
    overlay = Overlay(EMPTY.apply(Changes({b"k": encode_compact(63) + bytes(63)}), 1))
    overlay.append(b"k", b"\1")
    assert overlay.get(b"k") == encode_compact(64) + bytes(63) + b"\1"


def test_the_next_key_skips_removed_ones_and_finds_new_ones() -> None:
    # The cases of sp-state-machine's own tests of next_storage_key.
    overlay = Overlay(BASE)
    overlay.set(b"\x14", None)
    overlay.set(b"\x1e", b"new")
    assert [overlay.next_key(bytes([i])) for i in (5, 10, 20, 30, 40)] == [
        b"\x0a", b"\x1e", b"\x1e", b"\x28", None,
    ]  # fmt: skip
    overlay.set(b"\x32", b"last")
    assert overlay.next_key(b"\x28") == b"\x32"


def test_the_next_key_follows_a_rollback() -> None:
    overlay = Overlay(BASE)
    overlay.start()
    overlay.set(b"\x0b", b"x")
    assert overlay.next_key(b"\x0a") == b"\x0b"
    overlay.rollback()
    assert overlay.next_key(b"\x0a") == b"\x14"


def test_a_limit_counts_the_states_keys_and_not_the_overlays() -> None:
    state = EMPTY.apply(Changes({b"p" + bytes([i]): b"v" for i in range(4)}), 1)
    overlay = Overlay(state)
    overlay.set(b"p9", b"mine")
    overlay.set(b"p\0", None)
    assert overlay.remove_prefix(b"p", 2) == Removed(b"p\2", 1, 2, 2)
    assert overlay.next_key(b"p") == b"p\2"
    assert overlay.remove_prefix(b"p", None, b"p\2") == Removed(None, 2, 2, 2)
    assert overlay.next_key(b"") is None


def test_a_limit_of_nought_removes_only_what_the_overlay_holds() -> None:
    overlay = Overlay(BASE)
    overlay.set(b"\x0a\1", b"mine")
    assert overlay.remove_prefix(b"\x0a", 0) == Removed(b"\x0a", 0, 1, 0)


@pytest.mark.parametrize("prefix", [b"", b":child", b":child_storage:default:x"])
def test_a_prefix_that_reaches_roots_of_child_tries_removes_nothing(prefix: bytes) -> None:
    overlay = Overlay(BASE)
    assert overlay.remove_prefix(prefix) == Removed(None, 0, 0, 0)
    assert overlay.result(1).root == BASE.root


def test_the_root_of_a_child_trie_stands_in_the_top_trie_and_cannot_be_written_by_hand() -> None:
    overlay = Overlay(EMPTY)
    overlay.child_set(b"c", b"k", b"v")
    overlay.set(CHILD_PREFIX + b"c", b"forged")
    root = whole_root({b"k": b"v"}, 1)
    assert overlay.child_root(b"c", 1) == root
    assert overlay.get(CHILD_PREFIX + b"c") == root
    state = overlay.result(1)
    assert state.root == whole_root({CHILD_PREFIX + b"c": root}, 1)
    assert state.child_get(b"c", b"k") == b"v"
    after = Overlay(state)
    assert after.child_remove_prefix(b"c", b"") == Removed(None, 1, 1, 1)
    assert after.result(1).root == EMPTY.root
    assert after.result(1).children() == []


def test_the_root_is_made_anew_when_the_version_or_anything_else_changes() -> None:
    overlay = Overlay(EMPTY)
    overlay.set(b"key", b"\x42" * 64)
    zero, one = overlay.result(0).root, overlay.result(1).root
    assert zero == whole_root({b"key": b"\x42" * 64}, 0)
    assert one == whole_root({b"key": b"\x42" * 64}, 1)
    overlay.set(b"key", None)
    assert overlay.result(1).root == EMPTY.root
