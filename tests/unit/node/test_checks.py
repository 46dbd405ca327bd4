"""Checks of a result: hash, schema, agreement of replicas, and which finding decides."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.identity import AccountId
from node.agents.schemas import Judge
from node.checks.replicas import compare_replicas
from node.checks.result import check_hash, check_output, digest
from node.checks.verdict import Finding, conclude

ALICE, BOB, CHARLIE, DAVE = (AccountId(bytes([n]) * 32) for n in range(1, 5))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
)  # fmt: skip


def test_the_digest_is_what_any_tool_computes() -> None:
    # b2sum --length 256 of nothing, as the command prints it.
    empty = "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"
    assert digest(b"").hash.hex() == empty


@given(st.binary(max_size=64), st.integers(0, 511))
def test_a_result_changed_in_any_bit_is_found(output: bytes, position: int) -> None:
    receipt = digest(output)
    assert check_hash(receipt, output).verdict == "passed"
    byte, bit = divmod(position, 8)
    if byte < len(output):
        changed = bytearray(output)
        changed[byte] ^= 1 << bit
        assert check_hash(receipt, bytes(changed)).verdict == "failed"
    assert check_hash(receipt, output + b"\0").verdict == "failed"


@pytest.mark.parametrize(
    ("output", "verdict", "check"),
    [
        (b'{"n":1}', "passed", "schema"),
        (b'{"n":"1"}', "failed", "schema"),
        (b"{", "failed", "json"),
        (b"\xff", "failed", "json"),
        (b"[" * 100_000, "failed", "json"),
    ],
)
def test_a_result_is_held_to_its_schema(output: bytes, verdict: str, check: str) -> None:
    judge = Judge({"properties": {"n": {"type": "integer"}}}, "x")
    finding, _ = check_output(judge, output)
    assert (finding.verdict, finding.check) == (verdict, check)
    assert bool(finding.evidence) == (verdict == "failed")


def test_a_failure_decides_before_what_is_undecided_and_that_before_what_passed() -> None:
    passed, undecided = Finding("a", "passed"), Finding("b", "undecided", "?")
    failed, other = Finding("c", "failed", "x"), Finding("d", "failed", "y")
    assert conclude([passed, undecided, failed, other]) is failed
    assert conclude([undecided, passed]) is undecided
    assert conclude([passed]) is passed


def test_evidence_is_bounded() -> None:
    assert len(Finding("a", "failed", "x" * 10_000).evidence) == 2_000


def verdicts(outputs: list[Any], quorum: int) -> tuple[Any, list[str]]:
    agreement = compare_replicas(
        dict(zip((ALICE, BOB, CHARLIE, DAVE), outputs, strict=False)), quorum
    )
    found = [agreement.findings[a].verdict for a in sorted(agreement.findings)]
    return agreement.output, found


@pytest.mark.parametrize(
    ("outputs", "quorum", "output", "found"),
    [
        ([1, 1, 2], 2, 1, ["passed", "passed", "failed"]),
        ([1, 2, 3], 2, None, ["undecided"] * 3),
        ([1, 1, 2, 2], 3, None, ["undecided"] * 4),
        ([{"a": 1, "b": 2}, {"b": 2, "a": 1.0}], 2, {"a": 1, "b": 2}, ["passed"] * 2),
        ([True, 1], 2, None, ["undecided"] * 2),
        (["1", 1, 1], 2, 1, ["failed", "passed", "passed"]),
        ([0.1 + 0.2, 0.3], 2, None, ["undecided"] * 2),
        ([7], 1, 7, ["passed"]),
    ],
)
def test_replicas_agree_or_not(
    outputs: list[Any], quorum: int, output: Any, found: list[str]
) -> None:
    assert verdicts(outputs, quorum) == (output, found)


@pytest.mark.parametrize(("asked", "quorum"), [(2, 1), (4, 2), (3, 1), (1, 0)])
def test_a_quorum_that_could_be_reached_twice_is_refused(asked: int, quorum: int) -> None:
    with pytest.raises(ValueError, match="twice"):
        verdicts([1] * asked, quorum)


@given(JSON, JSON, st.integers(0, 1))
def test_the_honest_majority_of_three_is_never_blamed(honest: Any, wrong: Any, place: int) -> None:
    outputs = [honest, honest]
    outputs.insert(place, wrong)
    _, found = verdicts(outputs, 2)
    assert all(verdict == "passed" for i, verdict in enumerate(found) if i != place)
