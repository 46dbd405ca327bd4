"""Overlay, trie and state together behave as dictionaries do, and have the roots of the oracle."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chain.devchain import trie
from chain.devchain.overlay import Overlay
from chain.devchain.scale import decode_compact, encode_compact
from chain.devchain.state import CHILD_PREFIX, EMPTY, State
from tests.support.trie_oracle import whole_root

pytestmark = pytest.mark.property

# Few bytes, so that keys share beginnings and are each other's beginnings.
KEYS = st.lists(st.sampled_from([0x00, 0x01, 0x10, 0x11, 0xFF]), max_size=4).map(bytes)
VALUES = st.sampled_from([0, 1, 31, 32, 33, 80]).flatmap(
    lambda n: st.binary(min_size=n, max_size=n)
)
CHILDREN = st.sampled_from([None, b"", b"child", b"other"])
VERSIONS = st.sampled_from([0, 1])

Model = dict[bytes | None, dict[bytes, bytes]]


def copied(model: Model) -> Model:
    return {child: dict(values) for child, values in model.items()}


def root_of_model(model: Model, version: int) -> bytes:
    top = dict(model.get(None, {}))
    for child, values in model.items():
        if child is not None and values:
            top[CHILD_PREFIX + child] = whole_root(values, version)
    return whole_root(top, version)


class Storage(RuleBasedStateMachine):
    """A block's life, over and over: writes in nested transactions, then a new state."""

    @initialize(version=VERSIONS)
    def start(self, version: int) -> None:
        self.version = version
        self.state = EMPTY
        self.overlay = Overlay(EMPTY)
        self.base: Model = {}
        self.model: Model = {}
        self.open: list[Model] = []
        self.past: list[tuple[State, Model]] = []

    def values(self, child: bytes | None) -> dict[bytes, bytes]:
        return self.model.setdefault(child, {})

    @rule(child=CHILDREN, key=KEYS, value=VALUES)
    def write(self, child: bytes | None, key: bytes, value: bytes) -> None:
        self.values(child)[key] = value
        if child is None:
            self.overlay.set(key, value)
        else:
            self.overlay.child_set(child, key, value)

    @rule(child=CHILDREN, key=KEYS)
    def remove(self, child: bytes | None, key: bytes) -> None:
        self.values(child).pop(key, None)
        if child is None:
            self.overlay.set(key, None)
        else:
            self.overlay.child_set(child, key, None)

    @rule(key=KEYS, item=st.binary(min_size=1, max_size=3))
    def append(self, key: bytes, item: bytes) -> None:
        old = self.values(None).get(key, b"")
        try:
            count, start = decode_compact(old)
        except ValueError:
            count, start = 0, len(old)
        self.values(None)[key] = encode_compact(count + 1) + old[start:] + item
        self.overlay.append(key, item)

    @rule(child=CHILDREN, prefix=KEYS, limit=st.sampled_from([None, 0, 1, 2, 100]))
    def remove_prefix(self, child: bytes | None, prefix: bytes, limit: int | None) -> None:
        if child is None and prefix == b"":
            return  # refused: it reaches the roots of child tries
        values, base = self.values(child), self.base.get(child, {})
        below = sorted(k for k in base if k.startswith(prefix))
        reached = below if limit is None else below[:limit]
        mine = [k for k in values if k.startswith(prefix) and values[k] != base.get(k)]
        remove = (
            self.overlay.remove_prefix(prefix, limit)
            if child is None
            else self.overlay.child_remove_prefix(child, prefix, limit)
        )
        assert remove.loops == len(reached)
        assert remove.cursor == (below[len(reached)] if len(reached) < len(below) else None)
        written = {k for k in self.written(child) if k.startswith(prefix)}
        for key in {*mine, *reached, *written}:
            values.pop(key, None)

    def written(self, child: bytes | None) -> set[bytes]:
        changes = self.overlay.changes()
        return set(changes.top if child is None else changes.children.get(child, {}))

    @rule()
    def begin(self) -> None:
        self.open.append(copied(self.model))
        self.overlay.start()

    @precondition(lambda self: self.open)
    @rule()
    def commit(self) -> None:
        self.open.pop()
        self.overlay.commit()

    @precondition(lambda self: self.open)
    @rule()
    def rollback(self) -> None:
        self.model = self.open.pop()
        self.overlay.rollback()

    @precondition(lambda self: not self.open)
    @rule()
    def end_block(self) -> None:
        state = self.overlay.result(self.version)
        assert state.root == root_of_model(self.model, self.version)
        self.past.append((self.state, self.base))
        self.state.hand_on_reads(state, self.overlay.changes())
        self.state, self.base = state, copied(self.model)
        self.overlay = Overlay(state)

    @precondition(lambda self: self.past and not self.open)
    @rule(data=st.data())
    def go_back(self, data: Any) -> None:
        index = data.draw(st.integers(0, len(self.past) - 1))
        self.state, base = self.past[index]
        self.base, self.model = copied(base), copied(base)
        self.overlay = Overlay(self.state)

    @rule(child=CHILDREN, key=KEYS)
    def look_up(self, child: bytes | None, key: bytes) -> None:
        values = self.values(child)
        behind = sorted(k for k in values if k > key)
        expected = behind[0] if behind else None
        if child is None:
            assert self.overlay.get(key) == values.get(key)
            found = self.overlay.next_key(key)
            while found is not None and found.startswith(CHILD_PREFIX):
                found = self.overlay.next_key(found)
            assert found == expected
        else:
            assert self.overlay.child_get(child, key) == values.get(key)
            assert self.overlay.child_next_key(child, key) == expected

    @invariant()
    def the_past_is_as_it_was(self) -> None:
        for state, model in self.past[-2:]:
            top = {k: v for k, v in state.walk() if not k.startswith(CHILD_PREFIX)}
            assert top == model.get(None, {})


TestStorage = Storage.TestCase
TestStorage.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)

CHANGES = st.lists(st.tuples(KEYS, st.none() | VALUES), max_size=40)


@given(changes=CHANGES, version=VERSIONS, cuts=st.sets(st.integers(0, 40)))
@settings(deadline=None)
def test_a_trie_changed_step_by_step_has_the_root_of_one_made_whole(
    changes: list[tuple[bytes, bytes | None]], version: int, cuts: set[int]
) -> None:
    node: trie.Node | None = None
    model: dict[bytes, bytes] = {}
    for i, (key, value) in enumerate(changes):
        node = trie.put(node, key, value, version)
        if value is None:
            model.pop(key, None)
        else:
            model[key] = value
        if i in cuts:
            assert trie.root_hash(node) == whole_root(model, version)
    assert trie.root_hash(node) == whole_root(model, version)
    assert dict(trie.walk(node)) == model


@given(pairs=st.dictionaries(KEYS, VALUES), prefix=KEYS, after=st.none() | KEYS)
@settings(deadline=None)
def test_walking_gives_what_sorting_gives(
    pairs: dict[bytes, bytes], prefix: bytes, after: bytes | None
) -> None:
    node = None
    for key, value in pairs.items():
        node = trie.put(node, key, value, 1)
    expected = [
        (k, v)
        for k, v in sorted(pairs.items())
        if k.startswith(prefix) and (after is None or k > after)
    ]
    assert list(trie.walk(node, prefix=prefix, after=after)) == expected
