"""The nearest texts against a look at all of them, through additions, removals and both ways of searching."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from routing.semantic.embedding import HashingEmbedder
from routing.semantic.nearest import Nearest

pytestmark = pytest.mark.property

DIMENSIONS = 16
Vector = NDArray[np.float32]


def random_vector(rng: np.random.Generator) -> Vector:
    vector = rng.normal(size=DIMENSIONS).astype(np.float32)
    return vector / np.linalg.norm(vector)


def oracle(rows: dict[int, tuple[Vector, float, int]], query: Vector, least: float) -> list[int]:
    scored = []
    for handle, (vector, weight, tie) in rows.items():
        similarity = float(np.dot(vector.astype(np.float64), query.astype(np.float64)))
        if similarity >= least:
            scored.append((-similarity * (1 + weight) / 2, tie, handle))
    return [handle for _, _, handle in sorted(scored)]


@given(
    seed=st.integers(0, 2**32), moves=st.lists(st.sampled_from("aaaarw"), max_size=60),
    count=st.sampled_from([1, 2, 5, 100]), least=st.sampled_from([-1.0, 0.0, 0.3]),
)  # fmt: skip
def test_an_exact_search_agrees_with_a_look_at_all(
    seed: int, moves: list[str], count: int, least: float
) -> None:
    rng = np.random.default_rng(seed)
    index, rows = Nearest(DIMENSIONS), {}
    for move in moves:
        handles = sorted(rows)
        if move == "a" or not handles:
            row = (random_vector(rng), float(rng.random()), int(rng.integers(2**63)))
            rows[index.add(*row)] = row
        elif move == "r":
            handle = handles[int(rng.integers(len(handles)))]
            index.remove(handle)
            del rows[handle]
        else:
            handle = handles[int(rng.integers(len(handles)))]
            rows[handle] = (rows[handle][0], 0.5, rows[handle][2])
            index.reweigh(handle, 0.5)
    query = random_vector(rng)
    found = [each.handle for each in index.search(query, count, least)]
    assert len(index) == len(rows)
    assert found == oracle(rows, query, least)[:count]


@given(ties=st.permutations(range(8)), count=st.integers(1, 8))
def test_of_equal_texts_the_smaller_tie_comes_first(ties: list[int], count: int) -> None:
    index = Nearest(DIMENSIONS)
    vector = random_vector(np.random.default_rng(0))
    handles = {tie: index.add(vector, 0.0, tie) for tie in ties}
    found = [each.handle for each in index.search(vector, count, 0.0)]
    assert found == [handles[tie] for tie in range(count)]


def test_the_graph_finds_what_a_look_at_all_finds_while_texts_come_and_go_and_gain_weight() -> None:
    rng = np.random.default_rng(7)
    index, rows = Nearest(DIMENSIONS, above=300, below=200), {}
    hits = asked = 0
    was_graph = set()
    for step in range(2_500):
        grow = step < 1_000 or (step < 1_800 and step % 2)
        if grow or not rows:
            row = (random_vector(rng), float(rng.random()), step)
            rows[index.add(*row)] = row
        else:
            handle = sorted(rows)[int(rng.integers(len(rows)))]
            index.remove(handle)
            del rows[handle]
        if step % 7 == 0 and rows:
            handle = sorted(rows)[int(rng.integers(len(rows)))]
            rows[handle] = (rows[handle][0], float(rng.random()), rows[handle][2])
            index.reweigh(handle, rows[handle][1])
        was_graph.add(not index.is_exact)
        if step % 25 == 0 and rows:
            query = random_vector(rng)
            found = [each.handle for each in index.search(query, 5, -1.0)]
            expected = oracle(rows, query, -1.0)[:5]
            assert set(found) <= set(rows)
            hits, asked = hits + len(set(found) & set(expected)), asked + len(expected)
    assert was_graph == {False, True}
    assert hits >= 0.97 * asked


WORDS = st.text(max_size=200)


@given(text=WORDS)
def test_a_vector_has_length_one_or_is_nothing(text: str) -> None:
    vector = HashingEmbedder().embed(text)
    length = float(np.linalg.norm(vector))
    assert vector.dtype == np.float32
    assert length == 0.0 or abs(length - 1.0) < 1e-5


@given(text=WORDS)
def test_case_accents_and_order_do_not_count(text: str) -> None:
    embed = HashingEmbedder().embed
    ascii_words = "".join(c if c.isascii() and c.isalnum() else " " for c in text)
    shuffled = " ".join(reversed(ascii_words.split()))
    assert np.allclose(embed(ascii_words), embed(shuffled.upper()), atol=1e-6)
